/* What Bitbucket's deliveries ask for: comments of pull requests, added or edited. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/domain/iso_time.h"
#include "common/domain/repo_scan.h"
#include "common/domain/trigger.h"
#include "common/domain/trigger_rules.h"

#include "common/base/banned.h"

#define TO_REPOSITORY "pullRequest.toRef.repository"
#define FROM_REPOSITORY "pullRequest.fromRef.repository"

/* New numeric id of the pull request's repository, else "KEY/slug"; NULL when the body has neither. */
static char *repository_name(const json_t *body)
{
	char *id = trigger_id(body, TO_REPOSITORY ".id");
	const char *key = json_text_at(body, TO_REPOSITORY ".project.key");
	const char *slug = json_text_at(body, TO_REPOSITORY ".slug");
	if (id || text_is_empty(key) || text_is_empty(slug)) return id;
	return trigger_key("%.64s/%.128s", key, slug);
}

char *trigger_subject_bitbucket(int64_t instance_id, const json_t *body)
{
	CLEANUP(mem_free_text) char *repository = repository_name(body);
	CLEANUP(mem_free_text) char *id = trigger_id(body, "pullRequest.id");
	if (!repository || !id) return NULL;
	return trigger_key("bitbucket:%" PRId64 ":%s:%s", instance_id, repository, id);
}

/* The comment's author is who asks; the actor stands in where a body has no author. */
static void read_person(const json_t *body, struct person *ret)
{
	const json_t *person = json_at(body, "comment.author");
	if (!json_is_object(person)) person = json_at(body, "actor");
	*ret = person_read(PROVIDER_BITBUCKET, person);
}

static void read_branch(const json_t *body, struct ask *ask)
{
	static const char heads[] = "refs/heads/";
	const char *id = json_text_at(body, "pullRequest.fromRef.id");
	ask->from_project_key = trigger_text(body, FROM_REPOSITORY ".project.key", LIMIT_NAME_BYTES);
	ask->from_repo_slug = trigger_text(body, FROM_REPOSITORY ".slug", LIMIT_NAME_BYTES);
	ask->branch = trigger_text(body, "pullRequest.fromRef.displayId", LIMIT_NAME_BYTES);
	if (!ask->branch && id && text_starts(id, heads))
		ask->branch = mem_dup_n(id + sizeof(heads) - 1, text_cut(id + sizeof(heads) - 1, LIMIT_NAME_BYTES));
}

static void read_pull_request(const json_t *body, struct ask *ask)
{
	ask->pull_request_id = trigger_id(body, "pullRequest.id");
	ask->pull_request_title = trigger_text(body, "pullRequest.title", LIMIT_NAME_BYTES);
	ask->project_key = trigger_text(body, TO_REPOSITORY ".project.key", LIMIT_NAME_BYTES);
	ask->repo_slug = trigger_text(body, TO_REPOSITORY ".slug", LIMIT_NAME_BYTES);
	ask->repo_id = trigger_id(body, TO_REPOSITORY ".id");
	ask->comment_id = trigger_id(body, "comment.id");
	read_branch(body, ask);
}

static bool check_pull_request(struct ask *ask)
{
	if (!ask->pull_request_id) return trigger_refuse(ask, REASON_MALFORMED, "pullRequest.id is missing or no id");
	if (text_is_empty(ask->project_key) || text_is_empty(ask->repo_slug))
		return trigger_refuse(ask, REASON_MALFORMED, TO_REPOSITORY " has no project.key or slug");
	return true;
}

/* The vendor's interface types the path as an object of components, servers send a text. */
static char *read_path(const json_t *anchor)
{
	const json_t *components = json_at(anchor, "path.components");
	CLEANUP(strbuf_done) struct strbuf path = strbuf_of(LIMIT_URL_BYTES);
	const json_t *item;
	size_t i;
	if (!json_is_array(components)) return trigger_text(anchor, "path", LIMIT_URL_BYTES);
	json_array_foreach(components, i, item)
	{
		if (i > 0) strbuf_add_char(&path, '/');
		strbuf_add(&path, json_string_value(item));
	}
	return strbuf_take(&path);
}

static void read_anchor(const json_t *body, struct ask *ask)
{
	const json_t *anchor = json_at(body, "commentAnchor");
	if (!json_is_object(anchor)) anchor = json_at(body, "comment.anchor");
	ask->anchor_path = read_path(anchor);
	ask->anchor_line = json_int_at(anchor, "line", 0);
	ask->parent_id = trigger_id(body, "commentParentId");
	if (!ask->parent_id) ask->parent_id = trigger_id(body, "comment.parent.id");
}

static void read_times(const json_t *body, struct ask *ask)
{
	ask->is_edit = strcmp(ask->event, "pr:comment:edited") == 0;
	ask->happened_at_ms = iso_time_at(body, ask->is_edit ? "comment.updatedDate" : "comment.createdDate");
	if (ask->happened_at_ms == 0) ask->happened_at_ms = iso_time_at(body, "date");
}

static bool read_comment(const struct trigger_context *context, const json_t *body, struct ask *ask)
{
	CLEANUP(mem_free_text) char *repository = repository_name(body);
	if (!ask->comment_id) return trigger_refuse(ask, REASON_MALFORMED, "comment.id is missing or no id");
	if (!trigger_is_text(body, "comment.text"))
		return trigger_refuse(ask, REASON_MALFORMED, "comment.text is no text");
	ask->event_key = trigger_key("bitbucket:%" PRId64 ":%s:comment:%s", context->instance_id, repository,
				     ask->comment_id);
	ask->comment_text = trigger_text(body, "comment.text", LIMIT_COMMENT_BYTES);
	return true;
}

/* The pull request's own repository is the only candidate. */
static void put_repository(struct ask *ask)
{
	char name[REPO_NAME_SIZE];
	(void)snprintf(name, sizeof(name), "%.100s/%.150s", ask->project_key, ask->repo_slug);
	repo_refs_put(&ask->repositories, REPO_REF_LINE, name, NULL);
}

void trigger_read_bitbucket(const struct trigger_context *context, const json_t *body, struct ask *ret)
{
	ret->event = text_is_empty(context->event) ? trigger_event_name(PROVIDER_BITBUCKET, body)
						   : mem_dup(context->event);
	if (!ret->event) ret->event = mem_dup("");
	read_pull_request(body, ret);
	if (strcmp(ret->event, "pr:comment:added") != 0 && strcmp(ret->event, "pr:comment:edited") != 0) {
		/* Still said: what it was about, and by whom. */
		read_person(body, &ret->actor);
		(void)trigger_refuse(ret, REASON_NO_TRIGGER, "event '%.80s' starts nothing", ret->event);
		return;
	}
	if (!check_pull_request(ret) || !read_comment(context, body, ret)) return;
	read_person(body, &ret->actor);
	read_anchor(body, ret);
	read_times(body, ret);
	put_repository(ret);
	trigger_decide_comment(context, ret);
}
