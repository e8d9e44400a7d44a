/* Jira's OAuth 2.0 on the wire: one address for the browser, one form for codes and refresh tokens. */
#include "common/connect/oauth.h"

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/io/api_call.h"
#include "common/io/entropy.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

#define CALLBACK_PATH "/integration/jira-dc/callback"

enum {
	FORM_BYTES = 32 * 1024,
	TOKEN_ANSWER_BYTES = 64 * 1024,
	REDIRECT_BYTES = 1024,
	PAIRS = 6,
	DEADLINE_MAX_MS = 30000, /* a person waits, and a web request has a minute in all */
};

/* --- towards the browser ---------------------------------------------------------------------------- */

bool oauth_cookie_digest(const char *cookie, char ret[CRYPTO_DIGEST_TEXT_SIZE])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789-_";
	if (!cookie || strlen(cookie) != ENTROPY_TEXT_SIZE - 1 || cookie[strspn(cookie, alphabet)] != '\0')
		return false;
	crypto_sha256_text(bytes_text(cookie), ret);
	return true;
}

/* The cookie that is there, or a new one; set again in either case, so that it outlives this flow. */
static void set_cookie(const char *present, struct web_reply *reply, char ret_digest[CRYPTO_DIGEST_TEXT_SIZE])
{
	char fresh[ENTROPY_TEXT_SIZE];
	char header[256];
	if (!oauth_cookie_digest(present, ret_digest)) {
		entropy_text(fresh);
		crypto_sha256_text(bytes_text(fresh), ret_digest);
		present = fresh;
	}
	(void)snprintf(header, sizeof(header), OAUTH_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=%d",
		       present, OAUTH_STATE_TTL_S);
	web_reply_header(reply, "Set-Cookie", header);
}

static void redirect_uri(const struct oauth *oauth, char ret[REDIRECT_BYTES])
{
	(void)snprintf(ret, REDIRECT_BYTES, "%s" CALLBACK_PATH, config_text(oauth->config, "WEB_HOST"));
}

static char *authorize_url(const struct oauth *oauth, const char *base_url, const char *state, const char *verifier)
{
	CLEANUP(strbuf_done) struct strbuf challenge = strbuf_of(OAUTH_STATE_SIZE);
	struct strbuf path = strbuf_of(LIMIT_URL_BYTES);
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	char redirect[REDIRECT_BYTES];
	crypto_sha256(bytes_text(verifier), digest);
	encode_base64url(&challenge, bytes_of(digest, sizeof(digest)));
	redirect_uri(oauth, redirect);
	strbuf_add(&path, base_url);
	api_path_add(&path,
		     "/rest/oauth2/latest/authorize?client_id=%s&scope=WRITE&redirect_uri=%s"
		     "&state=%s&response_type=code&code_challenge=%s&code_challenge_method=S256",
		     config_text(oauth->config, "JIRA_DC_CLIENT_ID"), redirect, state, strbuf_text(&challenge));
	return strbuf_take(&path);
}

bool oauth_is_set_up(const struct oauth *oauth, struct err *err)
{
	return (config_text(oauth->config, "JIRA_DC_BASE_URL") && config_text(oauth->config, "JIRA_DC_CLIENT_ID") &&
		config_text(oauth->config, "WEB_HOST")) ||
	       err_set(err,
		       ERR_INPUT, "OAuth is not set up: set JIRA_DC_BASE_URL, JIRA_DC_CLIENT_ID, JIRA_DC_CLIENT_SECRET and WEB_HOST");
}

bool oauth_begin(const struct oauth *oauth, const struct oauth_intent *intent, struct web_reply *reply, char **ret_url,
		 struct err *err)
{
	const char *base_url = config_text(oauth->config, "JIRA_DC_BASE_URL");
	char verifier[ENTROPY_TEXT_SIZE];
	char digest[CRYPTO_DIGEST_TEXT_SIZE];
	char state[OAUTH_STATE_SIZE];
	if (!oauth_is_set_up(oauth, err)) return false;
	entropy_text(verifier);
	set_cookie(intent->cookie, reply, digest);
	json_auto_t *content = json_pack("{s:s, s:s?, s:s?, s:I, s:s?, s:s, s:s, s:s}", "user_id", intent->user_id,
					 "email", intent->email, "org_id", intent->org_id, "connection_id",
					 intent->connection_id, "landing", intent->landing, "base_url", base_url,
					 "verifier", verifier, "cookie", digest);
	if (!oauth_state_put(&oauth->states, "authorize", intent->user_id, content, state, err)) return false;
	*ret_url = authorize_url(oauth, base_url, state, verifier);
	return true;
}

/* --- towards Jira's token endpoint ------------------------------------------------------------------- */

void oauth_tokens_done(struct oauth_tokens *tokens)
{
	if (!tokens) return;
	secret_done(&tokens->access);
	secret_done(&tokens->refresh);
	*tokens = (struct oauth_tokens){0};
}

