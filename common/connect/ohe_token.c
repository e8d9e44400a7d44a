/* Asks OpenHands for a person's Bitbucket token the way its sandboxes do. */
#include "common/connect/ohe_token.h"

#include "common/base/jws.h"
#include "common/base/limits.h"
#include "common/base/strbuf.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

enum { DEADLINE_MS = 15000, LIFETIME_S = 60, TOKEN_BYTES = 8192 };

/* One word of visible ASCII: it goes into a header of ours. */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~') return false;
	}
	return len > 0;
}

static bool sign(struct config *config, const char *user_id, struct strbuf *ret, struct err *err)
{
	CLEANUP(secret_done) struct secret key = {0};
	CLEANUP(secret_done) struct secret token = {0};
	json_auto_t *claims = json_pack("{s:s, s:s}", "user_id", user_id, "provider_type", "bitbucket_data_center");
	if (!config_secret(config, "JWT_SECRET", &key)) return err_set(err, ERR_INPUT, "JWT_SECRET is not set");
	if (!claims) return err_set(err, ERR_INPUT, "the user's id is no text");
	if (!jws_make(&key, claims, sysclock_now_ms() / 1000, LIFETIME_S, &token, err)) return false;
	strbuf_init(ret, JWS_BYTES + 32);
	strbuf_addf(ret, "X-Access-Token: %s", token.text);
	return true;
}

static bool take(const struct http_call *call, const struct http_result *result, struct secret *ret, struct err *err)
{
	bool is_ok = http_result_ok(call, result, err);
	if (!is_ok && (!err || err->code != ERR_NOT_FOUND))
		return err_wrap(err, "OpenHands, asked for a Bitbucket token");
	if (!is_ok || result->body_len == 0)
		return err_set(err, ERR_NOT_FOUND, "no Bitbucket sign-in is stored for this account");
	if (!is_token(result->body, result->body_len))
		return err_set(err, ERR_INTERNAL, "OpenHands answered something else than a token");
	secret_set(ret, result->body, result->body_len);
	return true;
}

bool ohe_token_read(struct http_client *client, struct config *config, const char *user_id, struct secret *ret,
		    struct err *err)
{
	CLEANUP(strbuf_wipe) struct strbuf header = {0};
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	CLEANUP(http_result_done) struct http_result result = {0};
	const char *base_url = config_text(config, "OHDC_OPENHANDS_URL");
	if (!base_url) return err_set(err, ERR_INPUT, "OHDC_OPENHANDS_URL is not set");
	if (!sign(config, user_id, &header, err)) return false;
	strbuf_addf(&url, "%s/api/v1/webhooks/secrets", base_url);
	const struct http_call call = {
		.method = "GET",
		.url = strbuf_text(&url),
		.headers = {"Accept: text/plain", strbuf_text(&header)},
		.deadline_ms = DEADLINE_MS,
		.ceiling_bytes = TOKEN_BYTES,
	};
	if (!http_client_send(client, &call, &result, err)) return err_wrap(err, "OpenHands");
	return take(&call, &result, ret, err);
}
