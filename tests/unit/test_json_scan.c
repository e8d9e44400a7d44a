/* json_scan: the grammar, the depth, what needs repair, and the repair. */
#include "common/base/json_scan.h"
#include "common/base/mem.h"
#include "tests/unit/check.h"

#include <jansson.h>

#include "common/base/banned.h"

#define FFFD "\xEF\xBF\xBD"

static void test_json_scan_knows_the_grammar(void)
{
	static const struct {
		const char *text;
		bool is_json;
		size_t depth;
	} rows[] = {
		{"{}", true, 1},
		{" [ ] ", true, 1},
		{"{\"a\":[{\"b\":null},[1,2]],\"c\":true}", true, 3},
		{"[1,\t-0.5e+10 ,\r\n0E1,false]", true, 1},
		{"\"a\\n\\u00e9\\\\\"", true, 0},
		{"-12", true, 0},
		{"[1e-5,1e+5]", true, 1},
		{"1e+-5", false, 0},
		{"{\"a\":1,\"a\":2}", true, 1},
		{"[123456789012345678901234567890,1e999]", true, 1},
		{"", false, 0},
		{"  ", false, 0},
		{"{", false, 1},
		{"[1,]", false, 1},
		{"[,1]", false, 1},
		{"[1 2]", false, 1},
		{"{\"a\"}", false, 1},
		{"{\"a\":}", false, 1},
		{"{\"a\":1,}", false, 1},
		{"{a:1}", false, 1},
		{"{'a':1}", false, 1},
		{"[}", false, 1},
		{"{]", false, 1},
		{"[1}", false, 1},
		{"[1]]", false, 1},
		{"{}{}", false, 1},
		{"01", false, 0},
		{"+1", false, 0},
		{"1.", false, 0},
		{".5", false, 0},
		{"1e", false, 0},
		{"-", false, 0},
		{"NaN", false, 0},
		{"nul", false, 0},
		{"nulll", false, 0},
		{"True", false, 0},
		{"\"a", false, 0},
		{"\"a\\\"", false, 0},
		{"\"\\x\"", false, 0},
		{"\"\\u12\"", false, 0},
		{"\"\\", false, 0},
		{"\"\\ud83d", false, 0},
		{"\"\\ud83d\\", false, 0},
		{"\"\\u12g4\"", false, 0},
		{"\"\t\"", false, 0},
		{"\"\n\"", false, 0},
		{"\xEF\xBB\xBF{}", false, 0},
		{"[1] // note", false, 1},
		{"payload=%7B%7D", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].text);
		void *copy = exact_copy(rows[i].text, len);
		struct json_scan scan = json_scan(bytes_of(copy, len));
		CHECK(rows[i].text, scan.is_json == rows[i].is_json);
		CHECK(rows[i].text, scan.depth == rows[i].depth);
		free(copy);
	}
	CU_ASSERT_FALSE(json_scan(bytes_of("{}\0", 3)).is_json);
	CU_ASSERT_FALSE(json_scan(bytes_of("\"\0\"", 3)).is_json);
	CU_ASSERT_FALSE(json_scan(bytes_of("\"\\\0\"", 4)).is_json);
	CU_ASSERT_EQUAL(json_scan(bytes_text("[1,x]")).end, 3);
}

/* Where the parser does not stop at one of its own limits, both agree on every cut of a text. */
static void test_json_scan_agrees_with_parser(void)
{
	static const char text[] = "{\"a\":[-1.5e3,0,\"x\\u00e9\\ud83d\\ude00\\/\",{}],\"b\":null, "
				   "\"c\":[[true],false]}";
	for (size_t from = 0; from < sizeof(text); from++) {
		for (size_t len = 0; len < sizeof(text) - from; len++) {
			void *copy = exact_copy(text + from, len);
			struct bytes part = bytes_of(copy, len);
			struct json_scan scan = json_scan(part);
			json_t *root = json_loadb(text + from, len, JSON_DECODE_ANY, NULL);
			if (!scan.needs_repair && scan.is_json != (root != NULL))
				check_at(false, __LINE__, __FILE__, text + from, "differs");
			json_decref(root);
			free(copy);
		}
	}
}

static void test_json_scan_survives_any_depth(void)
{
	enum { DEPTH = 200000 };
	char *text = mem_zalloc(2 * DEPTH, 1);
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	struct json_scan scan = json_scan(bytes_of(text, 2 * DEPTH));
	CU_ASSERT_TRUE(scan.is_json);
	CU_ASSERT_EQUAL(scan.depth, DEPTH);
	CU_ASSERT_FALSE(json_scan(bytes_of(text, 2 * DEPTH - 1)).is_json);
	mem_free(text);
}

static void test_json_scan_finds_and_repairs_broken_characters(void)
{
	static const struct {
		const char *text;
		const char *repaired; /* NULL: nothing to do */
	} rows[] = {
		{"[\"\\ud83d\\ude00\"]", NULL},
		{"[\"\\uD83D\\uDE00 \\u0041 \xF0\x9F\x98\x80\"]", NULL},
		{"[\"\\ud800\\udc00\\udbff\\udfff\\ud7ff\\ue000\"]", NULL},
		{"[\"\\\\u0000\\\\ud800\"]", NULL},
		{"[\"\\ud83d\"]", "[\"\\uFFFD\"]"},
		{"[\"\\ude00\"]", "[\"\\uFFFD\"]"},
		{"[\"\\ud83dx\"]", "[\"\\uFFFDx\"]"},
		{"[\"\\ud83d\\n\"]", "[\"\\uFFFD\\n\"]"},
		{"[\"\\ud83d\\ud83d\\ude00\"]", "[\"\\uFFFD\\ud83d\\ude00\"]"},
		{"[\"\\ude00\\ud83d\"]", "[\"\\uFFFD\\uFFFD\"]"},
		{"[\"\\ud83d\\u0041\"]", "[\"\\uFFFD\\u0041\"]"},
		{"[\"a\\u0000b\"]", "[\"a\\uFFFDb\"]"},
		{"[\"\\\\\\u0000\"]", "[\"\\\\\\uFFFD\"]"},
		{"{\"\\u0000\":1}", "{\"\\uFFFD\":1}"},
		{"[\"caf\xE9\"]", "[\"caf" FFFD "\"]"},
		{"[\"\xED\xA0\xBD\"]", "[\"" FFFD FFFD FFFD "\"]"},
		{"[\"\xF0\x9F\x98\\n\xC3\"]", "[\"" FFFD "\\n" FFFD "\"]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf repaired;
		struct json_scan scan = json_scan(bytes_text(rows[i].text));
		strbuf_init(&repaired, 100);
		json_add_repaired(&repaired, bytes_text(rows[i].text));
		CHECK(rows[i].text, scan.is_json);
		CHECK(rows[i].text, scan.needs_repair == (rows[i].repaired != NULL));
		CHECK_TEXT(rows[i].text, strbuf_text(&repaired), rows[i].repaired ? rows[i].repaired : rows[i].text);
	}
}

void suite_json_scan(void)
{
	CU_pSuite suite = CU_add_suite("json_scan", NULL, NULL);
	CU_ADD_TEST(suite, test_json_scan_knows_the_grammar);
	CU_ADD_TEST(suite, test_json_scan_agrees_with_parser);
	CU_ADD_TEST(suite, test_json_scan_survives_any_depth);
	CU_ADD_TEST(suite, test_json_scan_finds_and_repairs_broken_characters);
}
