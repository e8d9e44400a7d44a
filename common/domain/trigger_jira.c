/* What Jira's deliveries ask for. One comment arrives twice (comment_created, jira:issue_updated): both give one event key. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/iso_time.h"
#include "common/domain/trigger.h"
#include "common/domain/trigger_rules.h"

#include "common/base/banned.h"

enum jira_event { JIRA_OTHER, JIRA_COMMENT, JIRA_ISSUE_UPDATED, JIRA_ISSUE_CREATED };

static enum jira_event event_of(const char *name)
{
	if (strcmp(name, "comment_created") == 0 || strcmp(name, "comment_updated") == 0) return JIRA_COMMENT;
	if (strcmp(name, "jira:issue_updated") == 0) return JIRA_ISSUE_UPDATED;
	return strcmp(name, "jira:issue_created") == 0 ? JIRA_ISSUE_CREATED : JIRA_OTHER;
}

/* The id in {base}/rest/api/2/issue/{issue id}/comment/{comment id}: all that a bare comment_created says about its issue. */
static char *issue_id_of_self(const char *self)
{
	static const char part[] = "/issue/";
	const char *id = NULL;
	for (const char *at = self; at && (at = strstr(at, part));)
		id = at = at + sizeof(part) - 1;
	if (!id) return NULL;
	size_t len = strspn(id, "0123456789");
	if (len == 0 || len >= LIMIT_ID_BYTES || (id[len] != '/' && id[len] != '\0')) return NULL;
	return mem_dup_n(id, len);
}

static char *issue_id_of(const json_t *body)
{
	char *id = trigger_id(body, "issue.id");
	return id ? id : issue_id_of_self(json_text_at(body, "comment.self"));
}

char *trigger_subject_jira(int64_t instance_id, const json_t *body)
{
	CLEANUP(mem_free_text) char *id = issue_id_of(body);
	return id ? trigger_key("jira:%" PRId64 ":%s", instance_id, id) : NULL;
}

static void read_person(const json_t *body, const char *path, struct person *ret)
{
	person_done(ret);
	*ret = person_read(PROVIDER_JIRA, json_at(body, path));
}

/* Created and edited are told apart by the event where it says so, else by the comment's own times. */
static void read_times(const json_t *body, struct ask *ask)
{
	const char *type = json_text_at(body, "issue_event_type_name");
	int64_t created = iso_time_at(body, "comment.created");
	int64_t updated = iso_time_at(body, "comment.updated");
	ask->is_edit = strcmp(ask->event, "comment_updated") == 0 || updated > created ||
		       (type && strcmp(type, "issue_comment_edited") == 0);
	ask->happened_at_ms = ask->is_edit && updated != 0 ? updated : created;
	if (ask->happened_at_ms == 0) ask->happened_at_ms = iso_time_at(body, "timestamp");
}

static bool read_comment(const struct trigger_context *context, const json_t *body, struct ask *ask)
{
	if (!json_is_object(json_at(body, "comment")))
		return trigger_refuse(ask, REASON_MALFORMED, "comment is no object");
	ask->comment_id = trigger_id(body, "comment.id");
	if (!ask->comment_id) return trigger_refuse(ask, REASON_MALFORMED, "comment.id is missing or no id");
	if (!trigger_is_text(body, "comment.body"))
		return trigger_refuse(ask, REASON_MALFORMED, "comment.body is no text");
	ask->event_key = trigger_key("jira:%" PRId64 ":comment:%s", context->instance_id, ask->comment_id);
	ask->comment_text = trigger_text(body, "comment.body", LIMIT_COMMENT_BYTES);
	ask->visibility_type = trigger_text(body, "comment.visibility.type", LIMIT_NAME_BYTES);
	ask->visibility_value = trigger_text(body, "comment.visibility.value", LIMIT_NAME_BYTES);
	read_person(body, "comment.author", &ask->actor);
	read_times(body, ask);
	trigger_decide_comment(context, ask);
	return true;
}

/* Whether `label` is one of the words; labels cannot hold spaces. */
static bool has_word(const char *words, const char *label, trigger_compare_fn *compare)
{
	size_t label_len = strlen(label);
	while (words && *words != '\0') {
		size_t len = strcspn(words, " ");
		if (len == label_len && compare(words, label, len) == 0) return true;
		words += len + strspn(words + len, " ");
	}
	return false;
}

