/* json_field: what is read, what is refused and how, and typed reads by path. */
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define FFFD "\xEF\xBF\xBD"

static bool read_text(const char *text, json_t **ret, struct err *err)
{
	return json_read(bytes_text(text), LIMIT_BODY_BYTES, LIMIT_JSON_DEPTH, ret, err);
}

static void test_json_read_takes_and_repairs(void)
{
	static const struct {
		const char *text;
		const char *compact;
	} rows[] = {
		{"{}", "{}"},
		{" { \"b\" : 1 , \"a\" : [ ] } ", "{\"b\":1,\"a\":[]}"},
		{"[9223372036854775807,-9223372036854775808]", "[9223372036854775807,-9223372036854775808]"},
		{"[\"\\ud83d\\ude00\"]", "[\"\xF0\x9F\x98\x80\"]"},
		{"[\"\\ud83d!\"]", "[\"" FFFD "!\"]"},
		{"[\"a\\u0000b\"]", "[\"a" FFFD "b\"]"},
		{"{\"\\u0000\":\"caf\xE9\"}", "{\"" FFFD "\":\"caf" FFFD "\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		json_auto_t *root = NULL;
		CHECK(rows[i].text, read_text(rows[i].text, &root, &err));
		CHECK_TEXT(rows[i].text, err.message, "");
		CLEANUP(mem_free_text) char *compact = root ? json_compact(root) : NULL;
		CHECK_TEXT(rows[i].text, compact, rows[i].compact);
	}
}

static void test_json_read_refuses(void)
{
	static const struct {
		const char *text;
		bool is_json;
		const char *message; /* its start */
	} rows[] = {
		{"", false, "not JSON at byte 0"},
		{"{\"a\":secret}", false, "not JSON at byte 5"},
		{"\"secret\"", true, "JSON is neither"},
		{"7", true, "JSON is neither"},
		{"{\"secret\":1,\"secret\":2}", true, "JSON has a key twice"},
		{"[{\"a\":{\"x\":1,\"y\":2,\"x\":1}}]", true, "JSON has a key twice"},
		{"{\"\\u0000\":1,\"\\ud800\":2}", true, "JSON has a key twice"},
		{"{\"a\":9223372036854775808}", true, "JSON has a number out of range"},
		{"{\"a\":-9223372036854775809}", true, "JSON has a number out of range"},
		{"{\"a\":1e999}", true, "JSON has a number out of range"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		json_t *root = NULL;
		CHECK(rows[i].text, !read_text(rows[i].text, &root, &err));
		CHECK(rows[i].text, root == NULL && err.code == ERR_INPUT);
		CHECK(err.message, strncmp(err.message, rows[i].message, strlen(rows[i].message)) == 0);
		CHECK(err.message, strstr(err.message, "secret") == NULL);
		CHECK(rows[i].text, json_is_json(bytes_text(rows[i].text)) == rows[i].is_json);
	}
}

static void test_json_read_keeps_size_and_depth(void)
{
	static const char text[] = "[[[[1]]],{\"a\":[]}]";
	struct bytes body = bytes_text(text);
	struct err err = {0};
	json_auto_t *root = NULL;
	CU_ASSERT_FALSE(json_read(body, body.len, 3, &root, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "JSON is 4 levels deep, more than 3");
	CU_ASSERT_FALSE(json_read(body, body.len, -1, &root, &err));
	CU_ASSERT_FALSE(json_read(body, body.len - 1, 4, &root, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "JSON of 18 bytes is longer than 17");
	CU_ASSERT_PTR_NULL(root);
	CU_ASSERT_TRUE(json_read(body, body.len, 4, &root, &err));
	CU_ASSERT_PTR_NOT_NULL(root);
}

/* Deeper than the parser itself would go, also when the caller allows it. */
static void test_json_read_survives_any_depth(void)
{
	enum { DEPTH = 5000 };
	char text[2 * DEPTH];
	struct err err = {0};
	json_t *root = NULL;
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	CU_ASSERT_TRUE(json_is_json(bytes_of(text, sizeof(text))));
	CU_ASSERT_FALSE(json_read(bytes_of(text, sizeof(text)), sizeof(text), 64, &root, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "JSON is 5000 levels deep, more than 64");
	CU_ASSERT_FALSE(json_read(bytes_of(text, sizeof(text)), sizeof(text), DEPTH, &root, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_PTR_NULL(root);
}

static const char sample[] = "{\"pullRequest\":{\"id\":12,\"toRef\":{\"repository\":{\"id\":\"r7\"}},\"open\":true},"
			     "\"none\":null,\"empty\":\"\",\"text\":\"caf\xC3\xA9\",\"half\":0.5,\"list\":[1],\"no\":"
			     "false,"
			     "\"\":{\"\":3}}";

static void test_json_at_walks_objects(void)
{
	json_auto_t *root = NULL;
	CU_ASSERT_TRUE_FATAL(read_text(sample, &root, NULL));
	CU_ASSERT_STRING_EQUAL(json_text_at(root, "pullRequest.toRef.repository.id"), "r7");
	CU_ASSERT_PTR_EQUAL(json_at(root, ""), root);
	CU_ASSERT_TRUE(json_is_array(json_at(root, "list")));
	CU_ASSERT_PTR_NULL(json_at(root, "pullRequest.fromRef.id"));
	CU_ASSERT_PTR_NULL(json_at(root, "pullRequest.id.x"));
	CU_ASSERT_PTR_NULL(json_at(root, "pullReques"));
	CU_ASSERT_PTR_NULL(json_at(root, "none"));
	CU_ASSERT_PTR_NULL(json_at(root, "none.x"));
	CU_ASSERT_PTR_NULL(json_at(root, "list.0"));
	CU_ASSERT_PTR_NULL(json_at(NULL, "a"));
	CU_ASSERT_PTR_NULL(json_text_at(root, "pullRequest.id"));
	CU_ASSERT_PTR_NULL(json_text_at(root, "none"));
}

static void test_json_need_text_names_the_path(void)
{
	static const struct {
		const char *path;
		size_t max_bytes;
		const char *text; /* NULL: refused */
		const char *message;
	} rows[] = {
		{"text", 5, "caf\xC3\xA9", ""},
		{"text", 4, NULL, "'text' has 5 bytes, expected at most 4"},
		{"empty", 5, NULL, "'empty' is empty, expected a text"},
		{"none", 5, NULL, "'none' is nothing, expected a text"},
		{"a.b", 5, NULL, "'a.b' is nothing, expected a text"},
		{"pullRequest", 5, NULL, "'pullRequest' is an object, expected a text"},
		{"list", 5, NULL, "'list' is an array, expected a text"},
		{"half", 5, NULL, "'half' is a fraction, expected a text"},
		{"no", 5, NULL, "'no' is a boolean, expected a text"},
		{"pullRequest.id", 5, NULL, "'pullRequest.id' is an integer, expected a text"},
	};
	json_auto_t *root = NULL;
	CU_ASSERT_TRUE_FATAL(read_text(sample, &root, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = NULL;
		struct err err = {0};
		CHECK(rows[i].path, json_need_text(root, rows[i].path, rows[i].max_bytes, &text, &err) == !!rows[i].text);
		CHECK_TEXT(rows[i].path, text, rows[i].text);
		CHECK_TEXT(rows[i].path, err.message, rows[i].message);
		CHECK(rows[i].path, err.code == (rows[i].text ? ERR_NONE : ERR_INPUT));
	}
}

static void test_json_need_int_keeps_the_range(void)
{
	json_auto_t *root = NULL;
	int64_t value = 42;
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(read_text(sample, &root, NULL));
	CU_ASSERT_TRUE(json_need_int(root, "pullRequest.id", 12, 12, &value, &err) && value == 12);
	CU_ASSERT_FALSE(json_need_int(root, "pullRequest.id", 13, 20, &value, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "'pullRequest.id' is 12, expected an integer from 13 to 20");
	CU_ASSERT_FALSE(json_need_int(root, "pullRequest.id", 0, 11, &value, &err));
	CU_ASSERT_FALSE(json_need_int(root, "half", 0, 11, &value, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "'half' is a fraction, expected an integer from 0 to 11");
	CU_ASSERT_FALSE(json_need_int(root, "none", 0, 11, &value, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_EQUAL(value, 12);
}

static void test_json_read_refuses_too_many_values(void)
{
	static const struct {
		const char *name, *unit;
		size_t count;
		bool is_read;
	} rows[] = {
		{"as many as may be", "1,", LIMIT_JSON_VALUES - 3, true},
		{"scalars", "1,", LIMIT_JSON_VALUES - 2, false},
		{"objects", "{},", LIMIT_JSON_VALUES - 2, false},
		{"arrays", "[],", LIMIT_JSON_VALUES - 2, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text = {0};
		json_auto_t *root = NULL;
		struct err err = {0};
		strbuf_init(&text, LIMIT_BODY_BYTES);
		strbuf_add(&text, "{\"list\":[");
		for (size_t j = 0; j < rows[i].count; j++)
			strbuf_add(&text, rows[i].unit);
		strbuf_add(&text, "1]}");
		CHECK(rows[i].name, read_text(text.text, &root, &err) == rows[i].is_read);
		CHECK(rows[i].name, rows[i].is_read || err.code == ERR_INPUT);
		CHECK(rows[i].name, json_is_json(bytes_text(text.text)));
	}
}

static void test_json_reads_with_fallback(void)
{
	json_auto_t *root = NULL;
	CU_ASSERT_TRUE_FATAL(read_text(sample, &root, NULL));
	CU_ASSERT_EQUAL(json_int_at(root, "pullRequest.id", -1), 12);
	CU_ASSERT_EQUAL(json_int_at(root, "text", -1), -1);
	CU_ASSERT_EQUAL(json_int_at(root, "half", -1), -1);
	CU_ASSERT_EQUAL(json_int_at(root, "missing", -1), -1);
	CU_ASSERT_TRUE(json_bool_at(root, "pullRequest.open", false));
	CU_ASSERT_FALSE(json_bool_at(root, "no", true));
	CU_ASSERT_TRUE(json_bool_at(root, "none", true));
	CU_ASSERT_TRUE(json_bool_at(root, "text", true));
}

static void test_json_id_is_text_or_number(void)
{
	static const struct {
		const char *path;
		size_t size;
		const char *id; /* NULL: refused */
	} rows[] = {
		{"pullRequest.id", 3, "12"},
		{"pullRequest.id", 2, NULL},
		{"pullRequest.toRef.repository.id", 3, "r7"},
		{"pullRequest.toRef.repository.id", 2, NULL},
		{"empty", 9, NULL},
		{"none", 9, NULL},
		{"half", 9, NULL},
		{"no", 9, NULL},
		{"list", 9, NULL},
		{"pullRequest.id", 0, NULL},
	};
	json_auto_t *root = NULL;
	CU_ASSERT_TRUE_FATAL(read_text(sample, &root, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[10] = "before";
		bool is_read = json_id_at(root, rows[i].path, id, rows[i].size);
		CHECK(rows[i].path, is_read == !!rows[i].id);
		CHECK_TEXT(rows[i].path, id, is_read ? rows[i].id : "before");
	}
}

static void test_json_put_writes_in_order(void)
{
	json_auto_t *object = json_object();
	json_put_text(object, "z", "\"caf\xE9\"");
	json_put_int(object, "a", INT64_MIN);
	json_put_text(object, "left_out", NULL);
	json_put_text(object, "empty", "");
	json_put_text(object, "z", "again");
	CLEANUP(mem_free_text) char *text = json_compact(object);
	CU_ASSERT_STRING_EQUAL(text, "{\"z\":\"again\",\"a\":-9223372036854775808,\"empty\":\"\"}");
	json_put_text(object, "z", "\"caf\xE9\"");
	CU_ASSERT_STRING_EQUAL(json_text_at(object, "z"), "\"caf" FFFD "\"");
}

void suite_json_field(void)
{
	CU_pSuite suite = CU_add_suite("json_field", NULL, NULL);
	CU_ADD_TEST(suite, test_json_read_takes_and_repairs);
	CU_ADD_TEST(suite, test_json_read_refuses);
	CU_ADD_TEST(suite, test_json_read_keeps_size_and_depth);
	CU_ADD_TEST(suite, test_json_read_survives_any_depth);
	CU_ADD_TEST(suite, test_json_at_walks_objects);
	CU_ADD_TEST(suite, test_json_need_text_names_the_path);
	CU_ADD_TEST(suite, test_json_need_int_keeps_the_range);
	CU_ADD_TEST(suite, test_json_read_refuses_too_many_values);
	CU_ADD_TEST(suite, test_json_reads_with_fallback);
	CU_ADD_TEST(suite, test_json_id_is_text_or_number);
	CU_ADD_TEST(suite, test_json_put_writes_in_order);
}
