#ifndef OHDC_BASE_JWS_H
#define OHDC_BASE_JWS_H

/* Signed claims as OpenHands writes and reads them: compact JWS, HS256, under its JWT_SECRET. Time is given. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	JWS_BYTES = 8192, /**< longest one that is read or made; real ones have some 400 */
	JWS_SKEW_S = 60,  /**< an `iat` or `nbf` may lie this far ahead: clocks differ */
	JWS_KEY_ID_SIZE = 48,
};

/** What OpenHands calls the key `key`: base62 of its SHA-256, where leading zero bytes are counted ("0" and their number). */
void jws_key_id(const struct secret *key, char ret[JWS_KEY_ID_SIZE]);

/** Sign `claims` (an object) with `iat` = now and `exp` = now + lifetime added. ERR_INPUT: longer than JWS_BYTES. */
NODISCARD bool jws_make(const struct secret *key, const json_t *claims, int64_t now_s, int64_t lifetime_s,
			struct secret *ret, struct err *err);

/**
 * Check a token and read its claims: HS256 alone, any `kid`, no `crit`, `exp` there and in the future, `iat` and `nbf` not.
 * ERR_AUTH says what is wrong, never what was sent. An empty key verifies nothing. `ret` is a new reference.
 */
NODISCARD bool jws_verify(const struct secret *key, const char *token, int64_t now_s, json_t **ret, struct err *err);

#endif
