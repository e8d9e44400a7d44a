/* Secrets in columns: a fresh nonce for each sealing, JSON texts wiped. */
#include "common/connect/sealed.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/io/entropy.h"

#include "common/base/banned.h"

enum { SEALED_BYTES = LIMIT_SETTING_BYTES + 256 };

bool sealed_make(const struct crypto_keyring *keys, const char *place, struct bytes plain, struct strbuf *ret,
		 struct err *err)
{
	uint8_t nonce[CRYPTO_NONCE_SIZE];
	entropy_fill(nonce, sizeof(nonce));
	strbuf_init(ret, SEALED_BYTES);
	return crypto_seal(keys, place, nonce, plain, ret, err);
}

bool sealed_make_json(const struct crypto_keyring *keys, const char *place, const json_t *value, struct strbuf *ret,
		      struct err *err)
{
	CLEANUP(secret_done) struct secret text = {.text = json_compact(value)};
	text.len = bytes_text(text.text).len;
	return sealed_make(keys, place, secret_bytes(&text), ret, err);
}

bool sealed_read(const struct crypto_keyring *keys, const char *place, const struct db_rows *rows, int column,
		 struct secret *ret, struct err *err)
{
	uint8_t *sealed = NULL;
	size_t len = 0;
	if (rows->count == 0 || !db_hex(rows, 0, column, &sealed, &len))
		return err_set(err, ERR_NOT_FOUND, "nothing is stored");
	bool is_open = crypto_open(keys, place, bytes_of(sealed, len), ret, err);
	mem_free(sealed);
	return is_open;
}

bool sealed_read_json(const struct crypto_keyring *keys, const char *place, const struct db_rows *rows, int column,
		      json_t **ret, struct err *err)
{
	CLEANUP(secret_done) struct secret text = {0};
	return sealed_read(keys, place, rows, column, &text, err) &&
	       json_read(secret_bytes(&text), SEALED_BYTES, LIMIT_JSON_DEPTH, ret, err);
}
