/* Before a start: is it still asked, by the same person? As whom, in which organisation? And a first sign of life. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static bool drop(struct job_event *ret, enum reason reason, const char *detail)
{
	*ret = (struct job_event){.kind = EVENT_DROP, .reason = reason, .detail = detail};
	return true;
}

static bool refuse(struct job_event *ret, enum reason reason, const char *detail)
{
	*ret = (struct job_event){.kind = EVENT_REFUSE, .reason = reason, .detail = detail};
	return true;
}

static bool done(struct job_event *ret)
{
	*ret = (struct job_event){.kind = EVENT_DONE};
	return true;
}

static bool failed(const struct task *task, struct job_event *ret, const struct err *err)
{
	*ret = step_failed(task, err);
	return true;
}

/* ---- reread -------------------------------------------------------------------------------------------------- */

/* The request is what the asker's comment says now, as long as nobody else wrote or changed it. */
static bool judge_comment(struct task *task, const struct comment *comment, struct job_event *ret)
{
	const struct person *asker = &task->job.record.ask.actor;
	bool is_edited = comment->editor.key || comment->editor.name;
	if (!person_same(&comment->author, asker))
		return drop(ret, REASON_AUTHOR_MISMATCH, "the comment's author is not who asked");
	if (is_edited && !person_same(&comment->editor, asker))
		return refuse(ret, REASON_AUTHOR_MISMATCH, "the comment was last edited by somebody else");
	if (!mention_found(task->peer.provider, comment->text ? comment->text : "", &task->peer.bot))
		return drop(ret, REASON_WITHDRAWN, "the mention is gone from the comment");
	job_take_asked(&task->job, comment->text, comment->visibility_type, comment->visibility_value);
	return done(ret);
}

static bool reread_comment(struct task *task, struct job_event *ret, struct err *err)
{
	const struct ask *ask = &task->job.record.ask;
	CLEANUP(comment_done) struct comment comment = {0};
	bool is_read;
	if (task->peer.provider == PROVIDER_JIRA) {
		is_read = jira_api_read_comment(&task->peer.server, task_issue(task), ask->comment_id, &comment, err);
	} else {
		struct pull_request_ref ref = task_pull_request(task);
		is_read = bitbucket_api_read_comment(&task->peer.server, &ref, ask->comment_id, &comment, err);
	}
	if (!is_read && err->code == ERR_NOT_FOUND) return drop(ret, REASON_WITHDRAWN, "the comment is gone");
	return is_read ? judge_comment(task, &comment, ret) : failed(task, ret, err);
}

/* The last piece of a label's event key: a changelog id, "created", or "t" and a time (then the newest entry counts). */
static const char *changelog_id(const struct task *task)
{
	const char *colon = strrchr(task->job.record.event_key, ':');
	const char *id = colon ? colon + 1 : NULL;
	return id && id[0] == 't' ? NULL : id;
}

static bool reread_label(struct task *task, struct job_event *ret, struct err *err)
{
	const char *label = task->peer.bot.label;
	CLEANUP(jira_issue_done) struct jira_issue issue = {0};
	if (!jira_api_read_issue(&task->peer.server, task_issue(task), &issue, err)) {
		if (err->code == ERR_NOT_FOUND)
			return drop(ret, REASON_WITHDRAWN, "the issue is gone or not visible to the bot");
		return failed(task, ret, err);
	}
	if (!jira_issue_has_label(&issue, label)) return drop(ret, REASON_WITHDRAWN, "the label is gone");

	CLEANUP(person_done) struct person author = {0};
	if (!jira_api_label_author(&task->peer.server, task_issue(task), changelog_id(task), label, &author, err)) {
		if (err->code == ERR_NOT_FOUND)
			return drop(ret, REASON_WITHDRAWN, "no history entry says who set the label");
		return failed(task, ret, err);
	}
	if (!person_same(&author, &task->job.record.ask.actor))
		return drop(ret, REASON_AUTHOR_MISMATCH, "the label was set by somebody else");
	return done(ret);
}

bool step_reread(struct task *task, struct job_event *ret, struct err *err)
{
	if (!secret_is_set(&task->peer.server.token)) {
		err_set(err, ERR_INPUT, "no bot token for '%s'", task->peer.base_url);
		return failed(task, ret, err);
	}
	return task->job.record.ask.kind == TRIGGER_LABEL ? reread_label(task, ret, err) : reread_comment(task, ret, err);
}

/* ---- key and organisation -------------------------------------------------------------------------------------- */

