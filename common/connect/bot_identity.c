/* Two questions to Jira, four to Bitbucket: who is the bot, and which repository is meant. */

#include "common/connect/bot_identity.h"

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/base/url.h"

#include <string.h>

#include "common/base/banned.h"

#define API "/rest/api/latest"

enum { BITBUCKET_DEADLINE_MS = 10000, AUTHORIZATION_BYTES = 16 * 1024 };

/* ---- whose token may go where ----------------------------------------------------------------------------------- */

/* Whether `host` is one of "a,b,c"; entries may carry spaces. */
static bool list_has_host(const char *list, const char *host)
{
	while (list && *list) {
		list += strspn(list, " ,");
		size_t len = strcspn(list, " ,");
		CLEANUP(mem_free_text) char *entry = mem_dup_n(list, len);
		if (text_equal_nocase(entry, host)) return true;
		list += len;
	}
	return false;
}

static bool is_own_url(const struct config *config, const char *name, const char *base_url)
{
	const char *own = config_text(config, name);
	return own && strcmp(own, base_url) == 0;
}

static bool may_have_token(const struct config *config, enum provider provider, const char *base_url)
{
	CLEANUP(url_done) struct url url = {0};
	if (provider == PROVIDER_BITBUCKET)
		return is_own_url(config, "BITBUCKET_DATA_CENTER_HOST", base_url);
	if (is_own_url(config, "JIRA_DC_BASE_URL", base_url)) return true;
	return url_parse(base_url, NULL, &url, NULL) &&
	       list_has_host(config_text(config, "OHDC_JIRA_ALLOWED_HOSTS"), url.host);
}

bool bot_server_open(struct config *config, enum provider provider, const char *base_url,
		     struct bot_server *ret, struct err *err)
{
	bool is_jira = provider == PROVIDER_JIRA;
	*ret = (struct bot_server){.provider = provider, .base_url = base_url};
	ret->deadline_ms = is_jira ? config_int(config, "JIRA_DC_HTTP_TIMEOUT") * 1000
				   : BITBUCKET_DEADLINE_MS;
	if (may_have_token(config, provider, base_url))
		(void)config_secret(config,
				    is_jira ? "JIRA_DC_SERVICE_ACCOUNT_PAT"
					    : "BITBUCKET_DATA_CENTER_BOT_TOKEN",
				    &ret->token);
	struct http_client_options options = {.ca_file = config_text(config, "SSL_CERT_FILE"),
					      .user_agent = "ohdc"};
	return http_client_curl_new(&options, &ret->client, err);
}

void bot_server_done(struct bot_server *server)
{
	if (!server) return;
	http_client_free(server->client);
	secret_done(&server->token);
	*server = (struct bot_server){0};
}