/* Fields of a form: name, value, name, value …; a NULL value leaves the field out. */
static void write_form(const char *const pairs[PAIRS][2], struct strbuf *ret)
{
	strbuf_init(ret, FORM_BYTES);
	for (size_t i = 0; i < PAIRS; i++) {
		if (!pairs[i][1]) continue;
		strbuf_addf(ret, "%s%s=", ret->len > 0 ? "&" : "", pairs[i][0]);
		encode_percent(ret, bytes_text(pairs[i][1]));
	}
}

/* Jira writes expires_in as a number or as a text. */
static bool read_tokens(const struct http_result *result, struct oauth_tokens *ret, struct err *err)
{
	json_auto_t *json = NULL;
	char expires[24];
	(void)!json_read(bytes_of(result->body, result->body_len), TOKEN_ANSWER_BYTES, LIMIT_JSON_DEPTH, &json, NULL);
	const char *access = json_text_at(json, "access_token");
	const char *refresh = json_text_at(json, "refresh_token");
	if (text_is_empty(access)) return err_set(err, ERR_INPUT, "the answer holds no access_token");
	secret_set(&ret->access, access, strlen(access));
	if (!text_is_empty(refresh)) secret_set(&ret->refresh, refresh, strlen(refresh));
	if (!json_id_at(json, "expires_in", expires, sizeof(expires)) ||
	    !number_parse(expires, 1, INT32_MAX, &ret->expires_in_s, NULL))
		ret->expires_in_s = 0;
	return true;
}

/* A refusal in Jira's words: "invalid_grant: The code has expired". */
static bool refuse(const struct http_result *result, struct err *err)
{
	json_auto_t *json = NULL;
	(void)!json_read(bytes_of(result->body, result->body_len), TOKEN_ANSWER_BYTES, LIMIT_JSON_DEPTH, &json, NULL);
	const char *code = json_text_at(json, "error");
	const char *words = json_text_at(json, "error_description");
	bool is_void = code && strcmp(code, "invalid_grant") == 0;
	if (code)
		(void)err_set(err, is_void ? ERR_AUTH : ERR_INPUT, "%s%s%s", code, words ? ": " : "", words ? words : "");
	else
		(void)err_set(err, result->status >= 500 ? ERR_UNCERTAIN : ERR_INPUT, "Jira answered with status %d",
			      result->status);
	if (err) err->http_status = result->status;
	return false;
}

static bool call(const struct oauth *oauth, const char *form, struct http_result *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	strbuf_addf(&url, "%s/rest/oauth2/latest/token", config_text(oauth->config, "JIRA_DC_BASE_URL"));
	int64_t wanted_ms = config_int(oauth->config, "JIRA_DC_HTTP_TIMEOUT") * 1000;
	const struct http_call http = {
		.method = "POST",
		.url = strbuf_text(&url),
		.headers = {"Accept: application/json", "X-Atlassian-Token: no-check"},
		.body = bytes_text(form),
		.content_type = "application/x-www-form-urlencoded",
		.deadline_ms = wanted_ms < DEADLINE_MAX_MS ? wanted_ms : DEADLINE_MAX_MS,
		.ceiling_bytes = TOKEN_ANSWER_BYTES,
		.is_unsafe = true,
	};
	return http_client_send(oauth->client, &http, ret, err);
}

/* `grant` is the code and its verifier, or the refresh token. The redirect address is checked in both cases. */
static bool ask(const struct oauth *oauth, const char *type, const char *const grant[2][2], struct oauth_tokens *ret,
		struct err *err)
{
	CLEANUP(secret_done) struct secret client = {0};
	CLEANUP(strbuf_wipe) struct strbuf form = {0};
	CLEANUP(http_result_done) struct http_result result = {0};
	CLEANUP(oauth_tokens_done) struct oauth_tokens tokens = {0};
	char redirect[REDIRECT_BYTES];
	redirect_uri(oauth, redirect);
	(void)config_secret(oauth->config, "JIRA_DC_CLIENT_SECRET", &client);
	const char *const pairs[PAIRS][2] = {
		{"grant_type", type},           {"client_id", config_text(oauth->config, "JIRA_DC_CLIENT_ID")},
		{"client_secret", client.text}, {grant[0][0], grant[0][1]},
		{"redirect_uri", redirect},     {grant[1][0], grant[1][1]},
	};
	write_form(pairs, &form);
	if (form.is_cut) return err_set(err, ERR_INPUT, "the code is too long");
	if (!call(oauth, strbuf_text(&form), &result, err)) return false;
	secret_mask(result.status == 200 ? NULL : client.text, result.body);
	secret_mask(result.status == 200 ? NULL : grant[0][1], result.body);
	if (result.status != 200) return refuse(&result, err);
	if (!read_tokens(&result, &tokens, err)) return false;
	return MOVE(ret, tokens);
}

bool oauth_exchange(const struct oauth *oauth, const char *code, const char *verifier, struct oauth_tokens *ret,
		    struct err *err)
{
	const char *const grant[2][2] = {{"code", code}, {"code_verifier", verifier}};
	return ask(oauth, "authorization_code", grant, ret, err);
}

bool oauth_renew(const struct oauth *oauth, const struct secret *refresh, struct oauth_tokens *ret, struct err *err)
{
	const char *const grant[2][2] = {{"refresh_token", refresh->text}, {"", NULL}};
	return ask(oauth, "refresh_token", grant, ret, err);
}
