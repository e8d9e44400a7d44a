/* marker: the last line by which our comments are found again, and only the last. */
#include "services/dispatcher/marker.h"
#include "tests/unit/check.h"

#include "common/base/attr.h"
#include "common/base/banned.h"

static void test_marker_depends_on_key_and_effect(void)
{
	char a[MARKER_SIZE];
	char b[MARKER_SIZE];
	char c[MARKER_SIZE];
	marker_make(bytes_text("key"), "effect-1", a);
	marker_make(bytes_text("key"), "effect-2", b);
	marker_make(bytes_text("other"), "effect-1", c);
	/* printf 'effect-1' | openssl dgst -sha256 -hmac key */
	CHECK_TEXT("hmac", a, "ohdc-251481689c93b39a");
	CHECK("effect", strcmp(a, b) != 0);
	CHECK("key", strcmp(a, c) != 0);
}

static void test_marker_is_found_only_as_last_line(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		const char *text;
		bool is_ours;
		bool is_last;
	} rows[] = {
		{"jira", PROVIDER_JIRA, "hi\n\n{anchor:ohdc-0123456789abcdef}", true, true},
		{"jira, CR LF and spaces", PROVIDER_JIRA, "hi\r\n\r\n {anchor:ohdc-0123456789abcdef} \r\n", true, true},
		{"jira, nothing else", PROVIDER_JIRA, "{anchor:ohdc-0123456789abcdef}", true, true},
		{"jira, other effect", PROVIDER_JIRA, "{anchor:ohdc-0123456789abcdee}", true, false},
		{"jira, quoted before", PROVIDER_JIRA, "{quote}\n{anchor:ohdc-0123456789abcdef}\n{quote}\nand?", false,
		 false},
		{"jira, in a line", PROVIDER_JIRA, "x {anchor:ohdc-0123456789abcdef}", false, false},
		{"jira, not hex", PROVIDER_JIRA, "{anchor:ohdc-0123456789abcdeg}", false, false},
		{"jira, other anchor", PROVIDER_JIRA, "{anchor:abcd-0123456789abcdef}", false, false},
		{"jira, shorter", PROVIDER_JIRA, "{anchor:ohdc-0123456789abcde}", false, false},
		{"jira, the other's form", PROVIDER_JIRA, "[ohdc]: # (ohdc-0123456789abcdef)", false, false},
		{"bitbucket", PROVIDER_BITBUCKET, "hi\n\n[ohdc]: # (ohdc-0123456789abcdef)", true, true},
		{"bitbucket, upper case", PROVIDER_BITBUCKET, "[ohdc]: # (ohdc-0123456789ABCDEF)", false, false},
		{"empty", PROVIDER_BITBUCKET, "", false, false},
		{"nothing", PROVIDER_BITBUCKET, NULL, false, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(rows[i].name, marker_is_ours(rows[i].provider, rows[i].text) == rows[i].is_ours);
		CHECK(rows[i].name,
		      marker_is_last(rows[i].provider, rows[i].text, "ohdc-0123456789abcdef") == rows[i].is_last);
	}
}

static void test_marker_that_was_added_is_found(void)
{
	static const enum provider providers[] = {PROVIDER_JIRA, PROVIDER_BITBUCKET};
	char marker[MARKER_SIZE];
	marker_make(bytes_text("key"), "effect", marker);
	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		CLEANUP(strbuf_done) struct strbuf text = {0};
		strbuf_init(&text, 1024);
		strbuf_add(&text, "a\nb");
		marker_add(providers[i], marker, &text);
		CHECK(provider_name(providers[i]), marker_is_last(providers[i], strbuf_text(&text), marker));
		CHECK(provider_name(providers[i]), text.len - 3 <= MARKER_LINE_BYTES);
	}
}

void suite_marker(void)
{
	CU_pSuite suite = CU_add_suite("marker", NULL, NULL);
	CU_ADD_TEST(suite, test_marker_depends_on_key_and_effect);
	CU_ADD_TEST(suite, test_marker_is_found_only_as_last_line);
	CU_ADD_TEST(suite, test_marker_that_was_added_is_found);
}
