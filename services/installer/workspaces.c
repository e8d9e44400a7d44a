/* Status, validation and removal of Jira connections, and the way in for all calls about them. */

#include "services/installer/workspaces.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/bot_identity.h"
#include "common/connect/link_store.h"
#include "common/connect/peer_client.h"
#include "common/domain/workspace_name.h"
#include "common/io/log.h"
#include "services/installer/connection_change.h"
#include "services/installer/jira_hooks.h"
#include "services/installer/texts.h"
#include "services/installer/workspace_find.h"
#include "services/installer/workspace_input.h"

#include <string.h>

#include "common/base/banned.h"

enum { BORROW_MS = 5000 };

/* ---- the way in --------------------------------------------------------------------------------------------------- */

/* With `is_lenient` there may be no body. */
static void admit(const struct installer *installer, const struct web_request *request, bool is_lenient,
		  workspace_call *run, struct web_reply *reply)
{
	CLEANUP(caller_done) struct caller caller = {0};
	json_auto_t *body = NULL;
	if (installer_admit(installer, request, NULL, &caller, reply) &&
	    (installer_json(request, &body, reply) || is_lenient))
		(void)run(installer, request, &caller, body, reply);
}

void workspaces_save(void *context, const struct web_request *request, struct web_reply *reply)
{
	admit(context, request, false, workspaces_save_run, reply);
}

void workspaces_set_status(void *context, const struct web_request *request, struct web_reply *reply)
{
	admit(context, request, false, workspaces_status_run, reply);
}

void workspaces_unlink(void *context, const struct web_request *request, struct web_reply *reply)
{
	admit(context, request, true, workspaces_unlink_run, reply);
}

/* ---- pause and resume --------------------------------------------------------------------------------------------- */

/* The connection at what was typed; else `reply` stays as it is, or says a failure of ours. */
static bool find_place(const struct installer *installer, const struct workspace_name *place, const char *sentence,
		       struct connection_row *ret, struct web_reply *reply)
{
	struct err err = {0};
	return connection_named(&installer->connections, place, ret, &err) ||
	       (err.code != ERR_NOT_FOUND && workspace_fail(reply, sentence, &err));
}

/* Out of shadow a connection comes by the take-over alone: after a pause nobody would know that it was in it. */
static bool may_switch(const struct installer *installer, const struct caller *caller, struct connection_row *row,
		       bool is_on, struct web_reply *reply)
{
	return workspace_may_edit(installer, caller, row, reply) &&
	       (is_on || strcmp(row->status, "shadow") != 0 || web_reply_detail(reply, 409, TEXT_IN_SHADOW));
}

bool workspaces_status_run(const struct installer *installer, UNUSED const struct web_request *request,
			   const struct caller *caller, const json_t *body, struct web_reply *reply)
{
	CLEANUP(workspace_name_done) struct workspace_name place = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	const json_t *wanted = json_object_get(body, "is_active");
	bool is_on = json_is_true(wanted);
	const struct connection_change change = {.action = is_on ? "connection.resume" : "connection.pause"};
	struct err err = {0};
	if (!workspace_has_user(caller, reply) || !workspace_input_place(installer->config, body, &place, reply))
		return false;
	if (!json_is_boolean(wanted)) return web_reply_detail(reply, 422, "is_active must be true or false");
	web_reply_detail(reply, 404, TEXT_JIRA_UNKNOWN, place.name);
	if (!find_place(installer, &place, TEXT_JIRA_STATUS_FAILED, &row, reply) ||
	    !may_switch(installer, caller, &row, is_on, reply))
		return false;
	if (is_on != connection_row_is_on(&row)) mem_set(&row.status, is_on ? "active" : "paused");
	if (!connection_change_store(installer, caller, &row, &change, &err))
		return workspace_fail(reply, TEXT_JIRA_STATUS_FAILED, &err);
	LOG_INFO("a connection was switched", LOG_INT("connection_id", row.id), LOG_TEXT("status", row.status));
	web_reply_json(reply, 200, json_pack("{s:b, s:s}", "success", 1, "status", is_on ? "active" : "inactive"));
	return true;
}

/* ---- what is there ------------------------------------------------------------------------------------------------ */

void workspaces_get_status(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct installer *installer = context;
	CLEANUP(caller_done) struct caller caller = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(mem_free_text) char *host = NULL;
	struct err err = {0};
	if (!callers_find(installer->callers, request, &caller, reply)) return;
	bool is_there = connection_first_active(&installer->connections, &row, &err);
	if (is_there && workspace_is_visible(&row, &caller)) host = workspace_name_of(row.base_url);
	if (is_there || err.code == ERR_NOT_FOUND)
		web_reply_json(reply, 200, json_pack("{s:b, s:s?}", "configured", host != NULL, "host", host));
	else
		workspace_fail(reply, TEXT_JIRA_VALIDATE_FAILED, &err);
}

