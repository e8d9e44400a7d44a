/* The installation's identity and its sealing keys. */

#include "common/io/installation.h"

#include "common/base/limits.h"
#include "common/io/config.h"

#include <string.h>

#include "common/base/banned.h"

static const char sql_read[] = "select id, coalesce(seal_key_id, ''), coalesce(seal_fingerprint, '') from installation";

static const char sql_note_key[] = "update installation set seal_key_id = $1, seal_fingerprint = "
				   "$2 where seal_fingerprint is null";

bool installation_load_keys(const char *path, struct crypto_keyring *ret, struct err *err)
{
	if (!path)
		return err_set(err, ERR_INPUT, "OHDC_SEAL_KEYS_FILE is not set, expected a file of lines 'KEYID 64hex'");
	CLEANUP(secret_done) struct secret text = {0};
	struct config_file_id seen;
	const char *fault = config_read(path, LIMIT_SETTING_BYTES, &text, &seen);
	if (fault) return err_set(err, ERR_INPUT, "OHDC_SEAL_KEYS_FILE: found '%s', %s", path, fault);
	return crypto_keyring_parse(text.text, ret, err) || err_wrap(err, "OHDC_SEAL_KEYS_FILE '%s'", path);
}

static bool has_fingerprint(const struct crypto_keyring *keys, const char *fingerprint)
{
	for (size_t i = 0; i < keys->count; i++) {
		char own[17];
		crypto_key_fingerprint(&keys->keys[i], own);
		if (strcmp(own, fingerprint) == 0) return true;
	}
	return false;
}

static bool note_key(struct db_pool *pool, const struct crypto_key *key, struct err *err)
{
	char fingerprint[17];
	crypto_key_fingerprint(key, fingerprint);
	return db_query(pool, sql_note_key, DB_PARAMS(key->id, fingerprint), NULL, err);
}

bool installation_open(struct db_pool *pool, const struct crypto_keyring *keys, struct uuid *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	bool has_keys = keys && keys->count > 0;
	/* Noted first, then read: of two programs that start with different keys only one is right. */
	if ((has_keys && !note_key(pool, &keys->keys[0], err)) || !db_query(pool, sql_read, NULL, &rows, err))
		return err_wrap(err, "installation");
	if (rows.count != 1 || !uuid_parse(db_text(&rows, 0, 0), ret))
		return err_set(err, ERR_INTERNAL, "installation: no row; run 'ohdc migrate'");
	if (has_keys && !has_fingerprint(keys, db_text(&rows, 0, 2)))
		return err_set(err, ERR_INPUT, "OHDC_SEAL_KEYS_FILE lacks key '%s', with which this database was sealed",
			       db_text(&rows, 0, 1));
	return true;
}
