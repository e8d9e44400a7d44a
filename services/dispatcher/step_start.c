/* Start the conversation: once, under an id of ours, and looked for before it is ever tried again. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "services/dispatcher/jira_secret.h"
#include "services/dispatcher/marker.h"
#include "services/dispatcher/openhands_follow.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* How far back a start of ours may lie when it is looked for: longer than any horizon. */
enum { LOOK_BACK_MS = 2 * 24 * 60 * 60 * 1000 };

/* What the first message is made of; read anew for each attempt. */
struct material {
	struct jira_issue issue;
	struct pull_request pull_request;
	struct comments comments;
	struct bitbucket_thread thread; /**< where an inline comment stands; deliveries do not say */
};

static void material_done(struct material *material)
{
	jira_issue_done(&material->issue);
	pull_request_done(&material->pull_request);
	comments_done(&material->comments);
	bitbucket_thread_done(&material->thread);
}

static bool read_issue(const struct task *task, struct material *ret, struct err *err)
{
	return jira_api_read_issue(&task->peer.server, task_issue(task), &ret->issue, err) &&
	       jira_api_recent_comments(&task->peer.server, task_issue(task), task->job.record.ask.comment_id,
					&ret->comments, err);
}

static bool read_pull_request(const struct task *task, struct material *ret, struct err *err)
{
	const struct ask *ask = &task->job.record.ask;
	struct pull_request_ref ref = task_pull_request(task);
	if (!bitbucket_api_read_pull_request(&task->peer.server, &ref, &ret->pull_request, err) ||
	    !bitbucket_api_recent_comments(&task->peer.server, &ref, ask->comment_id, &ret->comments, err))
		return false;
	if (ask->anchor_path) return true;
	struct err unknown = {0};
	return bitbucket_api_read_thread(&task->peer.server, &ref, ask->comment_id, &ret->thread, &unknown) ||
	       unknown.code == ERR_NOT_FOUND || err_set(err, unknown.code, "%s", unknown.message);
}

static bool read_material(const struct task *task, struct material *ret, struct err *err)
{
	return task->peer.provider == PROVIDER_JIRA ? read_issue(task, ret, err) : read_pull_request(task, ret, err);
}

static struct prompt_input prompt_for(const struct task *task, const struct material *material, const char *reference)
{
	const struct ask *ask = &task->job.record.ask;
	bool is_jira = task->peer.provider == PROVIDER_JIRA;
	return (struct prompt_input){
		.provider = task->peer.provider,
		.ask = ask,
		.request = task_asked_text(task),
		.title = is_jira ? material->issue.summary : material->pull_request.title,
		.description = is_jira ? material->issue.description : material->pull_request.description,
		.comments = &material->comments,
		.bot = &task->peer.bot,
		.provider_url = task->peer.base_url,
		.repository = task->job.repository,
		.branch = ask->branch,
		.target_branch = is_jira ? NULL : material->pull_request.to_branch,
		.reference = reference,
	};
}

/* Reading went wrong: whatever the code, no start has left us, so nothing needs to be looked for. */
static bool nothing_sent(struct err *err)
{
	if (err->code == ERR_TIMEOUT || err->code == ERR_INTERNAL) err->code = ERR_NETWORK;
	return false;
}

static bool send_start(void *context, const struct call_gate *gate, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	struct task *task = context;
	CLEANUP(material_done) struct material material = {0};
	if (!read_material(task, &material, err)) return nothing_sent(err);
	char reference[MARKER_SIZE];
	step_marker(task, EFFECT_START, reference);
	struct prompt_input input = prompt_for(task, &material, reference);
	struct ask placed = task->job.record.ask; /* borrows; only the place is from elsewhere */
	if (material.thread.anchor_path) {
		placed.anchor_path = material.thread.anchor_path;
		placed.anchor_line = material.thread.anchor_line;
	}
	input.ask = &placed;
	json_auto_t *secrets = jira_secret_values(task);
	CLEANUP(mem_free_text) char *token_url = secrets ? jira_secret_url(task) : NULL;
	input.token_url = token_url;
	CLEANUP(mem_free_text) char *message = prompt_message(&input);
	CLEANUP(mem_free_text) char *suffix = prompt_suffix(&input);
	CLEANUP(mem_free_text) char *title = prompt_title(&input);
	const char *number = task->job.record.ask.pull_request_id;

	struct openhands_start start = {
		.conversation_id = task->job.record.job_id,
		.message = message,
		.suffix = suffix,
		.repository = task->job.repository,
		.branch = task->job.record.ask.branch,
		.git_provider = task->job.git_provider,
		.trigger = task->peer.provider == PROVIDER_JIRA ? "jira" : "resolver",
		.title = title,
		.pr_number = comment_id_number(number),
		.secrets = secrets,
	};
	struct openhands_task started = {0};
	if (!openhands_start(task->dispatcher->openhands, &task->user, &start, gate, &started, err)) {
		/* Not a locked-out service but a person without the right: waiting would not help. */
		if (err->code == ERR_AUTH && err->http_status == 403) err->code = ERR_INPUT;
		return false;
	}
	(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", started.id);
	mem_free(task->job.title);
	task->job.title = title;
	title = NULL;
	return true;
}

/* There when the conversation exists, when a start task speaks of it, or when its sandbox does. */
static bool look_for_start(void *context, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	struct task *task = context;
	struct openhands *openhands = task->dispatcher->openhands;
	const char *id = task->job.record.job_id;
	struct openhands_task found = {0};
	if (!openhands_find_task(openhands, &task->user, id, task->job.now_ms - LOOK_BACK_MS, &found, err))
		return false;
	struct openhands_conversation conversation = {0};
	if (!openhands_read_conversation(openhands, &task->user, id, &conversation, err)) return false;
	struct uuid uuid;
	char hex[UUID_HEX_SIZE] = "";
	if (uuid_parse(id, &uuid)) uuid_hex(&uuid, hex);
	enum openhands_sandbox sandbox;
	if (!openhands_read_sandbox(openhands, &task->user, hex, &sandbox, err)) return false;

	if (found.status != OPENHANDS_TASK_MISSING)
		(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", found.id);
	else if (conversation.exists || sandbox != OPENHANDS_SANDBOX_MISSING)
		(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", hex);
	return true;
}

bool step_start(struct task *task, struct job_event *ret, struct err *err)
{
	struct ledger_effect effect = {EFFECT_START, send_start, look_for_start, task};
	struct ledger_result result;
	if (!ledger_carry_out(&task->dispatcher->ledger, &task->job, &effect, &result, err)) return false;
	if (result.outcome == LEDGER_CONFIRMED) {
		mem_free(task->job.start_task_id);
		task->job.start_task_id = mem_dup(result.remote_id);
	}
	*ret = step_from_ledger(task, &result, err);
	return true;
}
