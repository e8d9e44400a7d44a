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
		const struct repo_ref *ref = &refs->list[i];
		JSON_PUT_TEXTS(item, "kind", repo_kind_names[ref->kind], "name", ref->name, "host", ref->host);
		(void)json_array_append_new(list, item);
	}
	return list;
}

json_t *ask_to_json(const struct ask *ask)
{
	json_t *actor = json_object();
	put_texts(actor, &ask->actor, person_texts, ARRAY_LEN(person_texts));
	json_t *json = json_pack("{ss ss* sb sb sI sI so so}", "verdict", reason_name(ask->verdict), "kind",
				 trigger_kind_name(ask->kind), "is_mention", ask->is_mention, "is_edit", ask->is_edit,
				 "happened_at_ms", (json_int_t)ask->happened_at_ms, "anchor_line",
				 (json_int_t)ask->anchor_line, "actor", actor, "repositories",
				 refs_to_json(&ask->repositories));
	put_texts(json, ask, ask_texts, ARRAY_LEN(ask_texts));
	return json;
}

static bool read_kind(const json_t *json, struct ask *ask, struct err *err)
{
	const char *kind = json_text_at(json, "kind");
	const char *verdict = json_text_at(json, "verdict");
	if (verdict) (void)!reason_parse(verdict, &ask->verdict);
	return !kind || trigger_kind_parse(kind, &ask->kind) ||
	       err_set(err, ERR_INPUT, "kind of an ask is not known: '%.40s'", kind);
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
