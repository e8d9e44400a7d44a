/* People as the products name them. */
#include "common/domain/person.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include <string.h>

#include "common/base/banned.h"

void person_done(struct person *person)
{
	if (!person) return;
	MEM_FREE_ALL(person->id, person->key, person->name, person->email, person->display_name);
	*person = (struct person){0};
}

static char *dup_text(const json_t *user, const char *name)
{
	const char *text = json_text_at(user, name);
	return text ? mem_dup_n(text, text_cut(text, LIMIT_NAME_BYTES)) : NULL;
}

struct person person_read(enum provider provider, const json_t *user)
{
	struct person person = {
		.name = dup_text(user, "name"),
		.email = dup_text(user, "emailAddress"),
		.display_name = dup_text(user, "displayName"),
	};
	char id[LIMIT_ID_BYTES];
	if (provider == PROVIDER_JIRA) {
		person.key = dup_text(user, "key");
		if (!person.key) person.key = dup_text(user, "accountId"); /* as Jira Cloud has it */
		return person;
	}
	person.key = dup_text(user, "slug");
	if (json_id_at(user, "id", id, sizeof(id))) person.id = mem_dup(id);
	return person;
}

bool person_is_bot(const struct person *person, const struct bot *bot)
{
	return bot && (bot_is(bot, person->name) || bot_is(bot, person->key) || bot_is(bot, person->id) ||
		       bot_is(bot, person->email));
}

bool person_is_nobody(const struct person *person)
{
	return text_is_empty(person->id) && text_is_empty(person->key) && text_is_empty(person->name);
}

/* Whether both have the text, and whether it is the same in `*ret`. */
static bool comparable(const char *a, const char *b, bool *ret)
{
	if (!a || !b || !a[0] || !b[0]) return false;
	*ret = strcmp(a, b) == 0;
	return true;
}

bool person_same(const struct person *a, const struct person *b)
{
	bool is_same = false;
	if (comparable(a->id, b->id, &is_same) || comparable(a->key, b->key, &is_same) ||
	    comparable(a->name, b->name, &is_same))
		return is_same;
	return false;
}
