#ifndef OHDC_CONNECT_SEALED_H
#define OHDC_CONNECT_SEALED_H

/* Secrets in columns: sealed with a fresh nonce on the way in, opened on the way out. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/strbuf.h"
#include "common/io/db.h"

#include <jansson.h>
#include <stdbool.h>

/** Seal `plain` for `place` ("table.column:row") into an empty `ret`, which is released with strbuf_done(). */
NODISCARD bool sealed_make(const struct crypto_keyring *keys, const char *place, struct bytes plain, struct strbuf *ret,
			   struct err *err);

/** Seal a JSON value. */
NODISCARD bool sealed_make_json(const struct crypto_keyring *keys, const char *place, const json_t *value,
				struct strbuf *ret, struct err *err);

/** Open the first row's cell, selected as encode(x, 'hex'). ERR_NOT_FOUND: null; ERR_AUTH: another key or place. */
NODISCARD bool sealed_read(const struct crypto_keyring *keys, const char *place, const struct db_rows *rows, int column,
			   struct secret *ret, struct err *err);

/** Open a cell as above that holds a JSON object; `ret` is a new reference. */
NODISCARD bool sealed_read_json(const struct crypto_keyring *keys, const char *place, const struct db_rows *rows,
				int column, json_t **ret, struct err *err);

#endif
