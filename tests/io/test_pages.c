/* pages: every embedded template, the headers around it, and what is an asset. */
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/pages.h"
#include "common/io/web_parts.h"
#include "tests/unit/check.h"

#include <stdio.h>

#include "common/base/banned.h"

static bool is_template(const char *name)
{
	size_t len = strlen(name);
	return len > 5 && strcmp(name + len - 5, ".html") == 0;
}

static bool has_file(const char *name)
{
	for (size_t i = 0; i < page_file_count; i++) {
		if (strcmp(page_files[i].name, name) == 0) return true;
	}
	return strcmp(name, "page") == 0;
}

/* {{>name}}s are looked up when they are filled; here all of them, also those of rare cases. */
static void test_pages_name_templates_that_exist(void)
{
	for (size_t i = 0; i < page_file_count; i++) {
		for (const char *at = page_files[i].text; (at = strstr(at, "{{>"));) {
			char name[64] = "";
			at += 3;
			(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, "}"), at);
			CHECK(name, has_file(name));
		}
	}
}

static void test_pages_are_well_formed(void)
{
	static const struct template_file nothing = {"page", ""};
	for (size_t i = 0; i < page_file_count; i++) {
		const struct template_file one[] = {page_files[i], nothing};
		const struct template_set set = {one, ARRAY_LEN(one)};
		json_auto_t *data = json_object();
		CLEANUP(strbuf_done) struct strbuf out = strbuf_of(WEB_REPLY_BYTES);
		struct err err = {0};
		if (!is_template(page_files[i].name)) continue;
		/* A template that is not in the set is the only fault there may be. */
		CHECK(page_files[i].name, template_fill(&set, page_files[i].name, data, &out, &err) ||
						  text_starts(err.message, "no template"));
	}
}

static void test_pages_keep_script_and_style_in_files(void)
{
	static const char *const words[] = {"<style",    "style=",      " onclick", " onload",
					    " onsubmit", "javascript:", "<script>"};
	for (size_t i = 0; i < page_file_count; i++) {
		for (size_t j = 0; is_template(page_files[i].name) && j < ARRAY_LEN(words); j++)
			CHECK(page_files[i].name, !strstr(page_files[i].text, words[j]));
	}
}

/* Whether one of the answer's headers is this line. */
static bool has_line(const struct web_reply *reply, const char *line)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		if (strcmp(reply->headers[i], line) == 0) return true;
	}
	return false;
}

static void reply_start(struct web_reply *reply)
{
	*reply = (struct web_reply){.status = 500, .body = strbuf_of(WEB_REPLY_BYTES)};
}

static void test_pages_load_nothing_but_our_own(void)
{
	CLEANUP(web_reply_done) struct web_reply reply;
	reply_start(&reply);
	pages_reply(&reply, 404, "nothing.html", json_pack("{s:s, s:s}", "title", "<b>", "product", "P"));
	CU_ASSERT_EQUAL(reply.status, 404);
	CU_ASSERT_STRING_EQUAL(reply.content_type, "text/html; charset=utf-8");
	CU_ASSERT_TRUE(has_line(&reply,
				"Content-Security-Policy: default-src 'none'; style-src 'self'; script-src 'self'; "
				"img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
				"base-uri 'none'"));
	CU_ASSERT_TRUE(has_line(&reply, "X-Frame-Options: DENY"));
	CU_ASSERT_TRUE(has_line(&reply, "Referrer-Policy: same-origin"));
	CU_ASSERT_PTR_NOT_NULL(strstr(strbuf_text(&reply.body), "<h1>&lt;b&gt;</h1>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(strbuf_text(&reply.body), "\"/integration/dc/assets/"));
}

static void test_pages_without_a_template_are_an_error(void)
{
	CLEANUP(web_reply_done) struct web_reply reply;
	reply_start(&reply);
	pages_reply(&reply, 200, "nobody.html", json_object());
	CU_ASSERT_EQUAL(reply.status, 500);
	CU_ASSERT_PTR_NULL(strstr(strbuf_text(&reply.body), "<html"));
}

static int ask(const char *name, const char *digest, bool *ret_kept)
{
	char piece[128];
	struct web_request request = {.piece = piece};
	CLEANUP(web_reply_done) struct web_reply reply;
	reply_start(&reply);
	(void)snprintf(piece, sizeof(piece), "%s-%s", digest, name);
	pages_asset(NULL, &request, &reply);
	*ret_kept = has_line(&reply, "Cache-Control: public, max-age=31536000, immutable");
	return reply.status;
}

static void test_pages_assets_are_no_templates(void)
{
	bool is_kept = false;
	CU_ASSERT_EQUAL(ask("style.css", pages_digest, &is_kept), 200);
	CU_ASSERT_TRUE(is_kept);
	CU_ASSERT_EQUAL(ask("style.css", "000000000000", &is_kept), 200);
	CU_ASSERT_FALSE(is_kept);
	CU_ASSERT_EQUAL(ask("page.js", pages_digest, &is_kept), 200);
	CU_ASSERT_EQUAL(ask("icon.svg", pages_digest, &is_kept), 200);
	CU_ASSERT_EQUAL(ask("layout.html", pages_digest, &is_kept), 404);
	CU_ASSERT_EQUAL(ask("none.css", pages_digest, &is_kept), 404);
	CU_ASSERT_FALSE(is_kept);
}

void suite_pages(void)
{
	CU_pSuite suite = CU_add_suite("pages", NULL, NULL);
	CU_ADD_TEST(suite, test_pages_name_templates_that_exist);
	CU_ADD_TEST(suite, test_pages_are_well_formed);
	CU_ADD_TEST(suite, test_pages_keep_script_and_style_in_files);
	CU_ADD_TEST(suite, test_pages_load_nothing_but_our_own);
	CU_ADD_TEST(suite, test_pages_without_a_template_are_an_error);
	CU_ADD_TEST(suite, test_pages_assets_are_no_templates);
}
