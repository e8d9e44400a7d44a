/* What people read: acknowledgement, result, guidance. Each is one comment with a marker, sent through the ledger. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "services/dispatcher/marker.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* One comment on its way. */
struct posting {
	struct task *task;
	const char *body;
	const char *marker;
};

static bool send_to_jira(const struct posting *posting, const struct call_gate *gate, char *ret_id, struct err *err)
{
	const struct task *task = posting->task;
	const struct ask *ask = &task->job.record.ask;
	struct jira_comment_draft draft = {posting->body, ask->visibility_type, ask->visibility_value};
	return jira_api_add_comment(&task->peer.server, task_issue(task), &draft, gate, ret_id, err);
}

/* In the asking thread; when its comment is gone, on the pull request itself. */
static bool send_to_bitbucket(const struct posting *posting, const struct call_gate *gate, char *ret_id, struct err *err)
{
	const struct task *task = posting->task;
	struct pull_request_ref ref = task_pull_request(task);
	const char *parent = task->job.record.ask.comment_id;
	if (bitbucket_api_add_comment(&task->peer.server, &ref, parent, posting->body, gate, ret_id, err)) return true;
	if (!parent || err->code != ERR_NOT_FOUND) return false;
	*err = (struct err){0};
	return bitbucket_api_add_comment(&task->peer.server, &ref, NULL, posting->body, gate, ret_id, err);
}

