#ifndef OHDC_CONNECT_LINK_STORE_H
#define OHDC_CONNECT_LINK_STORE_H

/* Links of OHE's users to accounts on a server (table user_link). */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/connect/oauth.h"
#include "common/io/db.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** Starts the account key of a link whose account is not known yet; the user's id follows. */
#define LINK_UNAVAILABLE "unavailable:"

/** A link; text owned. */
struct link {
	int64_t instance_id;
	char *account_key; /**< starts with "unavailable:" while the account is not known (e-mail mode) */
};

/** Free and zero. */
void link_done(struct link *link);

/** The user's active link on a Jira (`instance_id` 0: on any, the newest). ERR_NOT_FOUND: none. */
NODISCARD bool link_of_user(struct db_pool *pool, const char *user_id, int64_t instance_id, struct link *ret,
			    struct err *err);

/** Whose an account is at present; `ret` is new, NULL: nobody's. */
NODISCARD bool link_owner(struct db_pool *pool, int64_t instance_id, const char *account_key, char **ret,
			  struct err *err);

/** A link to be made; borrowed. */
struct link_draft {
	int64_t instance_id;
	const char *user_id;
	const char *org_id;      /**< NULL: none */
	const char *account_key; /**< NULL: not known yet (e-mail mode): a link of the user that was there counts again */
	const char *account_name; /**< without an account the user's e-mail address: asks from it that wait are decided again */
	const char *method;
	const struct oauth_tokens *tokens; /**< NULL: none */
};

/**
 * Make or renew a link within the caller's transaction: the account belongs to this user from now on, the user's other accounts
 * and links on other Jiras become inactive (one active link a user). Tokens are sealed for the place "user_link.tokens:{instance}/{account}".
 */
NODISCARD bool link_put(struct db *db, const struct crypto_keyring *keys, const struct link_draft *draft,
			struct err *err);

/**
 * The sealed pair of a link as it is stored: for a statement's parameter (`ret` is released with strbuf_done()), and read from the
 * first row's cell, selected as encode(tokens_sealed, 'hex'). ERR_NOT_FOUND: none there.
 */
NODISCARD bool link_tokens_seal(const struct crypto_keyring *keys, int64_t instance_id, const char *account_key,
				const struct oauth_tokens *tokens, struct strbuf *ret, struct err *err);
NODISCARD bool link_tokens_open(const struct crypto_keyring *keys, int64_t instance_id, const char *account_key,
				const struct db_rows *rows, int column, struct oauth_tokens *ret, struct err *err);

/** The pair as JSON and back; `ret` of the second keeps what it had when there is no access token. */
NODISCARD json_t *link_tokens_to_json(const struct oauth_tokens *tokens);
NODISCARD bool link_tokens_from_json(const json_t *json, struct oauth_tokens *ret, struct err *err);

/** Switch off the user's links on a server, or all people's (`user_id` NULL); tokens are forgotten. */
NODISCARD bool link_drop(struct db *db, int64_t instance_id, const char *user_id, struct err *err);

#endif