void bot_repository_done(struct bot_repository *repository)
{
	if (!repository) return;
	mem_free(repository->project_key);
	mem_free(repository->slug);
	*repository = (struct bot_repository){0};
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

static void wipe(struct strbuf *buf)
{
	if (buf->text) mem_wipe(buf->text, buf->size);
	strbuf_done(buf);
}

/* Bitbucket's token with a colon is user:token. */
static void authorization(const struct bot_server *server, struct strbuf *ret)
{
	struct bytes token = secret_bytes(&server->token);
	strbuf_init(ret, AUTHORIZATION_BYTES);
	if (server->provider == PROVIDER_BITBUCKET && memchr(token.ptr, ':', token.len)) {
		strbuf_add(ret, "Authorization: Basic ");
		encode_base64(ret, token);
		return;
	}
	strbuf_add(ret, "Authorization: Bearer ");
	strbuf_add_bytes(ret, token);
}

/* One GET of JSON; `ret_body` is a new reference, `ret_user` (may be NULL) the header that names the token's owner, new. */
static bool get(const struct bot_server *server, const char *path, char **ret_user,
		json_t **ret_body, struct err *err)
{
	CLEANUP(http_result_done) struct http_result result = {0};
	CLEANUP(strbuf_done) struct strbuf url = {0};
	CLEANUP(wipe) struct strbuf header = {0};
	strbuf_init(&url, LIMIT_URL_BYTES);
	strbuf_addf(&url, "%s%s", server->base_url, path);
	authorization(server, &header);
	struct http_call call = {
		.method = "GET",
		.url = strbuf_text(&url),
		.headers = {"Accept: application/json", strbuf_text(&header)},
		.deadline_ms = server->deadline_ms,
		.ceiling_bytes = LIMIT_HTTP_RESPONSE_BYTES,
	};
	if (!http_client_send(server->client, &call, &result, err) ||
	    !http_result_ok(&call, &result, err))
		return err_wrap(err, "%s", server->base_url);
	if (!json_read(bytes_of(result.body, result.body_len), LIMIT_HTTP_RESPONSE_BYTES,
		       LIMIT_JSON_DEPTH, ret_body, err))
		return err_wrap(err, "answer of %s", strbuf_text(&url));
	if (ret_user) *ret_user = mem_dup(result.user_name);
	return true;
}

static bool read_jira(const struct bot_server *server, struct person *ret, struct err *err)
{
	json_auto_t *body = NULL;
	if (!get(server, "/rest/api/2/myself", NULL, &body, err)) return false;
	if (text_is_empty(json_text_at(body, "key")))
		return err_set(err, ERR_AUTH, "%s does not say whose the token is", server->base_url);
	*ret = person_read(PROVIDER_JIRA, body);
	return true;
}

/* ---- Bitbucket ---------------------------------------------------------------------------------------------------- */

/* New login name of the token's owner: Bitbucket writes it into every answer. */
static bool read_login(const struct bot_server *server, char **ret, struct err *err)
{
	CLEANUP(mem_free_text) char *header = NULL;
	CLEANUP(strbuf_done) struct strbuf name = {0};
	json_auto_t *body = NULL;
	if (!get(server, API "/application-properties", &header, &body, err)) return false;
	strbuf_init(&name, LIMIT_NAME_BYTES);
	if (text_is_empty(header) || strcmp(header, "anonymous") == 0 ||
	    !decode_percent(&name, bytes_text(header)))
		return err_set(err, ERR_AUTH, "%s does not say whose the token is", server->base_url);
	*ret = strbuf_take(&name);
	return true;
}

static char *with_encoded(const char *before, const char *text)
{
	struct strbuf path = {0};
	strbuf_init(&path, LIMIT_URL_BYTES);
	strbuf_add(&path, before);
	encode_percent(&path, bytes_text(text));
	return strbuf_take(&path);
}

static bool is_named(const json_t *user, const char *login)
{
	const char *name = json_text_at(user, "name");
	return name && text_equal_nocase(name, login) && json_at(user, "id");
}

static const json_t *user_named(const json_t *list, const char *login)
{
	const json_t *user;
	size_t i;
	json_array_foreach(list, i, user)
	{
		if (is_named(user, login)) return user;
	}
	return NULL;
}

/* The slug is mostly the login name in lower case; where it is not, the list of users has it. */
static bool read_user(const struct bot_server *server, const char *login, struct person *ret,
		      struct err *err)
{
	CLEANUP(mem_free_text) char *slug = text_lower(login);
	CLEANUP(mem_free_text) char *by_slug = with_encoded(API "/users/", slug);
	CLEANUP(mem_free_text) char *by_text = with_encoded(API "/users?limit=100&filter=", login);
	json_auto_t *body = NULL;
	json_auto_t *page = NULL;
	if (!get(server, by_slug, NULL, &body, err) && err->code != ERR_NOT_FOUND) return false;
	if (!is_named(body, login) && !get(server, by_text, NULL, &page, err)) return false;
	const json_t *user = page ? user_named(json_at(page, "values"), login) : body;
	if (!user)
		return err_set(err, ERR_NOT_FOUND, "%s has no user '%s'", server->base_url, login);
	*ret = person_read(PROVIDER_BITBUCKET, user);
	return true;
}

static bool read_bitbucket(const struct bot_server *server, struct person *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *login = NULL;
	return read_login(server, &login, err) && read_user(server, login, ret, err);
}

bool bot_identity_read(const struct bot_server *server, struct person *ret, struct err *err)
{
	bool is_read = server->provider == PROVIDER_JIRA ? read_jira(server, ret, err)
							 : read_bitbucket(server, ret, err);
	if (!is_read && err->code == ERR_AUTH) return err_wrap(err, "the bot's token is refused");
	return is_read;
}

bool bot_repository_read(const struct bot_server *server, const char *project_key, const char *slug,
			 struct bot_repository *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *project = with_encoded(API "/projects/", project_key);
	CLEANUP(mem_free_text) char *rest = with_encoded("/repos/", slug);
	CLEANUP(strbuf_done) struct strbuf path = {0};
	json_auto_t *body = NULL;
	strbuf_init(&path, LIMIT_URL_BYTES);
	strbuf_addf(&path, "%s%s", project, rest);
	if (!get(server, strbuf_text(&path), NULL, &body, err)) {
		if (err->code == ERR_NOT_FOUND || err->code == ERR_AUTH)
			return err_set(err, ERR_NOT_FOUND,
				       "repository %s/%s is not there or the bot cannot see it",
				       project_key, slug);
		return false;
	}
	int64_t id;
	const char *canonical_slug = json_text_at(body, "slug");
	const char *canonical_key = json_text_at(body, "project.key");
	if (!json_need_int(body, "id", 1, INT64_MAX, &id, err))
		return err_wrap(err, "repository %s/%s", project_key, slug);
	*ret = (struct bot_repository){
		.project_key = mem_dup(canonical_key ? canonical_key : project_key),
		.slug = mem_dup(canonical_slug ? canonical_slug : slug),
		.id = id};
	return true;
}
