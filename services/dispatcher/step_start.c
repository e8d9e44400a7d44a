/* Start the conversation: once, under an id of ours, and looked for before it is ever tried again. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "services/dispatcher/jira_secret.h"
#include "services/dispatcher/marker.h"
#include "services/dispatcher/openhands_follow.h"

#include <stdio.h>

#include "common/base/banned.h"

/* How far back a start of ours may lie when it is looked for: longer than any horizon. */
enum { LOOK_BACK_MS = 2 * 24 * 60 * 60 * 1000 };

/* What the first message is made of; read anew for each attempt. */
struct material {
	struct jira_issue issue;
	struct pull_request pull_request;
	struct comments comments;
};

static void material_done(struct material *material)
{
	jira_issue_done(&material->issue);
	pull_request_done(&material->pull_request);
	comments_done(&material->comments);
}

/* Where an inline comment stands; deliveries do not say. */
static bool read_place(struct task *task, struct err *err)
{
	struct ask *ask = &task->job.record.ask;
	struct bitbucket_thread thread = {0};
	struct err failure = {0};
	if (ask->anchor_path) return true;
	bool is_read = bitbucket_api_read_thread(&task->peer.server, &task->pull_request, ask->comment_id, &thread,
						 &failure);
	ask->anchor_path = thread.anchor_path;
	if (thread.anchor_path) ask->anchor_line = thread.anchor_line;
	return api_call_settle(is_read || failure.code == ERR_NOT_FOUND, &failure, err);
}

static bool read_material(struct task *task, struct material *ret, struct err *err)
{
	const struct bot_server *server = &task->peer.server;
	const char *comment_id = task->job.record.ask.comment_id;
	if (task->peer.provider == PROVIDER_JIRA)
		return jira_api_read_issue(server, task->issue, &ret->issue, err) &&
		       jira_api_recent_comments(server, task->issue, comment_id, &ret->comments, err);
	return bitbucket_api_read_pull_request(server, &task->pull_request, &ret->pull_request, err) &&
	       bitbucket_api_recent_comments(server, &task->pull_request, comment_id, &ret->comments, err) &&
	       read_place(task, err);
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
	json_auto_t *secrets = jira_secret_values(task);
	CLEANUP(mem_free_text) char *token_url = secrets ? jira_secret_url(task) : NULL;
	input.token_url = token_url;
	CLEANUP(mem_free_text) char *message = prompt_message(&input);
	CLEANUP(mem_free_text) char *suffix = prompt_suffix(&input);
	CLEANUP(mem_free_text) char *title = prompt_title(&input);

	struct openhands_start start = {
		.conversation_id = task->job.record.job_id,
		.message = message,
		.suffix = suffix,
		.repository = task->job.repository,
		.branch = task->job.record.ask.branch,
		.git_provider = task->job.git_provider,
		.trigger = task->peer.provider == PROVIDER_JIRA ? "jira" : "resolver",
		.title = title,
		.pr_number = comment_id_number(task->pull_request.id),
		.secrets = secrets,
	};
	struct openhands_task started = {0};
	if (!openhands_start(task->dispatcher->openhands, &task->user, &start, gate, &started, err)) {
		/* Not a locked-out service but a person without the right: waiting would not help. */
		if (err->code == ERR_AUTH && err->http_status == 403) err->code = ERR_INPUT;
		return false;
	}
	(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", started.id);
	mem_set(&task->job.title, title);
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
	enum openhands_sandbox sandbox;
	if (!openhands_read_sandbox(openhands, &task->user, id, &sandbox, err)) return false;

	if (found.status != OPENHANDS_TASK_MISSING)
		(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", found.id);
	else if (conversation.exists || sandbox != OPENHANDS_SANDBOX_MISSING)
		openhands_plain_id(id, ret_id, EFFECT_REMOTE_ID_SIZE);
	return true;
}

bool step_start(struct task *task, struct job_event *ret, struct err *err)
{
	struct ledger_effect effect = {EFFECT_START, send_start, look_for_start, task};
	return step_carry_out(task, &effect, &task->job.start_task_id, ret, err);
}
