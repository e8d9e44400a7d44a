/* What is secret in a connection: sealed at rest, and changed so that no delivery is refused meanwhile. */

#include "common/connect/connection_store.h"

#include "common/base/mem.h"
#include "common/connect/sealed.h"
#include "common/io/api_call.h"
#include "common/io/entropy.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { PLACE_SIZE = 80 };

/*
 * $3, when a secret may be replaced again: a next one is being put into a hook by somebody for up to a minute; and a former secret
 * may be on its way in deliveries for some seconds after a change.
 */
static const char sql_secrets[] =
	"select encode(secret_sealed, 'hex'), encode(secret_next_sealed, 'hex'),"
	" ceil(extract(epoch from greatest(next_at + interval '60 s', rotated_at + interval '10 s')"
	" - now()) * 1000)::bigint from connection where provider = $1 and id = $2 for update";

/* A next secret that nobody may have put into a hook yet, or that somebody has: it stays accepted as the previous one. */
static const char sql_next[] =
	"update connection set secret_previous_sealed = coalesce(secret_next_sealed, "
	"secret_previous_sealed),"
	" previous_until = case when secret_next_sealed is null then previous_until end,"
	" secret_next_sealed = $3, next_at = now(), updated_at = now() where provider = $1 and id "
	"= "
	"$2";

static const char sql_keep_next[] = "update connection set next_at = now() where provider = $1 and id = $2"
				    " and secret_next_sealed is not null";

static const char sql_promote[] =
	"update connection set secret_previous_sealed = secret_sealed, secret_sealed = "
	"secret_next_sealed,"
	" secret_next_sealed = null, next_at = null, rotated_at = now(), previous_until = null,"
	" updated_at = now() where provider = $1 and id = $2 and secret_next_sealed is not null";

static const char sql_show[] = "update connection set secret_shown_at = now() where provider = $1 and id = $2"
			       " and secret_shown_at is null";

static const char sql_open_bot_token[] =
	"select encode(bot_token_sealed, 'hex') from connection where provider = $1 and id = $2";

static const char sql_bot_token[] = "update connection set bot_token_sealed = $3, updated_at = now()"
				    " where provider = $1 and id = $2";

/* Runs a statement about one connection; `ret` may be NULL. */
static bool run(struct db *db, const char *sql, const struct connection_row *row, struct db_rows *ret, struct err *err)
{
	return db_run(db, sql, DB_PARAMS(provider_name(row->provider), row->id), ret, err);
}

static void name_place(const struct connection_row *row, const char *column, char ret[PLACE_SIZE])
{
	(void)snprintf(ret, PLACE_SIZE, "connection.%s:%s/%lld", column, provider_name(row->provider),
		       (long long)row->id);
}

bool connection_seal(const struct crypto_keyring *keys, const struct connection_row *row, const char *column,
		     const struct secret *secret, struct strbuf *ret, struct err *err)
{
	char place[PLACE_SIZE];
	name_place(row, column, place);
	return sealed_make(keys, place, secret_bytes(secret), ret, err) || err_wrap(err, "%s", place);
}

/* Seals a secret and runs a statement with product, id and the sealed bytes. */
static bool put_sealed(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
		       const char *column, const char *sql, const struct secret *secret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	return connection_seal(keys, row, column, secret, &sealed, err) &&
	       db_run(db, sql, DB_PARAMS(provider_name(row->provider), row->id, bytes_of(sealed.text, sealed.len)),
		      NULL, err);
}

bool connection_put_bot_token(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
			      const struct secret *token, struct err *err)
{
	return put_sealed(db, keys, row, "bot_token", sql_bot_token, token, err);
}

bool connection_bot_token(const struct connection_store *store, const struct connection_row *row, struct secret *ret,
			  struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	char place[PLACE_SIZE];
	name_place(row, "bot_token", place);
	return db_query(store->pool, sql_open_bot_token, DB_PARAMS(provider_name(row->provider), row->id), &rows, err) &&
	       (sealed_read(store->keys, place, &rows, 0, ret, err) || err_wrap(err, "%s", place));
}

void connection_make_secret(struct secret *ret)
{
	char text[ENTROPY_TEXT_SIZE];
	entropy_text(text);
	secret_set(ret, text, strlen(text));
	mem_wipe(text, sizeof(text));
}

/* ---- changing a secret ------------------------------------------------------------------------------------------ */

struct kept {
	struct secret current;
	struct secret next; /* not set: none */
	int64_t wait_ms;    /* until it may be replaced; 0 or less: now */
};

static void kept_done(struct kept *kept)
{
	secret_done(&kept->current);
	secret_done(&kept->next);
}

static bool open_cell(const struct crypto_keyring *keys, const struct connection_row *row, const struct db_rows *rows,
		      int column, struct secret *ret, struct err *err)
{
	char place[PLACE_SIZE];
	struct err failure = {0};
	name_place(row, "secret", place);
	bool is_fine = sealed_read(keys, place, rows, column, ret, &failure) || failure.code == ERR_NOT_FOUND;
	return api_call_settle(is_fine, &failure, err) || err_wrap(err, "%s", place);
}

static bool read_kept(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
		      struct kept *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!run(db, sql_secrets, row, &rows, err)) return false;
	if (rows.count == 0) return err_set(err, ERR_NOT_FOUND, "the connection is gone");
	ret->wait_ms = db_int(&rows, 0, 2);
	return open_cell(keys, row, &rows, 0, &ret->current, err) && open_cell(keys, row, &rows, 1, &ret->next, err);
}

static bool is_same(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

bool connection_secret_kept(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
			    struct secret *ret, struct err *err)
{
	CLEANUP(kept_done) struct kept kept = {0};
	if (!read_kept(db, keys, row, &kept, err)) return false;
	const struct secret *newest = secret_is_set(&kept.next) ? &kept.next : &kept.current;
	secret_set(ret, newest->text, newest->len);
	return run(db, sql_keep_next, row, NULL, err);
}

bool connection_secret_next(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
			    const struct secret *secret, struct secret *ret, struct err *err)
{
	CLEANUP(kept_done) struct kept kept = {0};
	bool is_given = secret && secret_is_set(secret);
	if (!read_kept(db, keys, row, &kept, err)) return false;
	const struct secret *newest = secret_is_set(&kept.next) ? &kept.next : &kept.current;
	if (is_given ? is_same(secret, newest) : newest == &kept.next || kept.wait_ms > 0)
		return connection_secret_kept(db, keys, row, ret, err);
	if (kept.wait_ms > 0) {
		(void)err_set(err, ERR_LIMIT, "the webhook secret was changed a moment ago; try again in %lld seconds",
			      (long long)(kept.wait_ms / 1000 + 1));
		if (err) err->retry_after_ms = kept.wait_ms;
		return false;
	}
	if (is_given)
		secret_set(ret, secret->text, secret->len);
	else
		connection_make_secret(ret);
	return put_sealed(db, keys, row, "secret", sql_next, ret, err);
}

bool connection_secret_promote(struct db *db, const struct connection_row *row, struct err *err)
{
	return run(db, sql_promote, row, NULL, err);
}

bool connection_secret_show(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
			    struct secret *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!run(db, sql_show, row, &rows, err)) return false;
	if (rows.count == 0) return err_set(err, ERR_CONFLICT, "the webhook secret was shown before");
	return connection_secret_kept(db, keys, row, ret, err);
}
