/* People as the products name them. */
#include "common/domain/person.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/trigger_rules.h"

#include <string.h>

#include "common/base/banned.h"

void person_done(struct person *person)
{
	if (!person) return;
	MEM_FREE_ALL(person->id, person->key, person->name, person->email, person->display_name);
	*person = (struct person){0};
}

struct person person_read(enum provider provider, const json_t *user)
{
	bool is_jira = provider == PROVIDER_JIRA;
	char id[LIMIT_ID_BYTES];
	struct person person = {
		.key = trigger_text(user, is_jira ? "key" : "slug", LIMIT_NAME_BYTES),
		.name = trigger_text(user, "name", LIMIT_NAME_BYTES),
		.email = trigger_text(user, "emailAddress", LIMIT_NAME_BYTES),
		.display_name = trigger_text(user, "displayName", LIMIT_NAME_BYTES),
	};
	if (is_jira && !person.key) person.key = trigger_text(user, "accountId", LIMIT_NAME_BYTES); /* Jira Cloud */
	if (!is_jira && json_id_at(user, "id", id, sizeof(id))) person.id = mem_dup(id);
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

const char *person_shown(const struct person *person, const char *fallback)
{
	if (!text_is_empty(person->display_name)) return person->display_name;
	return text_is_empty(person->name) ? fallback : person->name;
}

bool person_same(const struct person *a, const struct person *b)
{
	const char *const texts[][2] = {{a->id, b->id}, {a->key, b->key}, {a->name, b->name}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (text_is_empty(texts[i][0]) || text_is_empty(texts[i][1])) continue;
		return strcmp(texts[i][0], texts[i][1]) == 0;
	}
	return false;
}
