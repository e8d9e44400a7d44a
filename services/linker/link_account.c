/* Shows and changes the caller's own link; forms come back with a token. */

#include "services/linker/link_account.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/connect/form_token.h"
#include "common/io/log.h"
#include "common/io/pages.h"
#include "common/io/sysclock.h"
#include "services/linker/link_page.h"
#include "services/linker/link_start.h"
#include "services/linker/link_view.h"
#include "services/linker/texts.h"

#include <string.h>

#include "common/base/banned.h"

static void fail(const struct linker *linker, struct web_reply *reply, const struct err *err)
{
	log_err("account page failed", err);
	link_page_refuse(linker, reply, 500, TEXT_LINK_FAILED,
			 err->code == ERR_INPUT ? err->message : "Try again in a moment.");
}

/* What the last form did, by the word in ?done=. */
static void add_done(const struct web_request *request, json_t *data)
{
	static const char *const words[][2] = {
		{"linked", "Your Jira account is linked."},
		{"unlinked", "Your Jira account is disconnected."},
		{"cancelled", "Nothing was linked."},
	};
	const char *done = web_query(request, "done");
	for (size_t i = 0; done && i < ARRAY_LEN(words); i++) {
		if (strcmp(done, words[i][0]) == 0) json_object_set_new(data, "done", json_string(words[i][1]));
	}
}

static bool describe(const struct linker *linker, const struct caller *caller, json_t *data, struct err *err)
{
	CLEANUP(mem_free_text) char *account = NULL;
	enum link_view view;
	json_t *link = NULL;
	json_t *servers = NULL;
	int64_t instance_id = 0;
	char token[FORM_TOKEN_SIZE];
	if (!link_view_read(linker, caller, &view, &link, &account, &instance_id, err) ||
	    !link_view_servers(linker, &servers, err)) {
		json_decref(link);
		return false;
	}
	form_token_make(linker->keys, caller->user_id, sysclock_now_ms(), token);
	json_object_update_new(data, json_pack("{s:s, s:b, s:b, s:o, s:o*, s:s*, s:s}", "form_token", token, "is_oauth",
					       link_is_oauth(linker), "is_admin", caller_may(caller, CALLER_CONNECTS),
					       "servers", servers, "link", link, "account", account, "email",
					       caller->email ? caller->email : ""));
	const char *status = json_text_at(link, "workspace.status");
	if (status && strcmp(status, "inactive") == 0) json_object_set_new(data, "is_paused", json_true());
	/* By e-mail there is nothing to link a second time. */
	if (link && !link_is_oauth(linker)) json_object_set_new(data, "is_matched", json_true());
	return true;
}

void link_account_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct linker *linker = context;
	CLEANUP(caller_done) struct caller caller = {0};
	struct err err = {0};
	if (!link_page_caller(linker, request, reply, NULL, &caller)) return;
	json_t *data = link_page_data(linker, "Your Jira account", &caller);
	if (!describe(linker, &caller, data, &err)) {
		json_decref(data);
		fail(linker, reply, &err);
		return;
	}
	add_done(request, data);
	pages_reply(reply, 200, "link_account.html", data);
}

/* The connection that the form names, when it can be linked to. */
static bool find_connection(const struct linker *linker, const struct web_request *request, struct connection_row *ret,
			    struct err *err)
{
	const char *own = config_text(linker->config, "JIRA_DC_BASE_URL");
	const char *text = web_form(request, "connection");
	int64_t id = 0;
	if (!number_parse(text ? text : "", 1, INT64_MAX, &id, err) ||
	    !connection_read(&linker->connection_store, PROVIDER_JIRA, id, ret, err))
		return false;
	return (connection_row_is_on(ret) && (!own || strcmp(own, ret->base_url) == 0)) ||
	       err_set(err, ERR_NOT_FOUND, "the connection is paused, or to another Jira");
}

void link_account_begin(void *context, const struct web_request *request, struct web_reply *reply)
{
	struct linker *linker = context;
	CLEANUP(caller_done) struct caller caller = {0};
	CLEANUP(connection_row_done) struct connection_row connection = {0};
	CLEANUP(mem_free_text) char *url = NULL;
	struct err err = {0};
	if (!link_page_caller(linker, request, reply, NULL, &caller) ||
	    !link_page_is_ours(linker, request, &caller, reply))
		return;
	if (!find_connection(linker, request, &connection, &err)) {
		link_page_refuse(linker, reply, 404, "This Jira cannot be linked to at present.",
				 "Its connection is paused or was removed. Ask an admin.");
		return;
	}
	if (!link_start(linker, &caller, &connection, LINK_PAGE_PATH "?done=linked", request, reply, &url, &err))
		fail(linker, reply, &err);
	else if (url)
		link_page_onward(linker, reply, url);
	else
		web_reply_redirect(reply, LINK_PAGE_PATH "?done=linked");
}

void link_account_unlink(void *context, const struct web_request *request, struct web_reply *reply)
{
	struct linker *linker = context;
	CLEANUP(caller_done) struct caller caller = {0};
	struct err err = {0};
	if (!link_page_caller(linker, request, reply, NULL, &caller) ||
	    !link_page_is_ours(linker, request, &caller, reply))
		return;
	if (link_end(linker, &caller, &err))
		web_reply_redirect(reply, LINK_PAGE_PATH "?done=unlinked");
	else
		fail(linker, reply, &err);
}
