/* Makes and checks "TIME.DIGEST". */

#include "common/connect/form_token.h"

#include "common/base/encode.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/strbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { LIFE_MS = 2 * 60 * 60 * 1000, AHEAD_MS = 60 * 1000, TIME_SIZE = 24, PLAIN_BYTES = 1024 };

/* A key of its own is derived, so that a token says nothing about the key that seals. */
static void make(const struct crypto_key *key, const char *user_id, int64_t time_ms, char ret[FORM_TOKEN_SIZE])
{
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(PLAIN_BYTES);
	uint8_t own[CRYPTO_DIGEST_SIZE];
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	crypto_hmac(bytes_of(key->key, sizeof(key->key)), bytes_text("ohdc form token"), own);
	strbuf_addf(&text, "%" PRId64 " %s", time_ms, user_id);
	crypto_hmac(bytes_of(own, sizeof(own)), bytes_of(text.text, text.len), digest);
	mem_wipe(own, sizeof(own));
	strbuf_clear(&text);
	strbuf_addf(&text, "%" PRId64 ".", time_ms);
	encode_base64url(&text, bytes_of(digest, sizeof(digest)));
	(void)snprintf(ret, FORM_TOKEN_SIZE, "%s", strbuf_text(&text));
}

void form_token_make(const struct crypto_keyring *keys, const char *user_id, int64_t now_ms, char ret[FORM_TOKEN_SIZE])
{
	make(&keys->keys[keys->newest], user_id, now_ms, ret);
}

static bool read_time(const char *token, int64_t *ret)
{
	char time[TIME_SIZE];
	size_t len = token ? strcspn(token, ".") : 0;
	if (len == 0 || len >= sizeof(time)) return false;
	(void)snprintf(time, sizeof(time), "%.*s", (int)len, token);
	return number_parse(time, 0, INT64_MAX / 2, ret, NULL);
}

bool form_token_is_good(const struct crypto_keyring *keys, const char *user_id, int64_t now_ms, const char *token)
{
	int64_t time_ms;
	bool is_good = false;
	if (!read_time(token, &time_ms) || strlen(token) >= FORM_TOKEN_SIZE) return false;
	if (time_ms > now_ms + AHEAD_MS || now_ms - time_ms > LIFE_MS) return false;
	for (size_t i = 0; i < keys->count; i++) {
		char made[FORM_TOKEN_SIZE];
		make(&keys->keys[i], user_id, time_ms, made);
		if (strlen(made) == strlen(token) &&
		    crypto_equal((const uint8_t *)made, (const uint8_t *)token, strlen(made)))
			is_good = true;
	}
	return is_good;
}
