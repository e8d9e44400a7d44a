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
#include "services/installer/jira_hooks.h"
#include "services/installer/texts.h"
#include "services/installer/workspace_find.h"
#include "services/installer/workspace_input.h"

#include <string.h>

#include "common/base/banned.h"

enum { BORROW_MS = 5000 };

/* ---- the way in --------------------------------------------------------------------------------------------------- */

typedef void run_fn(const struct installer *installer, const struct web_request *request, const struct caller *caller,
		    const json_t *body, struct web_reply *reply);

/* With `is_lenient` a body that is no JSON object counts as an empty one. */
static void admit(const struct installer *installer, const struct web_request *request, bool is_lenient, run_fn *run,
		  struct web_reply *reply)
{
	CLEANUP(caller_done) struct caller caller = {0};
	json_auto_t *body = NULL;
	struct err err = {0};
	if (!web_is_same_origin(request, installer->origin)) {
		web_reply_detail(reply, 403, "%s", TEXT_OTHER_SITE);
		return;
	}
	if (!callers_find(installer->callers, request, &caller, reply)) return;
	if (!web_json(request, &body, &err)) {
		if (!is_lenient) {
			web_reply_detail(reply, 422, "%s", err.message);
			return;
		}
		body = json_object();
	}
	run(installer, request, &caller, body, reply);
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

/* The connection at what was typed; else `reply` is a 404 with `unknown`, or a failure of ours. */
static bool find_place(const struct installer *installer, const struct workspace_name *place, const char *sentence,
		       struct connection_row *ret, struct web_reply *reply)
{
	struct err err = {0};
	if (connection_named(&installer->connections, place, ret, &err)) return true;
	if (err.code != ERR_NOT_FOUND) workspace_fail(reply, sentence, &err);
	return false;
}

void workspaces_status_run(const struct installer *installer, UNUSED const struct web_request *request,
			   const struct caller *caller, const json_t *body, struct web_reply *reply)
{
	CLEANUP(workspace_name_done) struct workspace_name place = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	const json_t *wanted = json_object_get(body, "is_active");
	bool is_on = json_is_true(wanted);
	const struct workspace_change change = {.action = is_on ? "connection.resume" : "connection.pause"};
	struct err err = {0};
	if (!workspace_has_user(caller, reply) || !workspace_input_place(installer->config, body, &place, reply))
		return;
	if (!json_is_boolean(wanted)) {
		web_reply_detail(reply, 422, "is_active must be true or false");
		return;
	}
	web_reply_detail(reply, 404, TEXT_JIRA_UNKNOWN, place.name);
	if (!find_place(installer, &place, TEXT_JIRA_STATUS_FAILED, &row, reply) ||
	    !workspace_may_edit(installer, caller, &row, reply))
		return;
	if (is_on != connection_row_is_on(&row)) mem_set(&row.status, is_on ? "active" : "paused");
	if (!workspace_store(installer, caller, &row, &change, &err)) {
		workspace_fail(reply, TEXT_JIRA_STATUS_FAILED, &err);
		return;
	}
	LOG_INFO("a connection was switched", LOG_INT("connection_id", row.id), LOG_TEXT("status", row.status));
	web_reply_json(reply, 200, json_pack("{s:b, s:s}", "success", 1, "status", is_on ? "active" : "inactive"));
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
	if (connection_first_active(&installer->connections, &row, &err)) {
		if (workspace_is_visible(&row, &caller)) host = workspace_name_of(row.base_url);
	} else if (err.code != ERR_NOT_FOUND) {
		workspace_fail(reply, TEXT_JIRA_VALIDATE_FAILED, &err);
		return;
	}
	web_reply_json(reply, 200, json_pack("{s:b, s:s?}", "configured", host != NULL, "host", host));
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
	if (!connection_row_is_on(&row)) {
		web_reply_detail(reply, 404, TEXT_JIRA_NAME_INACTIVE, place.name);
		return;
	}
	web_reply_json(
		reply, 200,
		json_pack("{s:s, s:s, s:s}", "name", place.name, "status", "active", "message", TEXT_JIRA_NAME_ACTIVE));
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
	if (link_of_user(installer->pool, caller->user_id, 0, &link, err))
		return connection_of_instance(&installer->connections, link.instance_id, ret, err) ||
		       (err->code == ERR_NOT_FOUND && err_set(err, ERR_NOT_FOUND, "%s", TEXT_JIRA_NO_CONNECTION));
	if (err->code != ERR_NOT_FOUND) return false;
	return connection_of_owner(&installer->connections, caller->user_id, ret, err) ||
	       (err->code == ERR_NOT_FOUND && err_set(err, ERR_NOT_FOUND, "%s", TEXT_JIRA_NOT_LINKED));
}

static void refuse_unlink(struct web_reply *reply, const struct err *err)
{
	if (err->code == ERR_NOT_FOUND || err->code == ERR_AUTH)
		web_reply_detail(reply, err->code == ERR_AUTH ? 403 : 404, "%s", err->message);
	else
		workspace_fail(reply, TEXT_JIRA_UNLINK_FAILED, err);
}

/* Best effort, with a token for this request alone. */
static bool remove_hook(const struct installer *installer, const struct connection_row *row, const struct secret *token,
			struct err *err)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	CLEANUP(mem_free_text) char *url = connection_events_url(installer->origin, PROVIDER_JIRA, row->id);
	bot_server_init(&server, installer->config, peer_client_for(installer->peers, row->base_url), PROVIDER_JIRA,
			row->base_url);
	bot_server_use(&server, token);
	return jira_hooks_remove(&server, url, err);
}

/* The owner's way: hook, connection, all links. */
static bool end_connection(const struct installer *installer, const struct caller *caller, struct connection_row *row,
			   const struct secret *token, bool *ret_removed, struct err *ret_why, struct err *err)
{
	const struct workspace_change change = {.action = "connection.unlink", .ends_links = true};
	*ret_removed = secret_is_set(token) && remove_hook(installer, row, token, ret_why);
	if (*ret_removed) mem_set(&row->hook_id, NULL);
	mem_set(&row->hook_error, ret_why->code == ERR_NONE ? NULL : ret_why->message);
	mem_set(&row->status, "paused");
	return workspace_store(installer, caller, row, &change, err);
}

static bool end_link(const struct installer *installer, const struct caller *caller, const struct connection_row *row,
		     struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(installer->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       link_drop(db, row->instance_id, caller->user_id, err) && db_commit(db, err);
}

void workspaces_unlink_run(const struct installer *installer, UNUSED const struct web_request *request,
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
		return;
	if (!find_own(installer, caller, &named, &row, &err)) {
		refuse_unlink(reply, &err);
		return;
	}
	bool is_owner = workspace_is_owner(caller, &row);
	if (!(is_owner ? end_connection(installer, caller, &row, &token, &is_removed, &why, &err)
		       : end_link(installer, caller, &row, &err))) {
		workspace_fail(reply, TEXT_JIRA_UNLINK_FAILED, &err);
		return;
	}
	LOG_INFO("a Jira was disconnected", LOG_INT("connection_id", row.id),
		 LOG_TEXT("by", is_owner ? "owner" : "member"), LOG_TEXT("webhook", is_removed ? "deleted" : "kept"));
	web_reply_json(reply, 200,
		       json_pack("{s:b, s:b, s:s*}", "success", 1, "webhookRemoved", is_removed, "error",
				 why.code == ERR_NONE ? NULL : why.message));
}
