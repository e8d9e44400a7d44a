/* Before a start: is it still asked, by the same person? As whom, in which organisation? And a first sign of life. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* What is not there any more is asked no more. */
static bool not_read(const struct task *task, struct job_event *ret, const char *gone, const struct err *err)
{
	return err->code == ERR_NOT_FOUND ? step_says(ret, EVENT_DROP, REASON_WITHDRAWN, gone)
					  : step_failed(task, ret, err);
}

/* ---- reread -------------------------------------------------------------------------------------------------- */

/* The request is what the asker's comment says now, as long as nobody else wrote or changed it. */
static bool judge_comment(struct task *task, const struct comment *comment, struct job_event *ret)
{
	const struct person *asker = &task->job.record.ask.actor;
	bool is_edited = comment->editor.key || comment->editor.name;
	if (!person_same(&comment->author, asker))
		return step_says(ret, EVENT_DROP, REASON_AUTHOR_MISMATCH, "the comment's author is not who asked");
	if (is_edited && !person_same(&comment->editor, asker))
		return step_says(ret, EVENT_REFUSE, REASON_AUTHOR_MISMATCH,
				 "the comment was last edited by somebody else");
	if (!mention_found(task->peer.provider, comment->text ? comment->text : "", &task->peer.bot))
		return step_says(ret, EVENT_DROP, REASON_WITHDRAWN, "the mention is gone from the comment");
	job_take_asked(&task->job, comment->text, comment->visibility_type, comment->visibility_value);
	return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
}

static bool reread_comment(struct task *task, struct job_event *ret, struct err *err)
{
	const char *id = task->job.record.ask.comment_id;
	CLEANUP(comment_done) struct comment comment = {0};
	bool is_read = task->peer.provider == PROVIDER_JIRA
			       ? jira_api_read_comment(&task->peer.server, task->issue, id, &comment, err)
			       : bitbucket_api_read_comment(&task->peer.server, &task->pull_request, id, &comment, err);
	return is_read ? judge_comment(task, &comment, ret) : not_read(task, ret, "the comment is gone", err);
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
	if (!jira_api_read_issue(&task->peer.server, task->issue, &issue, err))
		return not_read(task, ret, "the issue is gone or not visible to the bot", err);
	if (!jira_issue_has_label(&issue, label))
		return step_says(ret, EVENT_DROP, REASON_WITHDRAWN, "the label is gone");

	CLEANUP(person_done) struct person author = {0};
	if (!jira_api_label_author(&task->peer.server, task->issue, changelog_id(task), label, &author, err))
		return not_read(task, ret, "no history entry says who set the label", err);
	if (!person_same(&author, &task->job.record.ask.actor))
		return step_says(ret, EVENT_DROP, REASON_AUTHOR_MISMATCH, "the label was set by somebody else");
	return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
}

bool step_reread(struct task *task, struct job_event *ret, struct err *err)
{
	if (!step_can_speak(task, err)) return step_failed(task, ret, err);
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
	if (err->code == ERR_NOT_FOUND) return step_says(ret, EVENT_REFUSE, REASON_USER_UNKNOWN, err->message);
	if (err->code == ERR_AUTH && err->http_status == 403)
		return step_says(ret, EVENT_REFUSE, REASON_POLICY_DENIED, err->message);
	return step_failed(task, ret, err);
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

/* People read the name of a shared organisation; their own needs none. */
static void take_org(struct task *task, const char *org_id, const struct openhands_orgs *orgs)
{
	mem_set(&task->job.org_id, org_id);
	mem_set(&task->job.org_name, NULL);
	for (size_t i = 0; i < orgs->count && !task->job.org_name; i++) {
		const struct openhands_org *org = &orgs->list[i];
		if (!org->is_personal && strcmp(org->id, task->job.org_id) == 0)
			task->job.org_name = mem_dup(org->name);
	}
}

bool step_key(struct task *task, struct job_event *ret, struct err *err)
{
	if (!task->job.user_id) return step_says(ret, EVENT_REFUSE, REASON_USER_UNKNOWN, "the job names no user");
	const char *configured = configured_org(task);
	struct openhands_orgs *orgs = mem_zalloc(1, sizeof(*orgs));
	bool is_listed = list_orgs(task, configured, orgs, err);
	if (is_listed) take_org(task, configured ? configured : pick_org(task, orgs), orgs);
	mem_free(orgs);
	return is_listed ? step_access(task, ret, err) : key_failed(task, ret, err);
}

/* ---- reaction -------------------------------------------------------------------------------------------------- */

static bool send_reaction(void *context, UNUSED const struct call_gate *gate, char ret_id[EFFECT_REMOTE_ID_SIZE],
			  struct err *err)
{ /* repeating a reaction does no harm */
	struct task *task = context;
	const char *comment_id = task->job.record.ask.comment_id;
	(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "%s", comment_id);
	if (task->peer.provider == PROVIDER_JIRA) return jira_api_react(&task->peer.server, comment_id, err);
	return bitbucket_api_react(&task->peer.server, &task->pull_request, comment_id, err);
}

bool step_react(struct task *task, struct job_event *ret, struct err *err)
{
	if (task->job.record.ask.kind != TRIGGER_COMMENT) return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
	struct ledger_effect effect = {.kind = EFFECT_REACTION, .send = send_reaction, .context = task};
	if (!step_carry_out(task, &effect, NULL, ret, err)) return false;
	/* A bot that may not react there may still answer; only one that is locked out waits. */
	if (err->http_status == 403) ret->kind = EVENT_GIVE_UP;
	return true;
}
