/* The contract's two calls about a link. */

#include "services/linker/link_api.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/workspace_name.h"
#include "common/io/log.h"
#include "services/linker/link_page.h"
#include "services/linker/link_start.h"
#include "services/linker/link_view.h"
#include "services/linker/texts.h"

#include "common/base/banned.h"

#define LANDING "/settings/integrations"

/* Why there is no answer about a link. */
static const char *const refusals[] = {
	[LINK_VIEW_NONE] = TEXT_NOT_LINKED,
	[LINK_VIEW_ELSEWHERE] = TEXT_NOT_LINKED_HERE,
	[LINK_VIEW_BARE] = TEXT_NO_WORKSPACE,
	[LINK_VIEW_LINKED] = NULL,
};

/* Our inner reasons go to the log; a setting that is missing is said. */
static void fail(struct web_reply *reply, const char *sentence, const struct err *err)
{
	log_err("link request failed", err);
	web_reply_failure(reply, 500, sentence, err->code == ERR_INPUT ? err->message : NULL);
}

void link_api_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct linker *linker = context;
	CLEANUP(caller_done) struct caller caller = {0};
	CLEANUP(mem_free_text) char *account = NULL;
	enum link_view view;
	json_auto_t *json = NULL;
	struct err err = {0};
	if (!callers_find(linker->callers, request, &caller, reply)) return;
	if (!link_view_read(linker, &caller, &view, &json, &account, &err))
		fail(reply, TEXT_READ_FAILED, &err);
	else if (refusals[view])
		web_reply_detail(reply, 404, "%s", refusals[view]);
	else
		web_reply_json(reply, 200, json_incref(json));
}

/* The Jira that was meant; else `reply` is the refusal. */
static bool read_name(const struct linker *linker, const struct web_request *request, struct workspace_name *ret,
		      struct web_reply *reply)
{
	json_auto_t *body = NULL;
	const char *typed = NULL;
	struct err err = {0};
	if (!web_json(request, &body, &err) || !json_need_text(body, "workspace_name", LIMIT_NAME_BYTES, &typed, &err))
		web_reply_detail(reply, 422, "%s", err.message);
	else if (workspace_name_read(typed, config_text(linker->config, "JIRA_DC_BASE_URL"), ret, &err))
		return true;
	else if (err.code == ERR_CONFLICT)
		web_reply_failure(reply, 400, TEXT_TARGET_MISMATCH, err.message);
	else
		web_reply_failure(reply, 422, TEXT_BAD_NAME, err.message);
	return false;
}

/* Whether this connection may be linked to; else `reply` is the refusal. */
static bool may_link(const struct linker *linker, const struct caller *caller, const struct workspace_name *name,
		     struct connection_row *ret, struct web_reply *reply)
{
	CLEANUP(link_done) struct link present = {0};
	struct err err = {0};
	bool is_found = connection_named(&linker->connection_store, name, ret, &err);
	if (!is_found && err.code != ERR_NOT_FOUND)
		fail(reply, TEXT_LINK_FAILED, &err);
	else if (!is_found)
		web_reply_detail(reply, 404, TEXT_WORKSPACE_UNKNOWN, name->name);
	else if (!connection_row_is_on(ret))
		web_reply_detail(reply, 400, TEXT_WORKSPACE_INACTIVE, name->name);
	else if (!config_text(linker->config, "JIRA_DC_BASE_URL") &&
		 link_of_user(linker->pool, caller->user_id, 0, &present, &err) &&
		 present.instance_id != ret->instance_id)
		web_reply_detail(reply, 400, TEXT_LINKED_ELSEWHERE);
	else
		return true;
	return false;
}

void link_api_post(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(visit_done) struct visit visit = {context, request, reply, {0}};
	const struct linker *linker = context;
	CLEANUP(workspace_name_done) struct workspace_name name = {0};
	CLEANUP(connection_row_done) struct connection_row connection = {0};
	CLEANUP(mem_free_text) char *url = NULL;
	struct err err = {0};
	if (!web_is_same_origin(request, linker->origin))
		web_reply_detail(reply, 403, TEXT_CROSS_SITE);
	else if (!callers_find(linker->callers, request, &visit.caller, reply) ||
		 !read_name(linker, request, &name, reply) || !may_link(linker, &visit.caller, &name, &connection, reply))
		return;
	else if (!link_start(&visit, &connection, LANDING, &url, &err))
		fail(reply, link_is_oauth(linker) ? TEXT_SESSION_FAILED : TEXT_LINK_FAILED, &err);
	else
		web_reply_json(reply, 200,
			       json_pack("{s:b, s:b, s:s}", "success", 1, "redirect", url != NULL, "authorizationUrl",
					 url ? url : ""));
}