static bool send_comment(void *context, const struct call_gate *gate, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	const struct posting *posting = context;
	char id[LIMIT_ID_BYTES] = "";
	bool is_sent = posting->task->peer.provider == PROVIDER_JIRA ? send_to_jira(posting, gate, id, err)
								     : send_to_bitbucket(posting, gate, id, err);
	if (is_sent) (void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", id);
	return is_sent;
}

static bool delete_comment(const struct task *task, const char *id, struct err *err)
{
	if (task->peer.provider == PROVIDER_JIRA)
		return jira_api_delete_comment(&task->peer.server, task_issue(task), id, err);
	struct pull_request_ref ref = task_pull_request(task);
	return bitbucket_api_delete_comment(&task->peer.server, &ref, id, err);
}

/* The oldest of ours stays, younger repeats go. */
static bool look_for_comment(void *context, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	const struct posting *posting = context;
	const struct task *task = posting->task;
	const struct bot *bot = task->peer.bot.names[0] || task->peer.bot.names[1] ? &task->peer.bot : NULL;
	struct comment_hits hits = {0};
	struct pull_request_ref ref = task_pull_request(task);
	bool is_read = task->peer.provider == PROVIDER_JIRA
			       ? jira_api_find_comments(&task->peer.server, task_issue(task), posting->marker, bot,
							&hits, err)
			       : bitbucket_api_find_comments(&task->peer.server, &ref, posting->marker, bot, &hits, err);
	if (!is_read) return false;
	for (size_t i = 1; i < hits.count; i++) {
		if (!delete_comment(task, hits.ids[i], err)) return false;
	}
	if (hits.count > 0) (void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", hits.ids[0]);
	return true;
}

static bool post(struct task *task, enum effect_kind kind, const char *marker, const char *body, struct job_event *ret,
		 struct err *err)
{
	struct posting posting = {task, body, marker};
	struct ledger_effect effect = {kind, send_comment, look_for_comment, &posting};
	struct ledger_result result;
	if (!ledger_carry_out(&task->dispatcher->ledger, &task->job, &effect, &result, err)) return false;
	*ret = step_from_ledger(task, &result, err);
	return true;
}

static struct reply_context reply_for(const struct task *task)
{
	const struct dispatcher *dispatcher = task->dispatcher;
	return (struct reply_context){
		.provider = task->peer.provider,
		.product_name = config_text(dispatcher->config, "OHDC_PRODUCT_NAME"),
		.host = dispatcher->app_host,
		.app_url = dispatcher->app_url,
		.conversation_pattern = config_text(dispatcher->config, "OHDC_CONVERSATION_URL"),
		.provider_url = task->peer.base_url,
		.bot = &task->peer.bot,
		.ask = &task->job.record.ask,
	};
}

static bool cannot_speak(const struct task *task, struct job_event *ret, struct err *err)
{
	if (secret_is_set(&task->peer.server.token)) return false;
	err_set(err, ERR_INPUT, "no bot token for '%s'", task->peer.base_url);
	*ret = (struct job_event){.kind = EVENT_GIVE_UP, .detail = err->message};
	return true;
}

bool step_acknowledge(struct task *task, struct job_event *ret, struct err *err)
{
	char marker[MARKER_SIZE];
	step_marker(task, EFFECT_ACK, marker);
	struct reply_context context = reply_for(task);
	struct reply_values values = {
		.conversation_id = task->job.record.job_id,
		.repository = task->job.repository,
		.org = task->job.org_name,
		.marker = marker,
	};
	enum text_id text = task->job.repository ? TEXT_ACK : TEXT_ACK_NO_REPOSITORY;
	CLEANUP(mem_free_text) char *body = reply_text(&context, text, &values);
	return post(task, EFFECT_ACK, marker, body, ret, err);
}

/* ---- result ---------------------------------------------------------------------------------------------------- */

static enum text_id text_of_ending(enum job_ending ending)
{
	switch (ending) {
	case ENDING_NONE:
	case ENDING_FINISHED: return TEXT_RESULT_EMPTY;
	case ENDING_ERROR: return TEXT_ENDED_IN_ERROR;
	case ENDING_STUCK: return TEXT_ENDED_STUCK;
	case ENDING_CONFIRMATION: return TEXT_CONFIRMATION;
	case ENDING_START_FAILED: return TEXT_START_FAILED;
	case ENDING_VANISHED: return TEXT_VANISHED;
	case ENDING_DEADLINE: return TEXT_DEADLINE;
	}
	return TEXT_RESULT_EMPTY;
}

bool step_result(struct task *task, struct job_event *ret, struct err *err)
{
	char marker[MARKER_SIZE];
	step_marker(task, EFFECT_RESULT, marker);
	struct reply_context context = reply_for(task);
	struct reply_values values = {
		.conversation_id = task->job.record.job_id,
		.repository = task->job.repository,
		.detail = task->job.machine.told,
		.marker = marker,
	};
	bool has_words = task->job.machine.ending == ENDING_FINISHED && task->job.final_text;
	CLEANUP(mem_free_text) char *body = has_words ? reply_result(&context, task->job.final_text, &values)
						      : reply_text(&context, text_of_ending(task->job.machine.ending),
								   &values);
	return post(task, EFFECT_RESULT, marker, body, ret, err);
}

/* ---- guidance -------------------------------------------------------------------------------------------------- */

static const char *account_of(const struct ask *ask)
{
	if (ask->actor.id) return ask->actor.id;
	if (ask->actor.key) return ask->actor.key;
	return ask->actor.name ? ask->actor.name : "";
}

/* Equal advice to one person on one issue at most once an hour. */
static bool may_guide(const struct task *task, bool *ret, struct err *err)
{
	const struct job_record *record = &task->job.record;
	const char *subject = record->ask.subject ? record->ask.subject : record->event_key;
	return effect_store_may_guide(task->dispatcher->pool, subject, account_of(&record->ask),
				      reason_name(task->job.machine.outcome), record->job_id, ret, err);
}

bool step_guidance(struct task *task, struct job_event *ret, struct err *err)
{
	enum text_id text;
	bool may = false;
	if (cannot_speak(task, ret, err)) return true;
	if (!texts_for_reason(task->job.machine.outcome, &text)) {
		*ret = (struct job_event){.kind = EVENT_DONE};
		return true;
	}
	/* The linker's answer means the account in OpenHands; a start was stopped by the sign-in at Jira. */
	if (text == TEXT_LOGIN_NEEDED && task->job.record.kind == JOB_START) text = TEXT_LINK_AGAIN;
	if (!may_guide(task, &may, err)) return false;
	if (!may) {
		*ret = (struct job_event){.kind = EVENT_DONE};
		return true;
	}
	char marker[MARKER_SIZE];
	step_marker(task, EFFECT_GUIDANCE, marker);
	struct reply_context context = reply_for(task);
	struct reply_values values = {
		.repository = task->job.repository,
		.detail = task->job.machine.told,
		.names = task->job.machine.told,
		.marker = marker,
	};
	CLEANUP(mem_free_text) char *body = reply_text(&context, text, &values);
	return post(task, EFFECT_GUIDANCE, marker, body, ret, err);
}
