/* Finds the page or form of a path, asks who calls and what they may, and answers with the frame around it. */
#include "services/installer/page.h"

#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/connect/form_token.h"
#include "common/io/log.h"
#include "common/io/pages.h"
#include "common/io/sysclock.h"
#include "services/installer/page_access.h"
#include "services/installer/page_health.h"
#include "services/installer/page_jira.h"
#include "services/installer/page_repositories.h"

#include "common/base/banned.h"

#define HOME "/integration/dc/"

/*
 * Every page and form: `permission` NULL is for everybody who is signed in; `name` says to the layout where one is. What has no
 * `fill` is a form alone, on the page one level up.
 */
static const struct place {
	const char *path;
	const char *permission;
	page_fn *act;
	page_fn *fill;
	const char *name;
	const char *title;
	const char *file;
} places[] = {
	{HOME, NULL, NULL, page_home, "at_home", "Jira and Bitbucket Data Center", "home.html"},
	{HOME "jira", CALLER_CONNECTS, page_jira_save, page_jira, "at_jira", "Jira Data Center", "jira.html"},
	{HOME "jira/webhook", CALLER_CONNECTS, NULL, page_jira_webhook, "at_jira", "Create the webhook in Jira",
	 "jira_webhook.html"},
	{.path = HOME "jira/pause", CALLER_CONNECTS, page_jira_pause},
	{.path = HOME "jira/remove", CALLER_CONNECTS, page_jira_remove},
	{.path = HOME "jira/resume", CALLER_CONNECTS, page_jira_resume},
	{.path = HOME "jira/rotate", CALLER_CONNECTS, page_jira_rotate},
	{HOME "repositories", CALLER_MANAGES, NULL, page_repositories, "at_repositories", "Bitbucket repositories",
	 "repositories.html"},
	{.path = HOME "repositories/install", CALLER_MANAGES, page_repository_install},
	{.path = HOME "repositories/list", CALLER_MANAGES, page_repository_list},
	{.path = HOME "repositories/uninstall", CALLER_MANAGES, page_repository_uninstall},
	{HOME "access", CALLER_CONNECTS, NULL, page_access, "at_access", "Who and what may start work", "access.html"},
	{.path = HOME "access/add", CALLER_CONNECTS, page_access_add},
	{.path = HOME "access/remove", CALLER_CONNECTS, page_access_remove},
	{.path = HOME "access/map", CALLER_CONNECTS, page_access_map},
	{.path = HOME "access/unmap", CALLER_CONNECTS, page_access_unmap},
	{HOME "health", CALLER_MANAGES, NULL, page_health, "at_health", "Connection health", "health.html"},
};

static void wipe_texts(json_t *object)
{
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		if (json_is_string(value))
			mem_wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
	}
}

void page_done(struct page *page)
{
	caller_done(&page->caller);
	wipe_texts(page->data);
	json_decref(page->data);
	*page = (struct page){0};
}

/* Jira's pages and forms are not there where Jira is switched off. */
static bool is_off(const struct page *page, const char *path)
{
	return text_starts(path, HOME "jira") && !config_bool(page->installer->config, "ENABLE_JIRA_DC");
}

static const struct place *find_place(const struct page *page, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (strcmp(places[i].path, path) == 0 && !is_off(page, path)) return &places[i];
	}
	return NULL;
}

/* Templates ask whether a list has anything with has_NAME. */
static void note_lists(json_t *data)
{
	json_auto_t *notes = json_object();
	char name[64];
	const char *key;
	json_t *value;
	json_object_foreach(data, key, value)
	{
		(void)snprintf(name, sizeof(name), "has_%s", key);
		if (json_is_array(value)) json_object_set_new(notes, name, json_boolean(json_array_size(value) > 0));
	}
	json_object_update(data, notes);
}

void page_say(struct page *page, int status, const char *title, const char *file)
{
	const struct config *config = page->installer->config;
	char token[FORM_TOKEN_SIZE];
	note_lists(page->data);
	json_object_update_missing_new(
		page->data, json_pack("{s:s, s:s, s:s, s:s, s:s*, s:b}", "title", title, "product",
				      config_text(config, "OHDC_PRODUCT_NAME"), "label",
				      config_text(config, "OH_RESOLVER_LABEL"), "back", "/settings/integrations",
				      "web_host", page->installer->origin, "no_jira", is_off(page, HOME "jira")));
	if (page->caller.user_id) {
		form_token_make(page->installer->keys, page->caller.user_id, sysclock_now_ms(), token);
		json_object_update_new(page->data,
				       json_pack("{s:s, s:s, s:b, s:b}", "who", page->caller.email, "token", token,
						 "may_connect", caller_may(&page->caller, CALLER_CONNECTS),
						 "may_manage", caller_may(&page->caller, CALLER_MANAGES)));
	}
	pages_reply(page->reply, status, file, json_incref(page->data));
}

void page_show(struct page *page, int status, const char *path)
{
	const struct place *place = find_place(page, path);
	bool may = place && (!place->permission || caller_may(&page->caller, place->permission));
	if (!place) {
		page_say(page, 404, "There is no such page", "nothing.html");
	} else if (!place->fill) {
		/* Who opened the address of a form (after its failure) gets the page that has it. */
		CLEANUP(mem_free_text) char *parent = mem_dup_n(path, (size_t)(strrchr(path, '/') - path));
		page_go(page, parent);
	} else {
		json_object_set_new(page->data, place->name, json_true());
		if (may) place->fill(page);
		page_say(page, status, place->title, may ? place->file : "member.html");
	}
}