bool trigger_label_added(const json_t *items, const char *label, trigger_compare_fn *compare)
{
	const json_t *item;
	size_t i;
	json_array_foreach(items, i, item)
	{
		const char *field = json_text_at(item, "field");
		if (field && text_equal_nocase(field, "labels") &&
		    has_word(json_text_at(item, "toString"), label, compare) &&
		    !has_word(json_text_at(item, "fromString"), label, compare))
			return true;
	}
	return false;
}

/* New event key of the label that this delivery added, NULL when it added none. */
static char *label_key(const struct trigger_context *context, enum jira_event event, const json_t *body,
		       const char *issue_id)
{
	CLEANUP(mem_free_text) char *change = NULL;
	if (event == JIRA_ISSUE_CREATED) {
		/* A label given at creation is nowhere but among the fields. */
		if (!json_has_text(json_at(body, "issue.fields.labels"), context->bot->label)) return NULL;
		change = mem_dup("created");
	} else if (trigger_label_added(json_at(body, "changelog.items"), context->bot->label, strncmp)) {
		change = trigger_id(body, "changelog.id");
		if (!change) change = trigger_key("t%" PRId64, json_int_at(body, "timestamp", 0));
	} else {
		return NULL;
	}
	return trigger_key("jira:%" PRId64 ":label:%s:%s", context->instance_id, issue_id, change);
}

/* A comment that asks for nothing does not belong to the label's job. */
static void forget_comment(struct ask *ask)
{
	char **const texts[] = {&ask->event_key, &ask->comment_id, &ask->comment_text, &ask->visibility_type,
				&ask->visibility_value};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		mem_set(texts[i], NULL);
	ask->is_edit = false;
}

static void decide_label(const struct trigger_context *context, const json_t *body, char *key, struct ask *ask)
{
	forget_comment(ask);
	ask->event_key = key;
	ask->happened_at_ms = iso_time_at(body, "timestamp");
	read_person(body, "user", &ask->actor);
	ask->detail[0] = '\0';
	if (person_is_bot(&ask->actor, context->bot)) {
		(void)trigger_refuse(ask, REASON_BOT_AUTHOR, "the bot set this label");
	} else if (person_is_nobody(&ask->actor)) {
		(void)trigger_refuse(ask, REASON_MALFORMED, "user is missing: nobody set this label");
	} else {
		ask->verdict = REASON_TRIGGERED;
		ask->kind = TRIGGER_LABEL;
	}
}

/* No comment and no new label: still the bot's own change, if it was. */
static void decide_plain(const struct trigger_context *context, const json_t *body, struct ask *ask)
{
	read_person(body, "user", &ask->actor);
	(void)trigger_refuse(ask, REASON_NO_TRIGGER, "no comment, and label %s was not added", context->bot->label);
	if (person_is_bot(&ask->actor, context->bot))
		(void)trigger_refuse(ask, REASON_BOT_AUTHOR, "the bot made this change");
}

static void decide(const struct trigger_context *context, enum jira_event event, const json_t *body, struct ask *ask)
{
	bool has_comment = event == JIRA_COMMENT || (event == JIRA_ISSUE_UPDATED && json_at(body, "comment"));
	if (has_comment && !read_comment(context, body, ask)) return;
	char *key = event != JIRA_COMMENT ? label_key(context, event, body, ask->issue_id) : NULL;
	if (ask->kind == TRIGGER_COMMENT)
		ask->alias_key = key;
	else if (key)
		decide_label(context, body, key, ask);
	else if (!has_comment)
		decide_plain(context, body, ask);
}

void trigger_read_jira(const struct trigger_context *context, const json_t *body, struct ask *ret)
{
	ret->event = trigger_event_name(PROVIDER_JIRA, body);
	if (!ret->event) ret->event = mem_dup(context->event ? context->event : "");
	enum jira_event event = event_of(ret->event);
	ret->issue_id = issue_id_of(body);
	ret->issue_key = trigger_text(body, "issue.key", LIMIT_NAME_BYTES);
	if (event == JIRA_OTHER) {
		ret->comment_id = trigger_id(body, "comment.id");
		(void)trigger_refuse(ret, REASON_NO_TRIGGER, "event '%.80s' starts nothing", ret->event);
		return;
	}
	if (!ret->issue_id) {
		(void)trigger_refuse(ret, REASON_MALFORMED, "issue.id is missing, and comment.self names no issue");
		return;
	}
	decide(context, event, body, ret);
	if (ret->verdict != REASON_MALFORMED)
		repo_refs_collect(&ret->repositories, ret->comment_text, json_text_at(body, "issue.fields.description"));
}
