/* Reads what OHE's screens send, answers as the contract says. */

#include "services/installer/repo_endpoints.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/io/log.h"
#include "services/installer/installer.h"
#include "services/installer/repo_answer.h"
#include "services/installer/repo_hook.h"
#include "services/installer/repo_setup.h"
#include "services/installer/texts.h"

#include <string.h>

#include "common/base/banned.h"

#define TOKEN_HEADER "X-Bitbucket-Token"

enum { PAGE_USUAL = 50, START_MAX = 1000000 };

/* ---- the list ----------------------------------------------------------------------------------------------------- */

/* A number of the query in [least, most]; `ret` stays when it is absent. */
static bool read_number(const struct web_request *request, const char *name, int64_t least, int64_t most, size_t *ret,
			struct web_reply *reply)
{
	const char *text = web_query(request, name);
	int64_t number;
	if (!text) return true;
	if (!number_parse(text, least, most, &number, NULL))
		return web_reply_detail(reply, 422, "%s is '%.64s'; expected a number from %lld to %lld", name, text,
					(long long)least, (long long)most);
	*ret = (size_t)number;
	return true;
}

static bool read_part(const struct web_request *request, struct repo_part *ret, struct web_reply *reply)
{
	*ret = (struct repo_part){.query = web_query(request, "query"), .limit = PAGE_USUAL};
	ret->is_page = ret->query || web_query(request, "start") || web_query(request, "limit");
	return read_number(request, "start", 0, START_MAX, &ret->start, reply) &&
	       read_number(request, "limit", 1, REPO_PAGE_MAX, &ret->limit, reply);
}

void repo_endpoint_resources(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct installer *installer = context;
	CLEANUP(caller_done) struct caller caller = {0};
	CLEANUP(secret_done) struct secret token = {0};
	struct repo_part part;
	struct err err = {0};
	if (!callers_find(installer->callers, request, &caller, reply) ||
	    !caller_must(&caller, CALLER_MANAGES, reply) || !read_part(request, &part, reply))
		return;
	repo_token_set(&token, web_header(request, TOKEN_HEADER));
	reply->status = 200;
	if (repo_answer_write(installer, &caller, &token, &part, &reply->body, &err)) return;
	strbuf_clear(&reply->body);
	log_err("repositories not shown", &err);
	web_reply_failure(reply, 500, TEXT_REPO_LIST_FAILED, err.message);
}

/* ---- one repository ----------------------------------------------------------------------------------------------- */

/* What the four do; static. */
struct hook_kind {
	enum repo_action action;
	const char *failed; /* said of a failure of ours */
	json_t *(*answer)(const struct repo_result *result);
};

/* A text of the body without spaces around it, new. */
static bool read_text(const json_t *body, const char *path, char **ret, struct web_reply *reply)
{
	const char *text = json_text_at(body, path);
	if (!text || strlen(text) >= LIMIT_ID_BYTES)
		return web_reply_detail(reply, 422, "%s: expected a text of at most %d bytes", path, LIMIT_ID_BYTES - 1);
	*ret = text_trim(text);
	return true;
}

static bool read_body(const json_t *body, bool has_hook_id, struct repo_ask *ret, struct web_reply *reply)
{
	if (!read_text(body, "resource.project_key", &ret->project_key, reply) ||
	    !read_text(body, "resource.repo_slug", &ret->repo_slug, reply) ||
	    (has_hook_id && !read_text(body, "webhook_id", &ret->hook_id, reply)))
		return false;
	return (!text_is_empty(ret->project_key) && !text_is_empty(ret->repo_slug) &&
		(!has_hook_id || !text_is_empty(ret->hook_id))) ||
	       web_reply_detail(reply, 400, has_hook_id ? TEXT_REPO_HOOK_NEEDED : TEXT_REPO_NEEDED);
}

