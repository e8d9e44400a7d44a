#ifndef OHDC_DOMAIN_SIGNATURE_H
#define OHDC_DOMAIN_SIGNATURE_H

/* X-Hub-Signature: `sha256=` + 64 hex digits of any case, HMAC-SHA256 over the raw bytes. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/crypto.h"

#include <stdbool.h>

enum { SIGNATURE_TEXT_SIZE = 72 };

/** Read the header's value into a digest; false when malformed. */
NODISCARD bool signature_parse(const char *header, uint8_t ret[CRYPTO_DIGEST_SIZE]);

/** Write the header's value for a body. */
void signature_make(struct bytes secret, struct bytes body, char ret[SIGNATURE_TEXT_SIZE]);

#endif
