#ifndef OHDC_DOMAIN_SIGNATURE_H
#define OHDC_DOMAIN_SIGNATURE_H

/* X-Hub-Signature: `sha256=` + 64 hex digits of any case, HMAC-SHA256 over the raw bytes. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/crypto.h"

#include <stdbool.h>

/** Read the header's value into a digest; false when malformed. */
NODISCARD bool signature_parse(const char *header, uint8_t ret[CRYPTO_DIGEST_SIZE]);

#endif
