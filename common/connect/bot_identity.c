/* Three questions to Jira, four to Bitbucket: can it sign, who is the token's owner, and which repository is meant. */

#include "common/connect/bot_identity.h"

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/connect/peer_client.h"

#include <string.h>

#include "common/base/banned.h"

#define API "/rest/api/latest"

enum { BITBUCKET_DEADLINE_MS = 10000 };

void bot_server_init(struct bot_server *ret, const struct config *config, struct http_client *client,
		     enum provider provider, const char *base_url)
{
	*ret = (struct bot_server){.provider = provider,
				   .base_url = base_url,
				   .client = client,
				   .auth_prefix = "Bearer ",
				   .deadline_ms = provider == PROVIDER_JIRA
							  ? config_int(config, "JIRA_DC_HTTP_TIMEOUT") * 1000
							  : BITBUCKET_DEADLINE_MS};
}

/* Bitbucket's token with a colon is user:token. */
void bot_server_use(struct bot_server *server, const struct secret *token)
{
	CLEANUP(strbuf_wipe) struct strbuf basic = strbuf_of(2 * LIMIT_SETTING_BYTES);
	bool is_pair = server->provider == PROVIDER_BITBUCKET && secret_is_set(token) &&
		       memchr(token->text, ':', token->len);
	if (is_pair) encode_base64(&basic, secret_bytes(token));
	server->auth_prefix = is_pair ? "Basic " : "Bearer ";
	secret_set(&server->token, is_pair ? basic.text : token->text, is_pair ? basic.len : token->len);
}

bool bot_server_use_configured(struct bot_server *server, struct config *config)
{
	CLEANUP(secret_done) struct secret token = {0};
	if (!peer_is_own(config, server->provider, server->base_url) ||
	    !config_secret(config,
			   server->provider == PROVIDER_JIRA ? "JIRA_DC_SERVICE_ACCOUNT_PAT"
							     : "BITBUCKET_DATA_CENTER_BOT_TOKEN",
			   &token))
		return false;
	bot_server_use(server, &token);
	return true;
}

void bot_server_done(struct bot_server *server)
{
	if (!server) return;
	secret_done(&server->token);
	*server = (struct bot_server){0};
}

