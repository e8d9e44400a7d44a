#ifndef OHDC_LINKER_KEYCLOAK_ANSWER_H
#define OHDC_LINKER_KEYCLOAK_ANSWER_H

/* What Keycloak's user search says about one person. Pure: Keycloak matches loosely and shows little, so all is checked here. */

#include "common/base/attr.h"

#include <jansson.h>
#include <stdbool.h>

/** What kind of account was found. */
enum account {
	ACCOUNT_NONE,
	ACCOUNT_ONE,        /**< exactly one, usable */
	ACCOUNT_DISABLED,   /**< exactly one, switched off */
	ACCOUNT_UNVERIFIED, /**< exactly one, but its e-mail address is not verified */
	ACCOUNT_AMBIGUOUS,  /**< several */
};

enum { ACCOUNT_ID_SIZE = 128 };

/**
 * The person with attribute `name` = `value` (users that show the attribute must have the value), or without a name the one with
 * exactly this e-mail address (any case), verified. `ret_id` is set for ONE.
 */
NODISCARD enum account keycloak_account(const json_t *users, const char *name, const char *value,
					char ret_id[ACCOUNT_ID_SIZE]);

/** Whether a text can be searched as an attribute's value: letters, digits, . _ ~ - only. */
NODISCARD bool keycloak_is_value(const char *text);

#endif
