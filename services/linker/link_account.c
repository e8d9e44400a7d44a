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

/* What the last form did, by the word in ?done=. */
static const char *const done_words[][2] = {
	{"linked", "Your Jira account is linked."},
	{"unlinked", "Your Jira account is disconnected."},
	{"cancelled", "Nothing was linked."},
};

static void fail(const struct visit *visit, const struct err *err)
{
	log_err("account page failed", err);
	(void)link_page_refuse(visit, 500, TEXT_LINK_FAILED,
			       err->code == ERR_INPUT ? err->message : "Try again in a moment.");
}

static const char *done(const struct web_request *request)
{
	const char *word = web_query(request, "done");
	for (size_t i = 0; word && i < ARRAY_LEN(done_words); i++) {
		if (strcmp(word, done_words[i][0]) == 0) return done_words[i][1];
	}
	return NULL;
}

static bool describe(const struct visit *visit, json_t **ret, struct err *err)
{
	const struct linker *linker = visit->linker;
	const struct caller *caller = &visit->caller;
	CLEANUP(mem_free_text) char *account = NULL;
	enum link_view view;
	json_auto_t *link = NULL;
	json_auto_t *servers = NULL;
	char token[FORM_TOKEN_SIZE];
	if (!link_view_read(linker, caller, &view, &link, &account, err) || !link_view_servers(linker, &servers, err))
		return false;
	const char *status = json_text_at(link, "workspace.status");
	bool is_oauth = link_is_oauth(linker);
	form_token_make(linker->keys, caller->user_id, sysclock_now_ms(), token);
	*ret = link_page_data(linker, "Your Jira account", caller);
	/* By e-mail there is nothing to link a second time. */
	json_object_update_new(*ret, json_pack("{s:s, s:b, s:b, s:b, s:b, s:O, s:O*, s:s*, s:s, s:s*}", "form_token",
					       token, "is_oauth", is_oauth, "is_matched", link && !is_oauth,
					       "is_paused", status && strcmp(status, "inactive") == 0, "is_admin",
					       caller_may(caller, CALLER_CONNECTS), "servers", servers, "link", link,
					       "account", account, "email", caller->email, "done", done(visit->request)));
	return true;
}

void link_account_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(visit_done) struct visit visit = {context, request, reply, {0}};
	json_t *data;
	struct err err = {0};
	if (!link_page_caller(&visit, NULL)) return;
	if (describe(&visit, &data, &err))
		pages_reply(reply, 200, "link_account.html", data);
	else
		fail(&visit, &err);
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
	CLEANUP(visit_done) struct visit visit = {context, request, reply, {0}};
	CLEANUP(connection_row_done) struct connection_row connection = {0};
	CLEANUP(mem_free_text) char *url = NULL;
	struct err err = {0};
	if (!link_page_caller(&visit, NULL) || !link_page_is_ours(&visit)) return;
	if (!find_connection(visit.linker, request, &connection, &err))
		(void)link_page_refuse(&visit, 404, "This Jira cannot be linked to at present.",
				       "Its connection is paused or was removed. Ask an admin.");
	else if (!link_start(&visit, &connection, LINK_PAGE_PATH "?done=linked", &url, &err))
		fail(&visit, &err);
	else if (url)
		link_page_onward(&visit, url);
	else
		web_reply_redirect(reply, LINK_PAGE_PATH "?done=linked");
}

void link_account_unlink(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(visit_done) struct visit visit = {context, request, reply, {0}};
	struct err err = {0};
	if (!link_page_caller(&visit, NULL) || !link_page_is_ours(&visit)) return;
	if (link_end(visit.linker, &visit.caller, &err))
		web_reply_redirect(reply, LINK_PAGE_PATH "?done=unlinked");
	else
		fail(&visit, &err);
}
