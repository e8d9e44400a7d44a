#ifndef OHDC_CONNECT_LINK_STORE_H
#define OHDC_CONNECT_LINK_STORE_H

/* Links of OHE's users to accounts on a server (table user_link). */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/connect/oauth.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stdint.h>

/** A link; texts owned; times as naive ISO 8601 in UTC. */
struct link {
	int64_t id;
	int64_t instance_id;
	char *user_id;
	char *account_key; /**< starts with "unavailable:" while the account is not known (e-mail mode) */
	char *method; /**< operator, oauth, email */
	bool is_active;
	char *created_at;
	char *updated_at;
};

/** Free and zero. */
void link_done(struct link *link);

/** The user's active link on a Jira (`instance_id` 0: on any, the newest). ERR_NOT_FOUND: none. */
NODISCARD bool link_of_user(struct db_pool *pool, const char *user_id, int64_t instance_id,
			    struct link *ret, struct err *err);

/** A link to be made; borrowed. */
struct link_draft {
	int64_t instance_id;
	const char *user_id;
	const char *org_id;      /**< NULL: none */
	const char *account_key; /**< NULL: not known yet (e-mail mode) */
	const char *account_name;
	const char *method;
	const struct oauth_tokens *tokens; /**< NULL: none */
};

/**
 * Make or renew a link within the caller's transaction: the account belongs to this user from now on, the user's other accounts
 * and links on other Jiras become inactive (one active link a user). Tokens are sealed for the place "user_link.tokens:{instance}/{account}".
 */
NODISCARD bool link_put(struct db *db, const struct crypto_keyring *keys,
			const struct link_draft *draft, struct err *err);

/** Switch off the user's links on a server, or all people's (`user_id` NULL); tokens are forgotten. */
NODISCARD bool link_drop(struct db *db, int64_t instance_id, const char *user_id, struct err *err);

#endif
