#ifndef OHDC_CONNECT_OAUTH_STATE_H
#define OHDC_CONNECT_OAUTH_STATE_H

/* One-time states (table oauth_state): the browser gets a random text, the database its digest and a sealed content. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/io/db.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	OAUTH_STATE_SIZE = 44,
	/* 32 random bytes as base64url, and a NUL */ OAUTH_STATE_TTL_S = 600
};

/** Where states live; borrowed. */
struct oauth_states {
	struct db_pool *pool;
	const struct crypto_keyring *keys;
};

/** Make one for a purpose ("authorize", "confirm"), with at most 20 open ones a user: the oldest go. */
NODISCARD bool oauth_state_put(const struct oauth_states *states, const char *purpose, const char *user_id,
			       const json_t *content, char ret[OAUTH_STATE_SIZE], struct err *err);

/**
 * Use one up: of all who ask, one gets it. ERR_NOT_FOUND: unknown, used, expired, or of another purpose (not told apart).
 * `ret` is a new reference.
 */
NODISCARD bool oauth_state_take(const struct oauth_states *states, const char *purpose, const char *state, json_t **ret,
				struct err *err);

#endif
