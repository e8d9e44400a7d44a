/* Whose Bitbucket token is this: whoami for the name, then the user of exactly that name. */
#include "services/linker/userinfo.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/api_call.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "services/linker/linker.h"
#include "services/linker/texts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { PAGES_MAX = 5, HEADER_BYTES = 16 * 1024 };

/* One question to Bitbucket with the caller's token. */
struct session {
	struct http_client *client;
	const char *base_url;
	const char *authorization; /* "Authorization: Bearer …" */
	int64_t connect_ms;
	int64_t until_ms; /* on the clock that never steps */
	struct web_reply *reply;
};

static bool refuse(const struct session *session, int status, const char *word, const char *rest)
{
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(LIMIT_NAME_BYTES * 2);
	strbuf_add(&text, word);
	strbuf_add(&text, rest);
	web_reply_json(session->reply, status, json_pack("{s:s}", "error", strbuf_text(&text)));
	LOG_INFO("sign-in refused", LOG_INT("status", status), LOG_TEXT("why", word));
	return false;
}

static bool ask(const struct session *session, const char *path, struct http_result *ret)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	struct err err = {0};
	int64_t left_ms = session->until_ms - sysclock_monotonic_ms();
	strbuf_add(&url, session->base_url);
	strbuf_add(&url, path);
	const struct http_call call = {
		.method = "GET",
		.url = strbuf_text(&url),
		.headers = {"Accept: application/json, text/plain", session->authorization},
		.deadline_ms = left_ms,
		.connect_ms = session->connect_ms,
		.ceiling_bytes = LIMIT_HTTP_RESPONSE_BYTES,
	};
	if (left_ms <= 0) return refuse(session, 504, TEXT_BITBUCKET_TIMEOUT, "");
	if (http_client_send(session->client, &call, ret, &err)) return true;
	return err.code == ERR_TIMEOUT ? refuse(session, 504, TEXT_BITBUCKET_TIMEOUT, "")
				       : refuse(session, 503, TEXT_BITBUCKET_AWAY, "");
}

/* A name, not a page that somebody put in front of Bitbucket. */
static bool is_name(const char *text)
{
	for (const char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == '<') return false;
	}
	return *text && strlen(text) < LIMIT_NAME_BYTES && text_is_utf8(bytes_text(text));
}

/* The header X-AUSERNAME is not asked: a proxy may have set it. */
static bool read_name(const struct session *session, char **ret)
{
	CLEANUP(http_result_done) struct http_result result = {0};
	if (!ask(session, "/plugins/servlet/applinks/whoami", &result)) return false;
	CLEANUP(mem_free_text) char *name = text_trim(result.body);
	if (result.status != 200 || !is_name(name)) return refuse(session, 401, TEXT_NOT_AUTHENTICATED, "");
	return MOVE(ret, name);
}

/* The entry whose `field` is exactly the name, ASCII case aside; NULL when none is. Borrowed. */
static const json_t *find(const json_t *users, const char *field, const char *name)
{
	for (size_t i = 0; i < json_array_size(users); i++) {
		const json_t *user = json_array_get(users, i);
		if (text_equal_nocase(json_text_at(user, field), name)) return user;
	}
	return NULL;
}

static bool read_page(const struct session *session, const char *name, int64_t start, json_t **ret)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(http_result_done) struct http_result result = {0};
	char status[16];
	api_path(&path, "/rest/api/latest/users?filter=%s&limit=1000", name);
	if (start > 0) strbuf_addf(&path, "&start=%lld", (long long)start);
	if (!ask(session, strbuf_text(&path), &result)) return false;
	(void)snprintf(status, sizeof(status), "%d", result.status);
	if (result.status != 200)
		return refuse(session, result.status >= 400 ? result.status : 502, TEXT_BITBUCKET_ERROR, status);
	return json_read(bytes_of(result.body, result.body_len), LIMIT_HTTP_RESPONSE_BYTES, LIMIT_JSON_DEPTH, ret, NULL) ||
	       refuse(session, 502, TEXT_BITBUCKET_ERROR, status);
}

static void answer(const struct session *session, const json_t *user, const char *name)
{
	char id[LIMIT_ID_BYTES];
	bool has_id = json_id_at(user, "id", id, sizeof(id));
	web_reply_json(session->reply, 200,
		       json_pack("{s:s, s:s?, s:s?, s:s?}", "sub", has_id ? id : name, "preferred_username",
				 json_text_at(user, "name"), "name", json_text_at(user, "displayName"), "email",
				 json_text_at(user, "emailAddress")));
}

/* A name on any page goes before a slug: one person's slug may be another's name. */
static void find_user(const struct session *session, const char *name)
{
	json_auto_t *by_slug = NULL;
	int64_t start = 0;
	for (int i = 0; i < PAGES_MAX && start >= 0; i++) {
		json_auto_t *page = NULL;
		if (!read_page(session, name, start, &page)) return;
		const json_t *users = json_at(page, "values");
		const json_t *user = find(users, "name", name);
		if (user) {
			answer(session, user, name);
			return;
		}
		if (!by_slug) by_slug = json_deep_copy(find(users, "slug", name));
		start = json_bool_at(page, "isLastPage", true) ? -1 : json_int_at(page, "nextPageStart", -1);
	}
	if (by_slug)
		answer(session, by_slug, name);
	else
		(void)refuse(session, 404, TEXT_USER_NOT_FOUND, name);
}

void userinfo_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct linker *linker = context;
	const char *sent = web_header(request, "Authorization");
	const char *base_url = config_text(linker->config, "BITBUCKET_DATA_CENTER_HOST");
	CLEANUP(strbuf_wipe) struct strbuf authorization = strbuf_of(HEADER_BYTES);
	CLEANUP(mem_free_text) char *name = NULL;
	struct session session = {.reply = reply, .base_url = base_url};
	if (!sent || !text_starts_nocase(sent, "Bearer ") || !sent[strspn(sent + 7, " ") + 7]) {
		(void)refuse(&session, 401, TEXT_MISSING_TOKEN, "");
		return;
	}
	strbuf_addf(&authorization, "Authorization: Bearer %s", sent + 7);
	session.client = peer_client_for(linker->peers, base_url);
	session.authorization = strbuf_text(&authorization);
	session.connect_ms = config_int(linker->config, "BITBUCKET_DC_CONNECT_TIMEOUT") * 1000;
	session.until_ms = sysclock_monotonic_ms() + config_int(linker->config, "BITBUCKET_DC_USERINFO_TIMEOUT") * 1000;
	if (read_name(&session, &name)) find_user(&session, name);
}