/* Configured organisations come first; they are a decision of the admin, so a person outside them is refused. */
static const char *configured_org(const struct task *task)
{
	if (task->job.record.org_id) return task->job.record.org_id;
	if (task->peer.org_id) return task->peer.org_id;
	return task->peer.mapped_org;
}

/* The only organisation that is not personal, else the default one if the person is in it, else the personal one. */
static const char *pick_org(const struct task *task, const struct openhands_orgs *orgs)
{
	const char *single = NULL;
	size_t shared_count = 0;
	for (size_t i = 0; i < orgs->count; i++) {
		if (!orgs->list[i].is_personal) {
			single = orgs->list[i].id;
			shared_count++;
		}
	}
	if (shared_count == 1) return single;
	const char *wanted = config_text(task->dispatcher->config, "OHDC_DEFAULT_ORG");
	for (size_t i = 0; wanted && i < orgs->count; i++) {
		if (strcmp(orgs->list[i].id, wanted) == 0) return orgs->list[i].id;
	}
	return task->job.user_id;
}

/* A 401 is about our service key and may pass; a 403 is about the person and does not. */
static bool key_failed(const struct task *task, struct job_event *ret, const struct err *err)
{
	if (err->code == ERR_NOT_FOUND) return refuse(ret, REASON_USER_UNKNOWN, err->message);
	if (err->code == ERR_AUTH && err->http_status == 403) return refuse(ret, REASON_POLICY_DENIED, err->message);
	return failed(task, ret, err);
}

/* Some installations hide personal workspaces: then the default organisation is the only way in. */
static bool list_orgs(struct task *task, const char *org_id, struct openhands_orgs *ret, struct err *err)
{
	struct openhands_user user = {task->job.user_id, org_id};
	if (openhands_list_orgs(task->dispatcher->openhands, &user, ret, err)) return true;
	const char *fallback = config_text(task->dispatcher->config, "OHDC_DEFAULT_ORG");
	if (org_id || !fallback || err->http_status != 403) return false;
	*err = (struct err){0};
	user.org_id = fallback;
	return openhands_list_orgs(task->dispatcher->openhands, &user, ret, err);
}

/* Takes `org_id`. People read the name of a shared organisation; their own needs none. */
static void take_org(struct task *task, char *org_id, const struct openhands_orgs *orgs)
{
	MEM_FREE_ALL(task->job.org_id, task->job.org_name);
	task->job.org_id = org_id;
	task->job.org_name = NULL;
	for (size_t i = 0; i < orgs->count && !task->job.org_name; i++) {
		const struct openhands_org *org = &orgs->list[i];
		if (!org->is_personal && strcmp(org->id, org_id) == 0) task->job.org_name = mem_dup(org->name);
	}
}

bool step_key(struct task *task, struct job_event *ret, struct err *err)
{
	if (!task->job.user_id) return refuse(ret, REASON_USER_UNKNOWN, "the job names no user");
	const char *configured = configured_org(task);
	struct openhands_orgs *orgs = mem_zalloc(1, sizeof(*orgs));
	bool is_listed = list_orgs(task, configured, orgs, err);
	if (is_listed) take_org(task, mem_dup(configured ? configured : pick_org(task, orgs)), orgs);
	mem_free(orgs);
	if (!is_listed) return key_failed(task, ret, err);
	*ret = step_access(task, err);
	return true;
}

/* ---- reaction -------------------------------------------------------------------------------------------------- */

static bool send_reaction(void *context, UNUSED const struct call_gate *gate, char ret_id[EFFECT_REMOTE_ID_SIZE],
			  struct err *err)
{ /* repeating a reaction does no harm */
	struct task *task = context;
	const char *comment_id = task->job.record.ask.comment_id;
	(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", comment_id);
	if (task->peer.provider == PROVIDER_JIRA) return jira_api_react(&task->peer.server, comment_id, err);
	struct pull_request_ref ref = task_pull_request(task);
	return bitbucket_api_react(&task->peer.server, &ref, comment_id, err);
}

bool step_react(struct task *task, struct job_event *ret, struct err *err)
{
	if (task->job.record.ask.kind != TRIGGER_COMMENT) return done(ret);
	struct ledger_effect effect = {.kind = EFFECT_REACTION, .send = send_reaction, .context = task};
	struct ledger_result result;
	if (!ledger_carry_out(&task->dispatcher->ledger, &task->job, &effect, &result, err)) return false;
	*ret = step_from_ledger(task, &result, err);
	/* A bot that may not react there may still answer; only one that is locked out waits. */
	if (err->http_status == 403) ret->kind = EVENT_GIVE_UP;
	return true;
}
