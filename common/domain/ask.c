/* An ask as JSON, for table trigger and for job records, and back. */

#include <stddef.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/trigger.h"
#include "common/domain/trigger_rules.h"

#include "common/base/banned.h"

/* One owned text of a struct. */
struct text_field {
	const char *name;
	size_t offset;
};

#define ASK_TEXT(member) {#member, offsetof(struct ask, member)}
#define PERSON_TEXT(member) {#member, offsetof(struct person, member)}

static const struct text_field ask_texts[] = {
	ASK_TEXT(event),          ASK_TEXT(event_key),       ASK_TEXT(alias_key),        ASK_TEXT(subject),
	ASK_TEXT(issue_id),       ASK_TEXT(issue_key),       ASK_TEXT(pull_request_id),  ASK_TEXT(pull_request_title),
	ASK_TEXT(project_key),    ASK_TEXT(repo_slug),       ASK_TEXT(repo_id),          ASK_TEXT(from_project_key),
	ASK_TEXT(from_repo_slug), ASK_TEXT(branch),          ASK_TEXT(comment_id),       ASK_TEXT(comment_text),
	ASK_TEXT(parent_id),      ASK_TEXT(visibility_type), ASK_TEXT(visibility_value), ASK_TEXT(anchor_path)};

static const struct text_field person_texts[] = {PERSON_TEXT(id), PERSON_TEXT(key), PERSON_TEXT(name),
						 PERSON_TEXT(email), PERSON_TEXT(display_name)};

static const char *const repo_kind_names[] = {[REPO_REF_LINE] = "line", [REPO_REF_URL] = "url", [REPO_REF_BARE] = "bare"};

static char **text_of(void *object, const struct text_field *field)
{
	return (char **)(void *)((char *)object + field->offset);
}

static void put_texts(json_t *json, const void *object, const struct text_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *place = (const char *)object + fields[i].offset;
		json_put_text(json, fields[i].name, *(char *const *)(const void *)place);
	}
}

static bool read_texts(const json_t *json, void *object, const struct text_field *fields, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!trigger_is_text(json, fields[i].name))
			return err_set(err, ERR_INPUT, "'%s' of an ask is no text", fields[i].name);
		*text_of(object, &fields[i]) = trigger_text(json, fields[i].name, LIMIT_BODY_BYTES);
	}
	return true;
}

void ask_done(struct ask *ask)
{
	if (!ask) return;
	for (size_t i = 0; i < ARRAY_LEN(ask_texts); i++)
		mem_free(*text_of(ask, &ask_texts[i]));
	person_done(&ask->actor);
	repo_refs_done(&ask->repositories);
	*ask = (struct ask){0};
}

static json_t *refs_to_json(const struct repo_refs *refs)
{
	json_t *list = json_array();
	for (size_t i = 0; i < refs->count; i++) {
		json_t *item = json_object();
		json_put_text(item, "kind", repo_kind_names[refs->list[i].kind]);
		json_put_text(item, "name", refs->list[i].name);
		json_put_text(item, "host", refs->list[i].host);
		(void)json_array_append_new(list, item);
	}
	return list;
}

json_t *ask_to_json(const struct ask *ask)
{
	json_t *json = json_object();
	json_t *actor = json_object();
	json_put_text(json, "verdict", reason_name(ask->verdict));
	json_put_text(json, "kind", trigger_kind_name(ask->kind));
	put_texts(json, ask, ask_texts, ARRAY_LEN(ask_texts));
	(void)json_object_set_new(json, "is_mention", json_boolean(ask->is_mention));
	(void)json_object_set_new(json, "is_edit", json_boolean(ask->is_edit));
	json_put_int(json, "happened_at_ms", ask->happened_at_ms);
	json_put_int(json, "anchor_line", ask->anchor_line);
	put_texts(actor, &ask->actor, person_texts, ARRAY_LEN(person_texts));
	(void)json_object_set_new(json, "actor", actor);
	(void)json_object_set_new(json, "repositories", refs_to_json(&ask->repositories));
	return json;
}

static bool read_kind(const json_t *json, struct ask *ask, struct err *err)
{
	const char *kind = json_text_at(json, "kind");
	const char *verdict = json_text_at(json, "verdict");
	if (verdict) (void)!reason_parse(verdict, &ask->verdict);
	if (!kind) return true;
	if (strcmp(kind, trigger_kind_name(TRIGGER_COMMENT)) == 0)
		ask->kind = TRIGGER_COMMENT;
	else if (strcmp(kind, trigger_kind_name(TRIGGER_LABEL)) == 0)
		ask->kind = TRIGGER_LABEL;
	else
		return err_set(err, ERR_INPUT, "kind of an ask is not known: '%.40s'", kind);
	return true;
}

static bool read_ref(const json_t *item, struct repo_ref *ret)
{
	const char *name = json_text_at(item, "name");
	enum repo_ref_kind kind;
	if (!name || !text_among(repo_kind_names, ARRAY_LEN(repo_kind_names), json_text_at(item, "kind"), &kind))
		return false;
	*ret = (struct repo_ref){kind, mem_dup(name), mem_dup(json_text_at(item, "host"))};
	return true;
}

/* A kind of a newer version is left out: its repository could only be a weaker guess. */
static void read_refs(const json_t *json, struct repo_refs *refs)
{
	const json_t *list = json_at(json, "repositories");
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		if (refs->count < LIMIT_REPOSITORIES && read_ref(item, &refs->list[refs->count])) refs->count++;
	}
}

bool ask_from_json(const json_t *json, struct ask *ret, struct err *err)
{
	CLEANUP(ask_done) struct ask ask = {0};
	if (!json_is_object(json)) return err_set(err, ERR_INPUT, "an ask is no object");
	if (!read_kind(json, &ask, err) || !read_texts(json, &ask, ask_texts, ARRAY_LEN(ask_texts), err) ||
	    !read_texts(json_at(json, "actor"), &ask.actor, person_texts, ARRAY_LEN(person_texts), err))
		return false;
	ask.is_mention = json_bool_at(json, "is_mention", false);
	ask.is_edit = json_bool_at(json, "is_edit", false);
	ask.happened_at_ms = json_int_at(json, "happened_at_ms", 0);
	ask.anchor_line = json_int_at(json, "anchor_line", 0);
	read_refs(json, &ask.repositories);
	return MOVE(ret, ask);
}
