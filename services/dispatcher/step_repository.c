/* Which repository the job works in, by the asker's own access: named line first, then URLs, then bare names. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/domain/repo_ref.h"

#include <string.h>

#include "common/base/banned.h"

/* What the search has found so far. */
struct search {
	struct task *task;
	size_t accessible_count; /**< in the group that is looked at */
	struct openhands_repository first;
	struct strbuf names;  /**< the accessible ones, for the question which one is meant */
	struct strbuf denied; /**< named by a line or URL, but not accessible */
	bool has_provider;    /**< some look-up found a connected Git provider, or none was made */
};

static void search_done(struct search *search)
{
	strbuf_done(&search->names);
	strbuf_done(&search->denied);
}

static void add_name(struct strbuf *list, const char *name)
{
	strbuf_add(list, list->len > 0 ? ", " : "");
	strbuf_add(list, name);
}

static bool look_up(struct search *search, const struct repo_ref *ref, struct err *err)
{
	const struct dispatcher *dispatcher = search->task->dispatcher;
	struct openhands_repository found = {0};
	if (!openhands_find_repository(dispatcher->openhands, &search->task->user, dispatcher->git_providers,
				       dispatcher->git_provider_count, ref->name, &found, err))
		return false;
	search->has_provider = search->has_provider || found.has_provider;
	if (!found.is_found) {
		if (ref->kind != REPO_REF_BARE) add_name(&search->denied, ref->name);
		return true;
	}
	bool is_same = search->accessible_count > 0 && text_equal_nocase(found.full_name, search->first.full_name);
	if (is_same) return true;
	if (search->accessible_count++ == 0) search->first = found;
	add_name(&search->names, found.full_name);
	return true;
}

/* Look at the members of one kind. `*ret_is_decided` when the group has an accessible member, or is a line. */
static bool look_at_group(struct search *search, enum repo_ref_kind kind, const char *text, bool *ret_is_decided,
			  struct err *err)
{
	CLEANUP(repo_refs_done) struct repo_refs refs = {0};
	repo_refs_add(&refs, kind, text);
	for (size_t i = 0; i < refs.count; i++) {
		if (!look_up(search, &refs.list[i], err)) return false;
	}
	*ret_is_decided = search->accessible_count > 0 || (kind == REPO_REF_LINE && refs.count > 0);
	return true;
}

static bool judge_none(struct search *search, struct job_event *ret, struct err *err)
{
	if (search->denied.len > 0) {
		err_set(err, ERR_NOT_FOUND, "%s", strbuf_text(&search->denied));
		return step_says(ret, EVENT_REFUSE, REASON_REPOSITORY_DENIED, err->message);
	}
	if (config_bool(search->task->dispatcher->config, "OHDC_JIRA_ALLOW_NO_REPOSITORY"))
		return step_access(search->task, ret, err);
	return step_says(ret, EVENT_REFUSE, REASON_NO_REPOSITORY, "");
}

static bool judge(struct search *search, struct job_event *ret, struct err *err)
{
	struct job *job = &search->task->job;
	if (search->accessible_count == 0) return judge_none(search, ret, err);
	if (search->accessible_count > 1) {
		err_set(err, ERR_INPUT, "%s", strbuf_text(&search->names));
		return step_says(ret, EVENT_REFUSE, REASON_REPOSITORY_AMBIGUOUS, err->message);
	}
	mem_set(&job->repository, search->first.full_name);
	mem_set(&job->git_provider, search->first.git_provider);
	return step_access(search->task, ret, err);
}

/* ---- Jira ------------------------------------------------------------------------------------------------------ */

static bool has_line(const char *text)
{
	CLEANUP(repo_refs_done) struct repo_refs refs = {0};
	repo_refs_add(&refs, REPO_REF_LINE, text);
	return refs.count > 0;
}

/* The newest earlier comment of a person that has a `Repository:` line; the answer names the repository. */
static const char *line_of_person(const struct task *task, const struct comments *comments, const struct person *person)
{
	for (size_t i = comments->count; i > 0; i--) {
		const struct comment *comment = &comments->list[i - 1];
		if (comment->text && comment_may_serve(comment, &task->job.record.ask) &&
		    person_same(&comment->author, person) && has_line(comment->text))
			return comment->text;
	}
	return NULL;
}

/* The text whose line decides: the asking comment, the asker's or reporter's newest line, the description. */
static const char *deciding_line(const struct task *task, const struct jira_issue *issue, const struct comments *comments)
{
	const char *asked = task_asked_text(task);
	if (asked && has_line(asked)) return asked;
	const char *line = line_of_person(task, comments, &task->job.record.ask.actor);
	if (!line) line = line_of_person(task, comments, &issue->reporter);
	return line ? line : issue->description;
}

static bool search_jira(struct search *search, const struct jira_issue *issue, const struct comments *comments,
			struct err *err)
{
	const struct {
		enum repo_ref_kind kind;
		const char *text;
	} groups[] = {
		{REPO_REF_LINE, deciding_line(search->task, issue, comments)},
		{REPO_REF_URL, task_asked_text(search->task)},
		{REPO_REF_URL, issue->description},
		{REPO_REF_BARE, task_asked_text(search->task)},
		{REPO_REF_BARE, issue->description},
	};
	bool is_decided = false;
	for (size_t i = 0; i < ARRAY_LEN(groups) && !is_decided; i++) {
		if (!look_at_group(search, groups[i].kind, groups[i].text, &is_decided, err)) return false;
	}
	return true;
}

static bool repository_of_issue(struct search *search, struct err *err)
{
	struct task *task = search->task;
	CLEANUP(jira_issue_done) struct jira_issue issue = {0};
	CLEANUP(comments_done) struct comments comments = {0};
	if (!jira_api_read_issue(&task->peer.server, task->issue, &issue, err) ||
	    !jira_api_recent_comments(&task->peer.server, task->issue, task->job.record.ask.comment_id, &comments, err))
		return false;
	return search_jira(search, &issue, &comments, err);
}

/* ---- Bitbucket ------------------------------------------------------------------------------------------------- */

/* The work is done in the source repository, which may be a fork. */
static bool repository_of_pull_request(struct search *search, struct err *err)
{
	const struct ask *ask = &search->task->job.record.ask;
	const char *key = ask->from_project_key ? ask->from_project_key : ask->project_key;
	const char *slug = ask->from_repo_slug ? ask->from_repo_slug : ask->repo_slug;
	CLEANUP(strbuf_done) struct strbuf name = strbuf_of(LIMIT_NAME_BYTES);
	strbuf_addf(&name, "%s/%s", key, slug);
	struct repo_ref ref = {.kind = REPO_REF_URL, .name = name.text};
	return look_up(search, &ref, err);
}

bool step_repository(struct task *task, struct job_event *ret, struct err *err)
{
	CLEANUP(search_done) struct search search = {.task = task};
	strbuf_init(&search.names, LIMIT_NAME_BYTES);
	strbuf_init(&search.denied, LIMIT_NAME_BYTES);
	bool is_searched = task->peer.provider == PROVIDER_JIRA ? repository_of_issue(&search, err)
								: repository_of_pull_request(&search, err);
	return is_searched ? judge(&search, ret, err) : step_failed(task, ret, err);
}
