#ifndef OHDC_CONNECT_FORM_TOKEN_H
#define OHDC_CONNECT_FORM_TOKEN_H

/* The hidden field of our forms: proves that the page was made by us, for this user, within two hours. HMAC under the sealing keys. */

#include "common/base/attr.h"
#include "common/base/crypto.h"

#include <stdbool.h>
#include <stdint.h>

enum { FORM_TOKEN_SIZE = 80 };

/** Token of a user now. */
void form_token_make(const struct crypto_keyring *keys, const char *user_id, int64_t now_ms, char ret[FORM_TOKEN_SIZE]);

/** Whether `token` (NULL: none) was made for the user within two hours, with any key of the ring. Constant time in the digest. */
NODISCARD bool form_token_is_good(const struct crypto_keyring *keys, const char *user_id, int64_t now_ms,
				  const char *token);

#endif