void bot_repository_done(struct bot_repository *repository)
{
	if (!repository) return;
	MEM_FREE_ALL(repository->project_key, repository->slug);
	*repository = (struct bot_repository){0};
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

bool bot_server_call(const struct bot_server *server, const struct api_call *call, bool need_json,
		     struct api_answer *ret, struct err *err)
{
	const char *name = server->provider == PROVIDER_JIRA ? "Jira" : "Bitbucket";
	const struct api_peer peer = {server->client, server->base_url, name, server->deadline_ms};
	struct api_call authorised = *call;
	authorised.auth_name = "Authorization";
	authorised.auth_prefix = server->auth_prefix;
	authorised.auth = &server->token;
	authorised.extra_header = "X-Atlassian-Token: no-check";
	return api_call_send(&peer, &authorised, need_json, ret, err);
}

static bool get(const struct bot_server *server, const char *path, struct api_answer *ret, struct err *err)
{
	return bot_server_call(server, &(struct api_call){.method = "GET", .path = path}, true, ret, err);
}

/* A wrong token on a server that is open to everybody is taken for nobody's. */
bool bot_server_get(const struct bot_server *server, const char *path, struct api_answer *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	if (!get(server, path, &answer, err)) return false;
	if (answer.user_name && strcmp(answer.user_name, "anonymous") == 0)
		return err_set(err, ERR_AUTH, "%s treats the token as anonymous", server->base_url);
	return MOVE(ret, answer);
}

bool bot_server_explain(const struct bot_server *server, struct err *err)
{
	bool is_unreachable = err->http_status == 0 && err->code != ERR_INTERNAL;
	const char *what = text_find_nocase(err->message, "certificate problem")
				   ? "its certificate is not trusted here, add its issuer to SSL_CERT_FILE"
			   : is_unreachable ? "it cannot be reached from here, check the address and the network"
			   : err->http_status >= 500
				   ? "it is not available just now"
				   : "something else answers there, check host, port and context path";
	return err_wrap(err, "%s at %s: %s", server->provider == PROVIDER_JIRA ? "Jira" : "Bitbucket", server->base_url,
			what);
}

bool bot_server_can_sign(const struct bot_server *server, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	if (!get(server, "/rest/api/2/serverInfo", &answer, err)) return bot_server_explain(server, err);
	const char *version = json_text_at(answer.json, "version");
	const char *kind = json_text_at(answer.json, "deploymentType");
	if (!version) return err_set(err, ERR_INPUT, "%s does not say which version of Jira it is", server->base_url);
	if (kind && strcmp(kind, "Cloud") == 0)
		return err_set(err, ERR_INPUT, "%s is Jira Cloud, not Jira Data Center", server->base_url);
	/* 10 or newer: two digits before the first dot. */
	if (strspn(version, "0123456789") > 1) return true;
	return err_set(err, ERR_INPUT, "Jira %.40s cannot sign its webhooks: Jira Data Center 10 or newer is needed",
		       version);
}

static bool read_jira(const struct bot_server *server, struct person *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	if (!bot_server_get(server, "/rest/api/2/myself", &answer, err)) return false;
	if (text_is_empty(json_text_at(answer.json, "key")))
		return err_set(err, ERR_AUTH, "%s does not say whose the token is", server->base_url);
	*ret = person_read(PROVIDER_JIRA, answer.json);
	return true;
}

/* ---- Bitbucket ---------------------------------------------------------------------------------------------------- */

/* New login name of the token's owner: Bitbucket writes it into every answer. */
static bool read_login(const struct bot_server *server, char **ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	CLEANUP(strbuf_done) struct strbuf name = strbuf_of(LIMIT_NAME_BYTES);
	if (!bot_server_get(server, API "/application-properties", &answer, err)) return false;
	if (text_is_empty(answer.user_name) || !decode_percent(&name, bytes_text(answer.user_name)))
		return err_set(err, ERR_AUTH, "%s does not say whose the token is", server->base_url);
	*ret = strbuf_take(&name);
	return true;
}

static bool is_named(const json_t *user, const char *login)
{
	return text_equal_nocase(json_text_at(user, "name"), login) && json_at(user, "id");
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
static bool read_user(const struct bot_server *server, const char *login, struct person *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *slug = text_lower(login);
	CLEANUP(strbuf_done) struct strbuf by_slug = {0};
	CLEANUP(strbuf_done) struct strbuf by_text = {0};
	CLEANUP(api_answer_done) struct api_answer one = {0};
	CLEANUP(api_answer_done) struct api_answer page = {0};
	api_path(&by_slug, API "/users/%s", slug);
	api_path(&by_text, API "/users?limit=100&filter=%s", login);
	if (!bot_server_get(server, strbuf_text(&by_slug), &one, err) && err->code != ERR_NOT_FOUND) return false;
	if (!is_named(one.json, login) && !bot_server_get(server, strbuf_text(&by_text), &page, err)) return false;
	const json_t *user = page.json ? user_named(json_at(page.json, "values"), login) : one.json;
	if (!user) return err_set(err, ERR_NOT_FOUND, "%s has no user '%s'", server->base_url, login);
	*ret = person_read(PROVIDER_BITBUCKET, user);
	return true;
}

bool bot_identity_read(const struct bot_server *server, struct person *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *login = NULL;
	bool is_read = server->provider == PROVIDER_JIRA
			       ? read_jira(server, ret, err)
			       : read_login(server, &login, err) && read_user(server, login, ret, err);
	if (!is_read && err->code == ERR_AUTH)
		return err_wrap(err, "the bot's token is refused, it may be mistyped or expired");
	return is_read;
}

bool bot_repository_read(const struct bot_server *server, const char *project_key, const char *slug,
			 struct bot_repository *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	api_path(&path, API "/projects/%s/repos/%s", project_key, slug);
	if (!bot_server_get(server, strbuf_text(&path), &answer, err)) {
		if (err->code == ERR_NOT_FOUND || err->code == ERR_AUTH)
			return err_set(err, ERR_NOT_FOUND, "repository %s/%s is not there or the bot cannot see it",
				       project_key, slug);
		return false;
	}
	int64_t id;
	if (!json_need_int(answer.json, "id", 1, INT64_MAX, &id, err))
		return err_wrap(err, "repository %s/%s", project_key, slug);
	*ret = (struct bot_repository){.project_key = api_text(answer.json, "project.key", LIMIT_ID_BYTES, project_key),
				       .slug = api_text(answer.json, "slug", LIMIT_ID_BYTES, slug),
				       .id = id};
	return true;
}
