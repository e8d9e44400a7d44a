/* Paths, pages and refusals of Bitbucket's repositories and webhooks. */

#include "services/installer/repo_api.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/api_call.h"

#include <string.h>

#include "common/base/banned.h"

#define REST "/rest/api/latest"
#define HOOKS_PER_PAGE "100"
#define REPOSITORIES_PER_PAGE "1000"

enum { DEADLINE_MS = 12000, HOOK_PAGES_MAX = 20 };

void repo_name_done(struct repo_name *name)
{
	if (!name) return;
	mem_free(name->project_key);
	mem_free(name->slug);
	*name = (struct repo_name){0};
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

static bool send(const struct repo_api *api, const struct api_call *call, bool need_json,
		 struct api_answer *ret, struct err *err)
{
	const struct api_peer peer = {api->client, api->base_url, "Bitbucket", DEADLINE_MS};
	struct api_call authorised = *call;

	authorised.auth_name = "Authorization";
	authorised.auth_prefix = "Bearer ";
	authorised.auth = api->token;
	authorised.extra_header = "X-Atlassian-Token: no-check";
	return api_call_send(&peer, &authorised, need_json, ret, err);
}

/* Bitbucket names the token's owner in an answer that everybody gets. */
static bool is_token_good(const struct repo_api *api)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const struct api_call call = {.method = "GET", .path = REST "/application-properties"};

	return send(api, &call, false, &answer, NULL) && !text_is_empty(answer.user_name) &&
	       strcmp(answer.user_name, "anonymous") != 0;
}

static bool ask(const struct repo_api *api, const struct api_call *call, bool need_json,
		struct api_answer *ret, struct err *err)
{
	struct err failure = {0};

	if (send(api, call, need_json, ret, &failure)) return true;
	if (failure.http_status == 401 && is_token_good(api)) {
		failure.http_status = 403;
	} else if (failure.http_status == 401) {
		err_fill(&failure, ERR_AUTH,
			 "Bitbucket does not accept the token: sign in with Bitbucket again, or "
			 "give "
			 "another one");
		failure.http_status = 401;
	}
	return api_call_settle(false, &failure, err);
}

static bool get(const struct repo_api *api, const char *path, struct api_answer *ret, struct err *err)
{
	const struct api_call call = {.method = "GET", .path = path};

	return ask(api, &call, true, ret, err);
}

/* ---- repositories ------------------------------------------------------------------------------------------------- */

bool repo_api_read(const struct repo_api *api, const char *project_key, const char *slug,
		   struct repo_name *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	int64_t id;

	api_path(&path, REST "/projects/%s/repos/%s", project_key, slug);
	if (!get(api, strbuf_text(&path), &answer, err)) return false;
	if (!json_need_int(answer.json, "id", 1, UINT32_MAX, &id, err))
		return err_wrap(err, "Bitbucket's repository");
	*ret = (struct repo_name){
		.project_key = api_text(answer.json, "project.key", LIMIT_ID_BYTES, project_key),
		.slug = api_text(answer.json, "slug", LIMIT_ID_BYTES, slug),
		.id = id};
	return true;
}

bool repo_api_list(const struct repo_api *api, int64_t *start, struct repo_set *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const json_t *repo;
	size_t i;

	api_path(&path, REST "/repos?permission=REPO_ADMIN&limit=" REPOSITORIES_PER_PAGE "&start=");
	strbuf_addf(&path, "%lld", (long long)*start);
	if (!get(api, strbuf_text(&path), &answer, err)) return false;
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
static void hook_path(const struct repo_name *name, int64_t hook_id, struct strbuf *ret)
{
	api_path(ret, REST "/projects/%s/repos/%s/webhooks", name->project_key, name->slug);
	if (hook_id > 0) strbuf_addf(ret, "/%lld", (long long)hook_id);
}

bool repo_api_hooks(const struct repo_api *api, const struct repo_name *name, json_t **ret,
		    struct err *err)
{
	json_auto_t *hooks = json_array();
	int64_t start = 0;
	bool has_more = true;

	for (int i = 0; i < HOOK_PAGES_MAX && has_more; i++) {
		CLEANUP(strbuf_done) struct strbuf path = {0};
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		hook_path(name, 0, &path);
		strbuf_addf(&path, "?limit=" HOOKS_PER_PAGE "&start=%lld", (long long)start);
		if (!get(api, strbuf_text(&path), &answer, err)) return false;
		if (json_array_extend(hooks, json_at(answer.json, "values")) < 0)
			return err_set(err, ERR_INTERNAL, "Bitbucket sent no list of webhooks");
		has_more = api_next_page(answer.json, &start);
	}
	*ret = json_incref(hooks);
	return true;
}

bool repo_api_put_hook(const struct repo_api *api, const struct repo_name *name, int64_t hook_id,
		       const json_t *hook, struct err *err)
{
	static const struct call_gate once = {.deadline_ms = DEADLINE_MS};
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};

	hook_path(name, hook_id, &path);
	const struct api_call call = {.method = hook_id > 0 ? "PUT" : "POST",
				      .path = strbuf_text(&path),
				      .body = hook,
				      .gate = &once};
	return ask(api, &call, false, &answer, err);
}

bool repo_api_delete_hook(const struct repo_api *api, const struct repo_name *name, int64_t hook_id,
			  struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct err failure = {0};

	hook_path(name, hook_id, &path);
	const struct api_call call = {.method = "DELETE", .path = strbuf_text(&path)};
	bool is_gone = ask(api, &call, false, &answer, &failure) || failure.code == ERR_NOT_FOUND;
	return api_call_settle(is_gone, &failure, err);
}