/* Bitbucket's refusals are shown by OHE's screens from a 200; everything else is ours. */
static void refuse(const struct hook_kind *kind, const struct repo_ask *ask, const struct err *err,
		   struct web_reply *reply)
{
	if (err->http_status == 403)
		web_reply_failure(reply, 403, TEXT_REPO_NOT_ADMIN, err->message);
	else if (err->http_status > 0)
		web_reply_json(reply, 200,
			       json_pack("{ss ss sb ss sn sn sn}", "project_key", ask->project_key, "repo_slug",
					 ask->repo_slug, "success", false, "error", err->message, "webhook_id",
					 "connection_id", "webhook_url"));
	else if (err->code == ERR_NOT_FOUND)
		web_reply_detail(reply, 404, TEXT_REPO_NO_CONNECTION);
	else
		web_reply_failure(reply, 500, kind->failed, err->message);
}

static void change(const struct hook_kind *kind, const struct installer *installer, const struct web_request *request,
		   struct web_reply *reply)
{
	CLEANUP(caller_done) struct caller caller = {0};
	CLEANUP(repo_ask_done) struct repo_ask ask = {.installer = installer, .caller = &caller};
	CLEANUP(repo_result_done) struct repo_result result = {0};
	json_auto_t *body = NULL;
	struct err err = {0};
	if (!installer_admit(installer, request, CALLER_MANAGES, &caller, reply) ||
	    !installer_json(request, &body, reply) || !read_body(body, kind->action == REPO_NOTE_HOOK, &ask, reply))
		return;
	repo_token_set(&ask.token, web_header(request, TOKEN_HEADER));
	if (repo_change(kind->action, &ask, &result, &err))
		web_reply_json(reply, 200, kind->answer(&result));
	else
		refuse(kind, &ask, &err, reply);
}

/* ---- the four ----------------------------------------------------------------------------------------------------- */

/* What all answers start with. */
static json_t *answer_short(const struct repo_result *result)
{
	return json_pack("{ss ss sb sn}", "project_key", result->project_key, "repo_slug", result->repo_slug, "success",
			 true, "error");
}

static json_t *answer_change(const struct repo_result *result)
{
	json_t *answer = answer_short(result);
	bool has_row = result->connection_id > 0;
	(void)json_object_update_new(answer, json_pack("{ss? so ss?}", "webhook_id", result->hook_id, "connection_id",
						       has_row ? json_integer(result->connection_id) : json_null(),
						       "webhook_url", result->events_url));
	return answer;
}

/* Made by hand: the one answer that shows the secret. */
static json_t *answer_enroll(const struct repo_result *result)
{
	const struct own_hook own = repo_hook_own(result->events_url, NULL);
	json_t *answer = answer_short(result);
	(void)json_object_update_new(answer,
				     json_pack("{sI ss ss ss so}", "connection_id", (json_int_t)result->connection_id,
					       "webhook_url", result->events_url, "webhook_secret", result->secret.text,
					       "webhook_name", REPO_HOOK_NAME, "events", own_hook_events(&own)));
	return answer;
}

static const struct hook_kind install = {REPO_INSTALL, TEXT_REPO_INSTALL_FAILED, answer_change};
static const struct hook_kind uninstall = {REPO_UNINSTALL, TEXT_REPO_UNINSTALL_FAILED, answer_change};
static const struct hook_kind enroll = {REPO_ENROLL, TEXT_REPO_ENROLL_FAILED, answer_enroll};
static const struct hook_kind note_hook = {REPO_NOTE_HOOK, TEXT_REPO_NOTE_FAILED, answer_short};

void repo_endpoint_install(void *context, const struct web_request *request, struct web_reply *reply)
{
	change(&install, context, request, reply);
}

void repo_endpoint_uninstall(void *context, const struct web_request *request, struct web_reply *reply)
{
	change(&uninstall, context, request, reply);
}

void repo_endpoint_enroll(void *context, const struct web_request *request, struct web_reply *reply)
{
	change(&enroll, context, request, reply);
}

void repo_endpoint_note_hook(void *context, const struct web_request *request, struct web_reply *reply)
{
	change(&note_hook, context, request, reply);
}
