/* err: messages, wrapping, and the verdict of every code. */
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/text.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_err_set_replaces_everything(void)
{
	struct err err = {.retry_after_ms = 5, .http_status = 429};
	CU_ASSERT_FALSE(err_set(&err, ERR_NETWORK, "cannot reach '%s'", "db"));
	CU_ASSERT_EQUAL(err.code, ERR_NETWORK);
	CU_ASSERT_EQUAL(err.retry_after_ms, 0);
	CU_ASSERT_EQUAL(err.http_status, 0);
	CU_ASSERT_STRING_EQUAL(err.message, "cannot reach 'db'");
	CU_ASSERT_FALSE(err_set(NULL, ERR_INPUT, "nobody listens"));
}

static void test_err_set_may_use_its_own_message(void)
{
	struct err err = {0};
	(void)err_set(&err, ERR_INPUT, "inner");
	(void)err_set(&err, ERR_INTERNAL, "outer (%s)", err.message);
	CU_ASSERT_STRING_EQUAL(err.message, "outer (inner)");
}

static void test_err_wrap_keeps_code_and_hints(void)
{
	struct err err = {0};
	(void)err_set(&err, ERR_LIMIT, "too many");
	err.retry_after_ms = 7000;
	err.http_status = 429;
	CU_ASSERT_FALSE(err_wrap(&err, "comment %d", 7));
	CU_ASSERT_EQUAL(err.code, ERR_LIMIT);
	CU_ASSERT_EQUAL(err.retry_after_ms, 7000);
	CU_ASSERT_EQUAL(err.http_status, 429);
	CU_ASSERT_STRING_EQUAL(err.message, "comment 7: too many");
	CU_ASSERT_FALSE(err_wrap(NULL, "nobody listens"));
}

/* However long a message is and wherever it is cut, it stays within its buffer and valid UTF-8. */
static void test_err_message_is_cut_on_a_character(void)
{
	static const char *const letters[] = {"a", "\xC3\xA9", "\xE6\x97\xA5", "\xE0\xA4\x85", "\xF0\x9F\x98\x80"};
	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		struct err err = {0};
		char text[600] = "";
		size_t step = strlen(letters[i]);
		for (size_t len = 0; len + step < sizeof(text); len += step)
			memcpy(text + len, letters[i], step + 1);
		(void)err_set(&err, ERR_INPUT, "%s", text);
		CHECK(letters[i], strlen(err.message) == 255 / step * step);
		for (int wrapped = 0; wrapped < 4; wrapped++) {
			(void)err_wrap(&err, "%s", "x");
			CHECK(letters[i], text_is_utf8(bytes_text(err.message)));
			CHECK(letters[i], strlen(err.message) > ERR_MESSAGE_SIZE - 5);
		}
	}
}

static void test_err_verdict_of_each_code(void)
{
	static const struct {
		const char *name;
		enum err_code code;
		enum err_verdict verdict;
	} rows[] = {
		{"none", ERR_NONE, VERDICT_RETRY},         {"input", ERR_INPUT, VERDICT_DROP},
		{"auth", ERR_AUTH, VERDICT_DROP},          {"not_found", ERR_NOT_FOUND, VERDICT_DROP},
		{"conflict", ERR_CONFLICT, VERDICT_RETRY}, {"limit", ERR_LIMIT, VERDICT_RETRY},
		{"busy", ERR_BUSY, VERDICT_RETRY},         {"network", ERR_NETWORK, VERDICT_RETRY},
		{"timeout", ERR_TIMEOUT, VERDICT_RETRY},   {"uncertain", ERR_UNCERTAIN, VERDICT_PROBE},
		{"internal", ERR_INTERNAL, VERDICT_RETRY},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {.code = rows[i].code};
		CHECK(rows[i].name, err_verdict(&err) == rows[i].verdict);
		CHECK_TEXT(rows[i].name, err_code_name(rows[i].code), rows[i].name);
	}
}

void suite_err(void)
{
	CU_pSuite suite = CU_add_suite("err", NULL, NULL);
	CU_ADD_TEST(suite, test_err_set_replaces_everything);
	CU_ADD_TEST(suite, test_err_set_may_use_its_own_message);
	CU_ADD_TEST(suite, test_err_wrap_keeps_code_and_hints);
	CU_ADD_TEST(suite, test_err_message_is_cut_on_a_character);
	CU_ADD_TEST(suite, test_err_verdict_of_each_code);
}
