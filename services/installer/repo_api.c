/* Paths, pages and refusals of Bitbucket's repositories and webhooks. */

#include "services/installer/repo_api.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/ohe_token.h"
#include "common/connect/peer_client.h"
#include "common/io/api_call.h"

#include <string.h>

#include "common/base/banned.h"

#define REST "/rest/api/latest"
#define HOOKS_PER_PAGE "100"
#define REPOSITORIES_PER_PAGE "1000"

enum { DEADLINE_MS = 10000, HOOK_PAGES_MAX = 20 };

bool repo_api_open(const struct installer *installer, const char *user_id, const struct secret *given,
		   struct bot_server *ret, struct err *err)
{
	const char *base_url = config_text(installer->config, "BITBUCKET_DATA_CENTER_HOST");
	CLEANUP(secret_done) struct secret own = {0};
	bool is_given = given && secret_is_set(given);
	struct err why = {0};
	if (!base_url) return err_set(err, ERR_INPUT, "no Bitbucket is configured here (BITBUCKET_DATA_CENTER_HOST)");
	if (is_given || ohe_token_read(peer_client_plain(installer->peers), installer->config, user_id, &own, &why)) {
		installer_server(installer, PROVIDER_BITBUCKET, base_url, is_given ? given : &own, ret);
		return true;
	}
	if (why.code != ERR_INPUT && why.code != ERR_NOT_FOUND)
		return err_set(err, why.code, "your Bitbucket sign-in cannot be read: %s", why.message);
	return err_set(err, ERR_AUTH, "%s give a token of a repository admin at %s/integration/dc/repositories",
		       why.code == ERR_INPUT ? "your Bitbucket sign-in cannot be used here "
					       "(JWT_SECRET is not set):"
					     : "you have not signed in with Bitbucket: do so once, or",
		       installer->origin);
}

void repo_token_set(struct secret *ret, const char *given)
{
	if (!text_is_empty(given)) secret_set(ret, given, strlen(given));
}

/* Bitbucket names the token's owner in an answer that everybody gets. */
static bool is_token_good(const struct bot_server *server)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	return bot_server_get(server, REST "/application-properties", &answer, NULL) && !text_is_empty(answer.user_name);
}

/* Say whose refusal it is; false. */
static bool refuse(const struct bot_server *server, struct err *failure, struct err *err)
{
	if (failure->http_status == 401 && is_token_good(server)) {
		failure->http_status = 403;
	} else if (failure->code == ERR_AUTH && failure->http_status != 403) {
		err_fill(failure, ERR_AUTH,
			 "Bitbucket does not accept the token: sign in with Bitbucket again, or "
			 "give another one");
		failure->http_status = 401;
	} else if (failure->http_status == 0 || failure->http_status >= 500) {
		(void)bot_server_explain(server, failure);
	}
	return api_call_settle(false, failure, err);
}

static bool get(const struct bot_server *server, const char *path, struct api_answer *ret, struct err *err)
{
	struct err failure = {0};
	return bot_server_get(server, path, ret, &failure) || refuse(server, &failure, err);
}

/* ---- repositories ------------------------------------------------------------------------------------------------- */

bool repo_api_read(const struct bot_server *server, const char *project_key, const char *slug,
		   struct bot_repository *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	int64_t id;
	api_path(&path, REST "/projects/%s/repos/%s", project_key, slug);
	if (!get(server, strbuf_text(&path), &answer, err)) return false;
	/* Dots lead to the project above, whose number is perhaps another repository's. */
	if (!json_text_at(answer.json, "slug")) {
		err_fill(err, ERR_NOT_FOUND, "Bitbucket has no repository %s/%s", project_key, slug);
		if (err) err->http_status = 404;
		return false;
	}
	if (!json_need_int(answer.json, "id", 1, UINT32_MAX, &id, err)) return err_wrap(err, "Bitbucket's repository");
	*ret = (struct bot_repository){.project_key = api_text(answer.json, "project.key", LIMIT_ID_BYTES, project_key),
				       .slug = api_text(answer.json, "slug", LIMIT_ID_BYTES, slug),
				       .id = id};
	return true;
}

bool repo_api_list(const struct bot_server *server, int64_t *start, struct repo_set *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const json_t *repo;
	size_t i;
	api_path(&path, REST "/repos?permission=REPO_ADMIN&limit=" REPOSITORIES_PER_PAGE "&start=");
	strbuf_addf(&path, "%lld", (long long)*start);
	if (!get(server, strbuf_text(&path), &answer, err)) return false;
	json_array_foreach(json_at(answer.json, "values"), i, repo)
	{
		repo_set_add(ret, json_int_at(repo, "id", 0), json_text_at(repo, "project.key"),
			     json_text_at(repo, "slug"));
	}
	if (!api_next_page(answer.json, start)) *start = -1;
	return true;
}

/* ---- webhooks ----------------------------------------------------------------------------------------------------- */

/* Path of a repository's webhooks, or of one of them. */
static void hook_path(const struct bot_repository *name, const char *hook_id, struct strbuf *ret)
{
	api_path(ret, REST "/projects/%s/repos/%s/webhooks", name->project_key, name->slug);
	if (hook_id) api_path_add(ret, "/%s", hook_id);
}

bool repo_api_hooks(const struct bot_server *server, const struct bot_repository *name, json_t **ret, struct err *err)
{
	json_auto_t *hooks = json_array();
	int64_t start = 0;
	bool has_more = true;
	for (int i = 0; i < HOOK_PAGES_MAX && has_more; i++) {
		CLEANUP(strbuf_done) struct strbuf path = {0};
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		hook_path(name, NULL, &path);
		strbuf_addf(&path, "?limit=" HOOKS_PER_PAGE "&start=%lld", (long long)start);
		if (!get(server, strbuf_text(&path), &answer, err)) return false;
		if (json_array_extend(hooks, json_at(answer.json, "values")) < 0)
			return err_set(err, ERR_INTERNAL, "Bitbucket sent no list of webhooks");
		has_more = api_next_page(answer.json, &start);
	}
	*ret = json_incref(hooks);
	return true;
}

/* Change a webhook: `call` has all but the path. One that is gone is as good as deleted. */
static bool change_hook(const struct bot_server *server, const struct bot_repository *name, const char *hook_id,
			struct api_call call, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct err failure = {0};
	hook_path(name, hook_id, &path);
	call.path = strbuf_text(&path);
	return bot_server_call(server, &call, false, &answer, &failure) ||
	       (!call.body && failure.code == ERR_NOT_FOUND) || refuse(server, &failure, err);
}

bool repo_api_put_hook(const struct bot_server *server, const struct bot_repository *name, const char *hook_id,
		       const json_t *hook, struct err *err)
{
	static const struct call_gate once = {.deadline_ms = DEADLINE_MS};
	const struct api_call call = {.method = hook_id ? "PUT" : "POST", .body = hook, .gate = &once};
	return change_hook(server, name, hook_id, call, err);
}

bool repo_api_delete_hook(const struct bot_server *server, const struct bot_repository *name, const char *hook_id,
			  struct err *err)
{
	return change_hook(server, name, hook_id, (struct api_call){.method = "DELETE"}, err);
}
