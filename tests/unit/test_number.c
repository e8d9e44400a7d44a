/* number: what is a number and what only looks like one. */
#include "common/base/number.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_number_parse_takes_plain_numbers(void)
{
	static const struct {
		const char *text;
		int64_t value;
	} rows[] = {
		{"0", 0},
		{"7", 7},
		{"-7", -7},
		{"10203", 10203},
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t value = 42;
		CHECK(rows[i].text, number_parse(rows[i].text, INT64_MIN, INT64_MAX, &value, NULL));
		CHECK(rows[i].text, value == rows[i].value);
	}
}

static void test_number_parse_refuses_the_rest(void)
{
	static const char *const rows[] = {
		"",
		" ",
		"+1",
		"-",
		"--1",
		"-0",
		"00",
		"007",
		" 7",
		"7 ",
		"7\n",
		"1e3",
		"0x10",
		"1.0",
		"1,000",
		"a",
		"7a",
		"\xD9\xA3",
		"9223372036854775808",
		"-9223372036854775809",
		"99999999999999999999999999",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		int64_t value = 42;
		CHECK(rows[i], !number_parse(rows[i], INT64_MIN, INT64_MAX, &value, &err));
		CHECK(rows[i], err.code == ERR_INPUT && value == 42);
	}
	CU_ASSERT_FALSE(number_parse(NULL, 0, 1, &(int64_t){0}, NULL));
}

static void test_number_parse_keeps_the_range(void)
{
	struct err err = {0};
	int64_t value = 42;
	CU_ASSERT_TRUE(number_parse("1", 1, 5, &value, &err) && value == 1);
	CU_ASSERT_TRUE(number_parse("5", 1, 5, &value, &err) && value == 5);
	CU_ASSERT_FALSE(number_parse("0", 1, 5, &value, &err));
	CU_ASSERT_FALSE(number_parse("6", 1, 5, &value, &err));
	CU_ASSERT_EQUAL(value, 5);
	CU_ASSERT_STRING_EQUAL(err.message, "found '6', expected a whole number from 1 to 5");
	CU_ASSERT_FALSE(number_parse("", -1, 5, &value, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "nothing found, expected a whole number from -1 to 5");
}

static void test_number_parse_bool(void)
{
	static const struct {
		const char *text;
		int value; /* -1: refused */
	} rows[] = {
		{"1", 1}, {"true", 1}, {"YES", 1}, {"On", 1},     {"0", 0},  {"False", 0}, {"no", 0},  {"oFF", 0},
		{"", -1}, {"2", -1},   {" 1", -1}, {"true ", -1}, {"y", -1}, {"t", -1},    {NULL, -1}, {"01", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = rows[i].text ? rows[i].text : "(null)";
		struct err err = {0};
		bool value = rows[i].value == 0;
		bool is_read = number_parse_bool(rows[i].text, &value, &err);
		CHECK(name, is_read == (rows[i].value >= 0));
		CHECK(name, is_read ? value == (rows[i].value == 1) : err.code == ERR_INPUT);
	}
}

void suite_number(void)
{
	CU_pSuite suite = CU_add_suite("number", NULL, NULL);
	CU_ADD_TEST(suite, test_number_parse_takes_plain_numbers);
	CU_ADD_TEST(suite, test_number_parse_refuses_the_rest);
	CU_ADD_TEST(suite, test_number_parse_keeps_the_range);
	CU_ADD_TEST(suite, test_number_parse_bool);
}
