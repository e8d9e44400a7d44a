/* One-time states: random text outside, digest and sealed content inside, deleted by whoever uses them. */
#include "common/connect/oauth_state.h"

#include "common/connect/sealed.h"
#include "common/io/entropy.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { PLACE_SIZE = 128 };

/* Expired ones of everybody and the oldest of this user go when a new one comes. */
static const char sql_put[] =
	"with gone as (delete from oauth_state where state_sha256 in (select state_sha256"
	" from oauth_state where expires_at < clock_timestamp() or state_sha256 in"
	" (select state_sha256 from oauth_state where user_id = $4 order by created_at desc offset "
	"19)"
	" for update skip locked))"
	" insert into oauth_state (state_sha256, purpose, content_sealed, user_id, created_at,"
	" expires_at) values ($1, $2, $3, $4, clock_timestamp(),"
	" clock_timestamp() + $5 * interval '1 s')";

static const char sql_take[] = "delete from oauth_state where state_sha256 = $1 and purpose = $2"
			       " and expires_at > clock_timestamp() returning encode(content_sealed, 'hex')";

static void digest(const char *state, char ret[CRYPTO_DIGEST_TEXT_SIZE], char ret_place[PLACE_SIZE])
{
	crypto_sha256_text(bytes_text(state), ret);
	(void)snprintf(ret_place, PLACE_SIZE, "oauth_state.content:%s", ret);
}

bool oauth_state_put(const struct oauth_states *states, const char *purpose, const char *user_id, const json_t *content,
		     char ret[OAUTH_STATE_SIZE], struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	char state[ENTROPY_TEXT_SIZE];
	char key[CRYPTO_DIGEST_TEXT_SIZE];
	char place[PLACE_SIZE];
	entropy_text(state);
	digest(state, key, place);
	if (!sealed_make_json(states->keys, place, content, &sealed, err)) return false;
	if (!db_query(states->pool, sql_put,
		      DB_PARAMS(key, purpose, bytes_of(sealed.text, sealed.len), user_id, OAUTH_STATE_TTL_S), NULL, err))
		return false;
	memcpy(ret, state, OAUTH_STATE_SIZE);
	return true;
}

bool oauth_state_take(const struct oauth_states *states, const char *purpose, const char *state, json_t **ret,
		      struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	char key[CRYPTO_DIGEST_TEXT_SIZE];
	char place[PLACE_SIZE];
	digest(state ? state : "", key, place);
	return db_query(states->pool, sql_take, DB_PARAMS(key, purpose), &rows, err) &&
	       sealed_read_json(states->keys, place, &rows, 0, ret, err);
}
