/* What people read: acknowledgement, result, guidance. Each is one comment with a marker, sent through the ledger. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "services/dispatcher/marker.h"

#include <stdio.h>

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
	return jira_api_add_comment(&task->peer.server, task->issue, &draft, gate, ret_id, err);
}

/* In the asking thread; when its comment is gone, on the pull request itself. */
static bool send_to_bitbucket(const struct posting *posting, const struct call_gate *gate, char *ret_id, struct err *err)
{
	const struct task *task = posting->task;
	const struct pull_request_ref *ref = &task->pull_request;
	const char *parent = task->job.record.ask.comment_id;
	if (bitbucket_api_add_comment(&task->peer.server, ref, parent, posting->body, gate, ret_id, err)) return true;
	if (!parent || err->code != ERR_NOT_FOUND) return false;
	*err = (struct err){0};
	return bitbucket_api_add_comment(&task->peer.server, ref, NULL, posting->body, gate, ret_id, err);
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
		return jira_api_delete_comment(&task->peer.server, task->issue, id, err);
	return bitbucket_api_delete_comment(&task->peer.server, &task->pull_request, id, err);
}

/* The oldest of ours stays, younger repeats go. */
static bool look_for_comment(void *context, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	const struct posting *posting = context;
	const struct task *task = posting->task;
	const struct bot *bot = task->peer.bot.names[0] || task->peer.bot.names[1] ? &task->peer.bot : NULL;
	struct comment_hits hits = {0};
	bool is_read = task->peer.provider == PROVIDER_JIRA
			       ? jira_api_find_comments(&task->peer.server, task->issue, posting->marker, bot, &hits, err)
			       : bitbucket_api_find_comments(&task->peer.server, &task->pull_request, posting->marker,
							     bot, &hits, err);
	if (!is_read) return false;
	for (size_t i = 1; i < hits.count; i++) {
		if (!delete_comment(task, hits.ids[i], err)) return false;
	}
	if (hits.count > 0) (void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", hits.ids[0]);
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

/* What the words of one text do not name is left out of it. */
static bool post(struct task *task, enum effect_kind kind, enum text_id text, struct job_event *ret, struct err *err)
{
	const struct job *job = &task->job;
	char marker[MARKER_SIZE];
	step_marker(task, kind, marker);
	struct reply_context context = reply_for(task);
	struct reply_values values = {
		.conversation_id = job->machine.is_started ? job->record.job_id : NULL,
		.repository = job->repository,
		.org = job->org_name,
		.detail = job->machine.told,
		.names = job->machine.told,
		.marker = marker,
	};
	CLEANUP(mem_free_text) char *body = text == TEXT_RESULT ? reply_result(&context, job->final_text, &values)
								: reply_text(&context, text, &values);
	struct posting posting = {task, body, marker};
	struct ledger_effect effect = {kind, send_comment, look_for_comment, &posting};
	return step_carry_out(task, &effect, NULL, ret, err);
}

bool step_acknowledge(struct task *task, struct job_event *ret, struct err *err)
{
	return post(task, EFFECT_ACK, task->job.repository ? TEXT_ACK : TEXT_ACK_NO_REPOSITORY, ret, err);
}

/* ---- result ---------------------------------------------------------------------------------------------------- */

/* Without last words of the agent. */
static const enum text_id ending_texts[] = {
	[ENDING_NONE] = TEXT_RESULT_EMPTY,         [ENDING_FINISHED] = TEXT_RESULT_EMPTY,
	[ENDING_ERROR] = TEXT_ENDED_IN_ERROR,      [ENDING_STUCK] = TEXT_ENDED_STUCK,
	[ENDING_CONFIRMATION] = TEXT_CONFIRMATION, [ENDING_START_FAILED] = TEXT_START_FAILED,
	[ENDING_VANISHED] = TEXT_VANISHED,         [ENDING_DEADLINE] = TEXT_DEADLINE,
};

bool step_result(struct task *task, struct job_event *ret, struct err *err)
{
	enum job_ending ending = task->job.machine.ending;
	bool has_words = ending == ENDING_FINISHED && task->job.final_text;
	return post(task, EFFECT_RESULT, has_words ? TEXT_RESULT : ending_texts[ending], ret, err);
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
	if (!step_can_speak(task, err)) return step_failed(task, ret, err);
	if (!texts_for_reason(task->job.machine.outcome, &text)) return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
	/* The linker's answer means the account in OpenHands; a start was stopped by the sign-in at Jira. */
	if (text == TEXT_LOGIN_NEEDED && task->job.record.kind == JOB_START) text = TEXT_LINK_AGAIN;
	if (!may_guide(task, &may, err)) return false;
	return may ? post(task, EFFECT_GUIDANCE, text, ret, err) : step_says(ret, EVENT_DONE, REASON_NONE, NULL);
}
