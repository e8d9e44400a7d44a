/* Allow and deny lists: the decision, and what may stand on a list. */
#include "common/domain/access_rule.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/uuid.h"
#include "common/domain/repo_ref.h"

#include <ctype.h>
#include <string.h>

#include "common/base/banned.h"

/* Words by kind: as stored, for people, and what is expected of a value. */
static const struct {
	const char *name;
	const char *plural;
	const char *expected;
} kinds[ACCESS_KINDS] = {
	[ACCESS_PROJECT] = {"project", "projects", "a project is written as its key alone, for example PROJ"},
	[ACCESS_REPOSITORY] = {"repository", "repositories",
			       "a repository is written as owner/name, for example PROJ/app"},
	[ACCESS_USER] = {"user", "people", "a person is written as the login name or key, for example alice"},
	[ACCESS_ORG] = {"org", "organizations",
			"an organization is written as its id, for example "
			"00000000-0000-4000-8000-000000000001"},
};

/* --- the decision -------------------------------------------------------------------------------------- */

static bool is_text(const json_t *rule, const char *key, const char *wanted)
{
	const char *text = json_text_at(rule, key);
	return text && strcmp(text, wanted) == 0;
}

static const char *name_in(const char *const names[ACCESS_NAMES_MAX], const char *value)
{
	for (size_t i = 0; i < ACCESS_NAMES_MAX && names[i]; i++) {
		if (text_equal_nocase(names[i], value)) return names[i];
	}
	return NULL;
}

static bool kind_permits(const json_t *rules, enum access_kind kind, const char *const names[ACCESS_NAMES_MAX],
			 struct strbuf *ret_why)
{
	bool has_allowance = false;
	bool is_allowed = false;
	for (size_t i = 0; names[0] && i < json_array_size(rules); i++) {
		const json_t *rule = json_array_get(rules, i);
		if (!is_text(rule, "kind", kinds[kind].name)) continue;
		const char *name = name_in(names, json_text_at(rule, "value"));
		bool is_denial = is_text(rule, "effect", "deny");
		if (is_denial && name) {
			strbuf_addf(ret_why, "The list of denied %s names %s.", kinds[kind].plural, name);
			return false;
		}
		has_allowance = has_allowance || !is_denial;
		is_allowed = is_allowed || (!is_denial && name);
	}
	if (!has_allowance || is_allowed) return true;
	strbuf_addf(ret_why, "The list of allowed %s does not name %s.", kinds[kind].plural,
		    names[0][0] ? names[0] : "it");
	return false;
}

bool access_permits(const json_t *rules, const struct access_subject *subject, struct strbuf *ret_why)
{
	for (size_t kind = 0; kind < ACCESS_KINDS; kind++) {
		if (!kind_permits(rules, (enum access_kind)kind, subject->names[kind], ret_why)) return false;
	}
	return true;
}

/* --- values -------------------------------------------------------------------------------------------- */

/* Printable, without white space: no name, key or id has any. */
static bool is_word(const char *text)
{
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at <= ' ' || *at == 0x7F) return false;
	}
	return *text && strlen(text) <= ACCESS_VALUE_BYTES && text_is_utf8(bytes_text(text));
}

static char *project_of(const char *word)
{
	char *key = strpbrk(word, "/:@") ? NULL : mem_dup(word);
	/* Personal projects keep the case of their owner's name. */
	for (char *at = key; at && key[0] != '~' && *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return key;
}

static char *repository_of(const char *word)
{
	CLEANUP(repo_refs_done) struct repo_refs refs = {0};
	const char *slash = strchr(word, '/');
	if (strstr(word, "://")) {
		repo_refs_add(&refs, REPO_REF_URL, word);
		return refs.count == 1 ? mem_dup(refs.list[0].name) : NULL;
	}
	bool is_pair = slash && slash > word && slash[1] && !strchr(slash + 1, '/');
	return is_pair && !strpbrk(word, ":@") ? mem_dup(word) : NULL;
}

static char *org_of(const char *word)
{
	char text[UUID_TEXT_SIZE];
	return uuid_normalise(word, text) ? mem_dup(text) : NULL;
}

static char *value_of(enum access_kind kind, const char *word)
{
	switch (kind) {
	case ACCESS_PROJECT: return project_of(word);
	case ACCESS_REPOSITORY: return repository_of(word);
	case ACCESS_USER: return word[word[0] == '@'] ? mem_dup(word + (word[0] == '@')) : NULL;
	case ACCESS_ORG: return org_of(word);
	}
	return NULL;
}

bool access_value(const char *kind, const char *typed, char **ret, struct err *err)
{
	CLEANUP(mem_free_text) char *word = text_trim(typed ? typed : "");
	for (size_t i = 0; i < ACCESS_KINDS; i++) {
		if (!kind || strcmp(kind, kinds[i].name) != 0) continue;
		char *value = is_word(word) ? value_of((enum access_kind)i, word) : NULL;
		if (!value) return err_set(err, ERR_INPUT, "%s", kinds[i].expected);
		*ret = value;
		return true;
	}
	return err_set(err, ERR_INPUT, "a rule is about a project, repository, user or org");
}
