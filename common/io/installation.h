#ifndef OHDC_IO_INSTALLATION_H
#define OHDC_IO_INSTALLATION_H

/* Which installation a database belongs to, and whether the sealing keys at hand are the ones it was sealed with. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/io/db.h"

#include <stdbool.h>

/** Read the keys of OHDC_SEAL_KEYS_FILE. ERR_INPUT: not readable or malformed (the line is named). */
NODISCARD bool installation_load_keys(const char *path, struct crypto_keyring *ret, struct err *err);

/**
 * Read the installation's id. With `keys` (may be NULL) their fingerprint is compared with the one noted by whoever sealed
 * first, and noted when there is none: ERR_INPUT when no key at hand is the one noted.
 */
NODISCARD bool installation_open(struct db_pool *pool, const struct crypto_keyring *keys, struct uuid *ret,
				 struct err *err);

#endif