/* Who calls; false: the page that says why not is the answer. */
static bool open_page(struct page *page)
{
	page->data = json_object();
	if (callers_find(page->installer->callers, page->request, &page->caller, page->reply)) return true;
	int status = page->reply->status;
	page_say(page, status, status == 401 ? "Please sign in" : "We could not find out who you are",
		 status == 401 ? "signin.html" : "unknown.html");
	return false;
}

void page_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(page_done) struct page page = {.installer = context, .request = request, .reply = reply};
	const char *done = web_query(request, "done");
	if (strcmp(web_path(request), "/integration/dc") == 0) {
		page_go(&page, HOME);
		return;
	}
	if (!open_page(&page)) return;
	if (done) json_object_set_new(page.data, "did", json_pack("{s:b}", done, 1));
	page_show(&page, 200, web_path(request));
}

static const char *const typed_names[] = {"host",       "email", "mode",   "q",    "start",
					  "repository", "kind",  "effect", "value"};

/* What was typed is shown again beside what was wrong with it; credentials are not. */
static void keep_typed(struct page *page)
{
	json_t *typed = json_object();
	for (size_t i = 0; i < ARRAY_LEN(typed_names); i++)
		json_object_set_new(typed, typed_names[i], page_field(page, typed_names[i]));
	json_object_set_new(page->data, "typed", typed);
}

void page_post(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(page_done) struct page page = {.installer = context, .request = request, .reply = reply};
	const struct crypto_keyring *keys = page.installer->keys;
	if (!open_page(&page)) return;
	if (!web_is_same_origin(request, page.installer->origin) ||
	    !form_token_is_good(keys, page.caller.user_id, sysclock_now_ms(), web_form(request, "token"))) {
		page_say(&page, 403, "Please open the page again", "stale.html");
		return;
	}
	keep_typed(&page);
	const struct place *place = find_place(&page, web_path(request));
	if (!place || !place->act)
		page_say(&page, 404, "There is no such page", "nothing.html");
	else if (caller_may(&page.caller, place->permission))
		place->act(&page);
	else
		page_say(&page, 403, "You need an administrator for this", "member.html");
}

void page_go(struct page *page, const char *url)
{
	web_reply_redirect(page->reply, url);
	page->reply->status = 303;
}

void page_fail(struct page *page, const char *what, const char *why, const char *field)
{
	json_put_text(page->data, "failure", what);
	json_put_text(page->data, "reason", why);
	if (field) json_object_set_new(page->data, "wrong", json_pack("{s:s}", field, why ? why : what));
}

/* Words in an endpoint's refusal, and the field of our forms they are about. */
static const struct {
	const char *word;
	const char *field;
} field_words[] = {
	{"admin_api_key", "admin_pat"}, {"admin PAT", "admin_pat"},  {"svc_acc_api_key", "pat"},
	{"service account PAT", "pat"}, {"svc_acc_email", "email"},  {"service account email", "email"},
	{"workspace", "host"},          {"repo_slug", "repository"},
};

/* The field that a refusal is about; NULL: none, or it cannot be told. */
static const char *field_of(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(field_words); i++) {
		if (text_find_nocase(text, field_words[i].word)) return field_words[i].field;
	}
	return NULL;
}

bool page_run(struct page *page, workspace_call *run, json_t *input, json_t **ret)
{
	bool is_done = run(page->installer, page->request, &page->caller, input, page->reply);
	wipe_texts(input);
	json_decref(input);
	json_auto_t *answer = json_loads(strbuf_text(&page->reply->body), 0, NULL);
	if (is_done) return MOVE(ret, answer);
	const char *detail = json_text_at(answer, "detail");
	const char *error = json_text_at(answer, "error");
	const char *field = field_of(detail);
	/* The contract names its own fields; beside ours the reason says it better. */
	page_fail(page, field && error ? "Nothing was saved." : detail, error, field);
	return false;
}

const char *page_text(const struct page *page, const char *name)
{
	const char *typed = web_form(page->request, name);
	const char *text = typed ? typed : web_query(page->request, name);
	return text ? text : "";
}

int64_t page_number(const struct page *page, const char *name, int64_t most)
{
	int64_t number = 0;
	return number_parse(page_text(page, name), 0, most, &number, NULL) ? number : 0;
}

json_t *page_field(const struct page *page, const char *name)
{
	const char *value = web_form(page->request, name);
	CLEANUP(mem_free_text) char *text = text_trim(value ? value : "");
	return json_string(text);
}

void page_query(struct page *page, const char *key, const char *sql, const struct db_params *params)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	struct err err = {0};
	if (!db_query(page->installer->pool, sql, params, &rows, &err)) {
		log_err("a page cannot be filled", &err);
		page_fail(page, "The database does not answer just now.", "Please try again in a minute.", NULL);
		return;
	}
	json_object_set_new(page->data, key, json_loads(db_text(&rows, 0, 0), 0, NULL));
}
