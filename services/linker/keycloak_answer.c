/* Picks one user out of an answer, or says why not. */

#include "services/linker/keycloak_answer.h"

#include <string.h>

#include "common/base/json_field.h"
#include "common/base/text.h"

#include "common/base/banned.h"

bool keycloak_is_value(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
	return !text_is_empty(text) && text[strspn(text, allowed)] == '\0';
}

/* Attributes that the realm's user profile does not declare are searched but not shown: then the search is believed. */
static bool has_attribute(const json_t *user, const char *name, const char *value)
{
	const json_t *values = json_object_get(json_at(user, "attributes"), name);
	return !values || json_has_text(values, value);
}

/* Whether an answer's user is meant: by an attribute, or (without a name) by the e-mail address. */
static bool is_meant(const json_t *user, const char *name, const char *value)
{
	return name ? has_attribute(user, name, value) : text_equal_nocase(json_text_at(user, "email"), value);
}

enum account keycloak_account(const json_t *users, const char *name, const char *value, char ret_id[ACCOUNT_ID_SIZE])
{
	const json_t *only = NULL;
	const json_t *user;
	size_t count = 0;
	size_t i;
	json_array_foreach(users, i, user)
	{
		if (!is_meant(user, name, value)) continue;
		only = user;
		count++;
	}
	if (count == 0) return ACCOUNT_NONE;
	if (count > 1) return ACCOUNT_AMBIGUOUS;
	if (!json_bool_at(only, "enabled", false)) return ACCOUNT_DISABLED;
	if (!name && !json_bool_at(only, "emailVerified", false)) return ACCOUNT_UNVERIFIED;
	return json_id_at(only, "id", ret_id, ACCOUNT_ID_SIZE) ? ACCOUNT_ONE : ACCOUNT_NONE;
}
