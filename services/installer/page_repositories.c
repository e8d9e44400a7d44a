/* The page of Bitbucket's repositories: what is listed and installed is done by the endpoints' functions. */
#include "services/installer/page_repositories.h"

#include <string.h>

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/installer/repo_answer.h"
#include "services/installer/repo_api.h"
#include "services/installer/repo_setup.h"

#include "common/base/banned.h"

#define REPOSITORIES "/integration/dc/repositories"
#define NOT_ADMIN "You are no administrator of this repository in Bitbucket."

enum { PAGE_ROWS = 50, START_MAX = 1000000 };

/* The address of the list as it is shown, with `more` behind it. */
static void put_url(const struct page *page, int64_t start, const char *more, struct strbuf *ret)
{
	strbuf_add(ret, REPOSITORIES "?q=");
	encode_percent(ret, bytes_text(page_text(page, "q")));
	strbuf_addf(ret, "&start=%lld%s", (long long)start, more);
}

static void put_link(struct page *page, const char *key, int64_t start)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	put_url(page, start, "", &url);
	json_put_text(page->data, key, strbuf_text(&url));
}

static void read_list(struct page *page, const struct secret *token)
{
	int64_t start = page_number(page, "start", START_MAX);
	const struct repo_part part = {
		.is_page = true, .query = page_text(page, "q"), .start = (size_t)start, .limit = PAGE_ROWS};
	json_auto_t *list = NULL;
	struct err err = {0};
	if (!repo_answer_page(page->installer, &page->caller, token, &part, &list, &err)) {
		json_object_set_new(page->data, "needs_token", json_true());
		json_put_text(page->data, "why", err.message);
		return;
	}
	json_object_update(page->data, list);
	int64_t next = json_int_at(list, "next_start", -1);
	json_put_int(page->data, "first", start + 1);
	json_put_int(page->data, "last", start + (int64_t)json_array_size(json_object_get(list, "resources")));
	if (start > 0) put_link(page, "back_url", start > PAGE_ROWS ? start - PAGE_ROWS : 0);
	if (next >= 0) put_link(page, "next_url", next);
}

void page_repositories(struct page *page)
{
	json_put_text(page->data, "q", page_text(page, "q"));
	json_put_int(page->data, "start", page_number(page, "start", START_MAX));
	json_put_text(page->data, "bitbucket", config_text(page->installer->config, "BITBUCKET_DATA_CENTER_HOST"));
	if (!json_object_get(page->data, "resources") && json_object_get(page->data, "bitbucket"))
		read_list(page, NULL);
}

void page_repository_list(struct page *page)
{
	CLEANUP(secret_done) struct secret token = {0};
	repo_token_set(&token, web_form(page->request, "bitbucket_token"));
	read_list(page, &token);
	page_show(page, 200, REPOSITORIES);
}

/* "KEY/slug" as the buttons send it and as people type it, cut in two. */
static bool read_name(const struct page *page, struct repo_ask *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *name = text_trim(page_text(page, "repository"));
	const char *slash = strchr(name, '/');
	if (!slash || slash == name || slash[1] == '\0' || strchr(slash + 1, '/'))
		return err_set(err, ERR_INPUT, "Write project key and repository with a slash between: PROJ/web-app.");
	ret->project_key = mem_dup_n(name, (size_t)(slash - name));
	ret->repo_slug = mem_dup(slash + 1);
	return true;
}

static void change(struct page *page, enum repo_action action, const char *done)
{
	CLEANUP(repo_result_done) struct repo_result result = {0};
	CLEANUP(repo_ask_done) struct repo_ask ask = {.installer = page->installer, .caller = &page->caller};
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	struct err err = {0};
	repo_token_set(&ask.token, web_form(page->request, "bitbucket_token"));
	if (!read_name(page, &ask, &err) || !repo_change(action, &ask, &result, &err)) {
		page_fail(page, err.http_status == 403 ? NOT_ADMIN : "The webhook was not changed.", err.message,
			  "repository");
		page_show(page, err.http_status == 403 ? 403 : err.code == ERR_INPUT ? 400 : 200, REPOSITORIES);
		return;
	}
	put_url(page, page_number(page, "start", START_MAX), done, &url);
	page_go(page, strbuf_text(&url));
}

void page_repository_install(struct page *page)
{
	change(page, REPO_INSTALL, "&done=installed");
}

void page_repository_uninstall(struct page *page)
{
	change(page, REPO_UNINSTALL, "&done=uninstalled");
}
