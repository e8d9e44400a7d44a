#ifndef OHDC_CONNECT_JIRA_TOKEN_H
#define OHDC_CONNECT_JIRA_TOKEN_H

/*
 * A person's own Jira token, renewed when needed. Jira voids both tokens of a pair when it gives a new one, so of all threads and
 * processes one renews, under a lease in the link's row; the others wait for what it stores.
 *
 * The window that stays: a process that ends after Jira has given the new pair and before it is committed loses both pairs, and the
 * person links again; so does an answer of Jira that is lost on its way. Nothing stands between the two but sealing; a database that
 * is away is asked again for five seconds.
 */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/connect/oauth.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stdint.h>

enum { JIRA_TOKEN_SPARE_S = 300 /**< a token is renewed when less than this is left of it */ };

/** Where tokens are kept and renewed; borrowed. */
struct jira_tokens {
	struct db_pool *pool;
	const struct crypto_keyring *keys;
	const struct oauth *oauth; /**< its configuration names the one Jira whose tokens are used: JIRA_DC_BASE_URL */
};

/** Whether all that OHDC_JIRA_TOKEN_IN_SANDBOX needs is set, when it is on. ERR_INPUT names the setting that is missing. */
NODISCARD bool jira_token_check(struct config *config, struct err *err);

/**
 * The access token of a user with more than JIRA_TOKEN_SPARE_S left, or of unknown end; less only when it cannot be renewed now.
 * ERR_NOT_FOUND: no active link with a sign-in at JIRA_DC_BASE_URL; ERR_AUTH: linked, but Jira has ended the sign-in: the person
 * has to link again; else why it could not be renewed. Blocks for up to a minute, never with a database connection in hand. Any thread.
 */
NODISCARD bool jira_token_read(const struct jira_tokens *tokens, const char *user_id, struct secret *ret,
			       struct err *err);

#endif