void workspaces_validate(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct installer *installer = context;
	CLEANUP(caller_done) struct caller caller = {0};
	CLEANUP(workspace_name_done) struct workspace_name place = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	json_auto_t *body = json_pack("{s:s}", "workspace_name", web_piece(request));
	if (!callers_find(installer->callers, request, &caller, reply)) return;
	if (!workspace_input_place(installer->config, body, &place, reply)) {
		reply->status = 400;
		return;
	}
	web_reply_detail(reply, 404, TEXT_JIRA_NAME_UNKNOWN, place.name);
	if (!find_place(installer, &place, TEXT_JIRA_VALIDATE_FAILED, &row, reply)) return;
	if (connection_row_is_on(&row))
		web_reply_json(reply, 200,
			       json_pack("{s:s, s:s, s:s}", "name", place.name, "status", "active", "message",
					 TEXT_JIRA_NAME_ACTIVE));
	else
		web_reply_detail(reply, 404, TEXT_JIRA_NAME_INACTIVE, place.name);
}

/* ---- remove ------------------------------------------------------------------------------------------------------- */

/* The named connection (our pages); else the one the caller is linked to, else one that is theirs though they never
 * linked an account. */
static bool find_own(const struct installer *installer, const struct caller *caller, const struct workspace_name *named,
		     struct connection_row *ret, struct err *err)
{
	CLEANUP(link_done) struct link link = {0};
	if (named->name) {
		if (!connection_named(&installer->connections, named, ret, err))
			return err->code == ERR_NOT_FOUND && err_set(err, ERR_NOT_FOUND, TEXT_JIRA_UNKNOWN, named->name);
		return workspace_is_owner(caller, ret) || err_set(err, ERR_AUTH, "%s", TEXT_JIRA_NOT_OWNER);
	}
	bool is_linked = link_of_user(installer->pool, caller->user_id, 0, &link, err);
	if (!is_linked && err->code != ERR_NOT_FOUND) return false;
	if (is_linked ? connection_of_instance(&installer->connections, link.instance_id, ret, err)
		      : connection_of_owner(&installer->connections, caller->user_id, ret, err))
		return true;
	return err->code == ERR_NOT_FOUND &&
	       err_set(err, ERR_NOT_FOUND, "%s", is_linked ? TEXT_JIRA_NO_CONNECTION : TEXT_JIRA_NOT_LINKED);
}

static bool refuse_unlink(struct web_reply *reply, const struct err *err)
{
	if (err->code != ERR_NOT_FOUND && err->code != ERR_AUTH)
		return workspace_fail(reply, TEXT_JIRA_UNLINK_FAILED, err);
	return web_reply_detail(reply, err->code == ERR_AUTH ? 403 : 404, "%s", err->message);
}

/* Best effort, with a token for this request alone. */
static bool remove_hook(const struct installer *installer, const struct connection_row *row, const struct secret *token,
			struct err *err)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	CLEANUP(mem_free_text) char *url = connection_events_url(installer->origin, PROVIDER_JIRA, row->id);
	installer_server(installer, PROVIDER_JIRA, row->base_url, token, &server);
	return jira_hooks_remove(&server, url, err);
}

/* The owner's way: hook, connection, all links. */
static bool end_connection(const struct installer *installer, const struct caller *caller, struct connection_row *row,
			   const struct secret *token, bool *ret_removed, struct err *ret_why, struct err *err)
{
	const struct connection_change change = {.action = "connection.unlink", .ends_links = true};
	*ret_removed = secret_is_set(token) && remove_hook(installer, row, token, ret_why);
	if (*ret_removed) mem_set(&row->hook_id, NULL);
	mem_set(&row->hook_error, ret_why->code == ERR_NONE ? NULL : ret_why->message);
	mem_set(&row->status, "paused");
	return connection_change_store(installer, caller, row, &change, err);
}

static bool end_link(const struct installer *installer, const struct caller *caller, const struct connection_row *row,
		     struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(installer->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       link_drop(db, row->instance_id, caller->user_id, err) && db_commit(db, err);
}

bool workspaces_unlink_run(const struct installer *installer, UNUSED const struct web_request *request,
			   const struct caller *caller, const json_t *body, struct web_reply *reply)
{
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(secret_done) struct secret token = {0};
	CLEANUP(workspace_name_done) struct workspace_name named = {0};
	bool is_removed = false;
	struct err why = {0};
	struct err err = {0};
	if (!workspace_has_user(caller, reply) || !workspace_input_admin(body, &token, reply) ||
	    (json_object_get(body, "workspace_name") && !workspace_input_place(installer->config, body, &named, reply)))
		return false;
	if (!find_own(installer, caller, &named, &row, &err)) return refuse_unlink(reply, &err);
	bool is_owner = workspace_is_owner(caller, &row);
	if (!(is_owner ? end_connection(installer, caller, &row, &token, &is_removed, &why, &err)
		       : end_link(installer, caller, &row, &err)))
		return workspace_fail(reply, TEXT_JIRA_UNLINK_FAILED, &err);
	LOG_INFO("a Jira was disconnected", LOG_INT("connection_id", row.id),
		 LOG_TEXT("by", is_owner ? "owner" : "member"), LOG_TEXT("webhook", is_removed ? "deleted" : "kept"));
	web_reply_json(reply, 200,
		       json_pack("{s:b, s:b, s:s*}", "success", 1, "webhookRemoved", is_removed, "error",
				 why.code == ERR_NONE ? NULL : why.message));
	return true;
}
