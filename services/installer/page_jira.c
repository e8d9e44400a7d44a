/* Jira's pages: each form becomes the call that OHE's own screen would make. */
#include "services/installer/page_jira.h"

#include <string.h>

#include "common/base/json_field.h"
#include "common/base/text.h"
#include "common/connect/connection_store.h"
#include "services/installer/page_health.h"
#include "services/installer/workspaces.h"

#include "common/base/banned.h"

#define JIRA "/integration/dc/jira"

void page_jira(struct page *page)
{
	const struct config *config = page->installer->config;
	bool is_by_hand = text_equal_nocase(json_text_at(page->data, "typed.mode"), "manual");
	json_object_update_new(page->data, json_pack("{s:b, s:s*, s:s*, s:s, s:b}", "is_oauth",
						     config_bool(config, "JIRA_DC_ENABLE_OAUTH"), "base_url",
						     config_text(config, "JIRA_DC_BASE_URL"), "managed_email",
						     config_text(config, "JIRA_DC_SERVICE_ACCOUNT_EMAIL"),
						     "events_page", JIRA "/webhook", "by_hand", is_by_hand));
	page_connections(page, "jira", true);
}

/* Whether the page was opened by the person: by no other site's link or picture, not as a picture of ours, not ahead of time. */
static bool is_opened_on_purpose(const struct page *page)
{
	const char *kind = web_header(page->request, "Sec-Fetch-Dest");
	return !web_header(page->request, "Sec-Purpose") && (!kind || strcmp(kind, "document") == 0) &&
	       web_is_same_origin(page->request, page->installer->origin);
}

/* The secret of a pending connection, once. */
static void show_secret(struct page *page, int64_t id)
{
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(secret_done) struct secret secret = {0};
	CLEANUP(db_return) struct db *db = NULL;
	struct err err = {0};
	if (!connection_read(&page->installer->connections, PROVIDER_JIRA, id, &row, &err) ||
	    !db_borrow(page->installer->pool, 2000, &db, &err) || !db_begin(db, &err) ||
	    !connection_secret_show(db, page->installer->keys, &row, &secret, &err) || !db_commit(db, &err))
		return;
	json_object_set_new(page->data, "secret", json_string(secret.text));
}

void page_jira_webhook(struct page *page)
{
	page_own_jira(page);
	const json_t *connection = json_object_get(page->data, "connection");
	if (!json_bool_at(connection, "waits_for_hook", false) || json_bool_at(connection, "is_secret_shown", true))
		return;
	if (is_opened_on_purpose(page))
		show_secret(page, json_int_at(connection, "id", 0));
	else
		json_object_set_new(page->data, "can_show", json_true());
}

/* What the endpoint is sent: the server as typed, else the configured one. */
static json_t *workspace(const struct page *page)
{
	json_t *host = page_field(page, "host");
	if (json_string_length(host) == 0) {
		const char *base_url = config_text(page->installer->config, "JIRA_DC_BASE_URL");
		json_string_set(host, base_url ? base_url : "");
	}
	return json_pack("{s:o}", "workspace_name", host);
}

/* Send it; false: the answer is made (a failure on the page, or the way to Jira). */
static bool save(struct page *page, json_t *input)
{
	json_auto_t *answer = NULL;
	bool is_automatic = json_object_get(input, "admin_api_key");
	bool is_saved = page_run(page, workspaces_save_run, input, &answer);
	bool is_failed = is_saved && is_automatic && !json_bool_at(answer, "webhookEnrolled", true);
	const char *url = json_text_at(answer, "authorizationUrl");
	if (is_failed)
		page_fail(page, "The webhook could not be created in Jira.", json_text_at(answer, "error"), NULL);
	if (!text_is_empty(url)) {
		json_put_text(page->data, "url", url);
		page_say(page, 200, "Continue in Jira", "jira_continue.html");
		return false;
	}
	if (!is_saved || is_failed) page_show(page, page->reply->status, JIRA);
	return is_saved && !is_failed;
}

/* A field that may be left empty; whether it was not. */
static bool put_given(const struct page *page, const char *field, json_t *input, const char *key)
{
	json_auto_t *text = page_field(page, field);
	bool is_given = json_string_length(text) > 0;
	if (is_given) json_object_set(input, key, text);
	return is_given;
}

/* The administrator's token; whether there is one. */
static bool put_admin(const struct page *page, json_t *input)
{
	return put_given(page, "admin_pat", input, "admin_api_key");
}

void page_jira_save(struct page *page)
{
	bool is_manual = text_equal_nocase(web_form(page->request, "mode"), "manual");
	json_t *input = workspace(page);
	json_object_update_new(
		input, json_pack("{s:o, s:b}", "svc_acc_email", page_field(page, "email"), "is_active", !is_manual));
	(void)put_given(page, "pat", input, "svc_acc_api_key");
	if (!is_manual && !put_admin(page, input)) {
		json_decref(input);
		page_fail(page, "A token of a Jira administrator is needed to create the webhook.",
			  "Paste an administrator's personal access token (PAT), or choose to set "
			  "it up in Jira yourself.",
			  "admin_pat");
		page_show(page, 400, JIRA);
		return;
	}
	if (save(page, input)) page_go(page, is_manual ? JIRA "/webhook" : JIRA "?done=installed");
}

/* With an administrator's token the hook gets the new secret; without, it is shown, to be entered in Jira. */
void page_jira_rotate(struct page *page)
{
	json_t *input = workspace(page);
	bool is_automatic = put_admin(page, input);
	json_object_set_new(input, "rotate_secret", json_true());
	if (save(page, input)) page_go(page, is_automatic ? JIRA "?done=rotated" : JIRA "/webhook");
}

static void run_and_go(struct page *page, workspace_call *run, json_t *input, const char *url)
{
	json_auto_t *answer = NULL;
	if (page_run(page, run, input, &answer))
		page_go(page, url);
	else
		page_show(page, page->reply->status, JIRA);
}

static void set_active(struct page *page, bool is_active, const char *url)
{
	json_t *input = workspace(page);
	json_object_set_new(input, "is_active", json_boolean(is_active));
	run_and_go(page, workspaces_status_run, input, url);
}

void page_jira_pause(struct page *page)
{
	set_active(page, false, JIRA "?done=paused");
}

void page_jira_resume(struct page *page)
{
	bool is_new = text_equal_nocase(web_form(page->request, "from"), "webhook");
	set_active(page, true, is_new ? JIRA "/webhook?done=active" : JIRA "?done=active");
}

void page_jira_remove(struct page *page)
{
	if (!text_equal_nocase(web_form(page->request, "sure"), "yes")) {
		page_fail(page, "Nothing was removed.",
			  "Tick the box to say that you are sure, then press Remove again.", NULL);
		page_show(page, 400, JIRA);
		return;
	}
	json_t *input = workspace(page);
	(void)put_admin(page, input);
	run_and_go(page, workspaces_unlink_run, input, JIRA "?done=removed");
}
