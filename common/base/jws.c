/* Compact JWS with HS256: the one form that OpenHands uses, and nothing else of the standard. */
#include "common/base/jws.h"

#include "common/base/crypto.h"
#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/mem.h"

#include <string.h>

#include "common/base/banned.h"

enum { DEPTH = 8, BASE = 62 };

void jws_key_id(const struct secret *key, char ret[JWS_KEY_ID_SIZE])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint8_t rest[CRYPTO_DIGEST_SIZE];
	char text[JWS_KEY_ID_SIZE] = "";
	size_t at = JWS_KEY_ID_SIZE - 1;
	size_t zeros = 0;
	crypto_sha256(secret_bytes(key), rest);
	while (zeros < sizeof(rest) && rest[zeros] == 0)
		zeros++;
	for (size_t first = zeros; first < sizeof(rest);) {
		unsigned carry = 0; /* the number, divided in place; each round leaves its last digit */
		for (size_t i = first; i < sizeof(rest); i++) {
			carry = carry << 8 | rest[i];
			rest[i] = (uint8_t)(carry / BASE);
			carry %= BASE;
		}
		text[--at] = digits[carry];
		while (first < sizeof(rest) && rest[first] == 0)
			first++;
	}
	if (zeros > 0) text[--at] = digits[zeros];
	if (zeros > 0) text[--at] = '0';
	memcpy(ret, text + at, JWS_KEY_ID_SIZE - at);
}

static void add_part(struct strbuf *token, const json_t *part)
{
	CLEANUP(mem_free_text) char *text = json_compact(part);
	encode_base64url(token, bytes_text(text));
}

bool jws_make(const struct secret *key, const json_t *claims, int64_t now_s, int64_t lifetime_s, struct secret *ret,
	      struct err *err)
{
	CLEANUP(strbuf_wipe) struct strbuf token = strbuf_of(JWS_BYTES);
	char key_id[JWS_KEY_ID_SIZE];
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	jws_key_id(key, key_id);
	json_auto_t *header = json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid", key_id, "typ", "JWT");
	json_auto_t *all = json_deep_copy(claims);
	json_put_int(all, "iat", now_s);
	json_put_int(all, "exp", now_s + lifetime_s);
	add_part(&token, header);
	strbuf_add_char(&token, '.');
	add_part(&token, all);
	crypto_hmac(secret_bytes(key), bytes_of(token.text, token.len), digest);
	strbuf_add_char(&token, '.');
	encode_base64url(&token, bytes_of(digest, sizeof(digest)));
	if (token.is_cut) return err_set(err, ERR_INPUT, "the claims are too long for a token");
	secret_set(ret, token.text, token.len);
	return true;
}

/* One part as a JSON object, NULL when it is none. */
static json_t *read_part(struct bytes part)
{
	CLEANUP(strbuf_wipe) struct strbuf text = strbuf_of(JWS_BYTES);
	json_t *json = NULL;
	if (!decode_base64url(&text, part) || !json_read(bytes_text(strbuf_text(&text)), JWS_BYTES, DEPTH, &json, NULL))
		return NULL;
	if (json_is_object(json)) return json;
	json_decref(json);
	return NULL;
}

/* Constant time in the digest; the signature comes before anything that it signs is parsed. */
static bool is_signed(const struct secret *key, struct bytes signed_part, struct bytes signature)
{
	CLEANUP(strbuf_done) struct strbuf sent = {0};
	uint8_t wanted[CRYPTO_DIGEST_SIZE];
	strbuf_init(&sent, sizeof(wanted) + 1);
	crypto_hmac(secret_bytes(key), signed_part, wanted);
	return decode_base64url(&sent, signature) && sent.len == sizeof(wanted) &&
	       crypto_equal((const uint8_t *)sent.text, wanted, sizeof(wanted));
}

static bool is_in_time(const json_t *claims, int64_t now_s)
{
	const json_t *expires = json_at(claims, "exp");
	return json_is_integer(expires) && json_integer_value(expires) > now_s &&
	       json_int_at(claims, "iat", now_s) <= now_s + JWS_SKEW_S &&
	       json_int_at(claims, "nbf", now_s) <= now_s + JWS_SKEW_S;
}

bool jws_verify(const struct secret *key, const char *token, int64_t now_s, json_t **ret, struct err *err)
{
	const char *dot = strchr(token, '.');
	const char *end = dot ? strchr(dot + 1, '.') : NULL;
	if (!end || strlen(token) > JWS_BYTES) return err_set(err, ERR_AUTH, "no compact JWS");
	if (!secret_is_set(key) || !is_signed(key, bytes_of(token, (size_t)(end - token)), bytes_text(end + 1)))
		return err_set(err, ERR_AUTH, "wrong signature");
	json_auto_t *header = read_part(bytes_of(token, (size_t)(dot - token)));
	const char *algorithm = json_text_at(header, "alg");
	if (!algorithm || strcmp(algorithm, "HS256") != 0 || json_object_get(header, "crit"))
		return err_set(err, ERR_AUTH, "another algorithm than HS256");
	json_auto_t *claims = read_part(bytes_of(dot + 1, (size_t)(end - dot - 1)));
	if (!claims) return err_set(err, ERR_AUTH, "no claims");
	if (!is_in_time(claims, now_s)) return err_set(err, ERR_AUTH, "the token has expired or is not valid yet");
	*ret = json_incref(claims);
	return true;
}
