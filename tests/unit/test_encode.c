/* encode: bytes to text and back. */
#include "common/base/encode.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_encode_hex_and_back(void)
{
	CLEANUP(strbuf_done) struct strbuf hex;
	uint8_t all[256];
	uint8_t back[256] = {0};
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	strbuf_init(&hex, 1000);
	encode_hex(&hex, bytes_of(all, sizeof(all)));
	CU_ASSERT_EQUAL(hex.len, 512);
	CU_ASSERT_NSTRING_EQUAL(strbuf_text(&hex), "000102030405060708090a0b", 24);
	CU_ASSERT_STRING_EQUAL(strbuf_text(&hex) + 504, "fcfdfeff");
	CU_ASSERT_TRUE(decode_hex(bytes_of(hex.text, hex.len), back, sizeof(back)));
	CU_ASSERT_EQUAL(memcmp(all, back, sizeof(all)), 0);
}

static void test_decode_hex_is_strict(void)
{
	static const struct {
		const char *hex;
		bool is_good;
	} rows[] = {
		{"00fF", true},  {"ABcd", true},  {"", false},     {"00f", false},  {"00fF0", false},  {"00f ", false},
		{"0x00", false}, {"00fg", false}, {"00/:", false}, {"@`AG", false}, {"00fF00", false}, {"00/0", false},
		{"00:0", false}, {"00@0", false}, {"00G0", false}, {"00`0", false}, {"00g0", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t two[2] = {0x77, 0x77};
		bool is_read = decode_hex(bytes_text(rows[i].hex), two, sizeof(two));
		CHECK(rows[i].hex, is_read == rows[i].is_good);
		CHECK(rows[i].hex, is_read || (two[0] == 0x77 && two[1] == 0x77));
	}
	CU_ASSERT_TRUE(decode_hex(bytes_text(""), NULL, 0));
}

static void test_encode_base64url(void)
{
	static const struct {
		const char *bytes;
		const char *text;
	} rows[] = {
		{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
		{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xFE", "-__-"},
		{"\xFF", "_w"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text;
		strbuf_init(&text, 100);
		void *copy = exact_copy(rows[i].bytes, strlen(rows[i].bytes));
		encode_base64url(&text, bytes_of(copy, strlen(rows[i].bytes)));
		free(copy);
		CHECK_TEXT(rows[i].text, strbuf_text(&text), rows[i].text);
		strbuf_clear(&text);
		CHECK(rows[i].text, decode_base64url(&text, bytes_text(rows[i].text)));
		CHECK_TEXT(rows[i].text, strbuf_text(&text), rows[i].bytes);
	}
}

static void test_decode_base64url_is_strict(void)
{
	static const char *const rows[] = {"Z",     "Zg==",   "Zh",   "Zm9",  "Zm9vY",
					   "Zm 9v", "Zm9v\n", "+/+/", "Zm9=", "\xC3\xA4"};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text;
		strbuf_init(&text, 100);
		CHECK(rows[i], !decode_base64url(&text, bytes_text(rows[i])));
	}
}

static void test_encode_base64_pads(void)
{
	static const char *const rows[][2] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"user:p\xC3\xBF\xC3\xBE?", "dXNlcjpww7/Dvj8="},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf text;
		strbuf_init(&text, 100);
		encode_base64(&text, bytes_text(rows[i][0]));
		CHECK_TEXT(rows[i][1], strbuf_text(&text), rows[i][1]);
	}
}

static void test_encode_percent(void)
{
	CLEANUP(strbuf_done) struct strbuf text;
	strbuf_init(&text, 100);
	encode_percent(&text, bytes_text("aZ09-._~ /?&=+%\xC3\xA9"));
	CU_ASSERT_STRING_EQUAL(strbuf_text(&text), "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A9");
}

static void test_decode_percent(void)
{
	static const struct {
		const char *text;
		const char *plain; /* NULL: refused */
	} rows[] = {
		{"", ""},         {"abc", "abc"},         {"a%20b", "a b"}, {"a+b", "a+b"},
		{"%2f%2F", "//"}, {"%C3%A9", "\xC3\xA9"}, {"%2541", "%41"}, {"%", NULL},
		{"%4", NULL},     {"abc%4", NULL},        {"abc%", NULL},   {"a%zz", NULL},
		{"%00", NULL},    {"%%41", NULL},         {"% 41", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf plain;
		strbuf_init(&plain, 100);
		void *copy = exact_copy(rows[i].text, strlen(rows[i].text));
		CHECK(rows[i].text, decode_percent(&plain, bytes_of(copy, strlen(rows[i].text))) == !!rows[i].plain);
		free(copy);
		if (rows[i].plain) CHECK_TEXT(rows[i].text, strbuf_text(&plain), rows[i].plain);
	}
}

static void test_decode_percent_refuses_raw_nul(void)
{
	CLEANUP(strbuf_done) struct strbuf plain;
	strbuf_init(&plain, 100);
	CU_ASSERT_FALSE(decode_percent(&plain, bytes_of("a\0b", 3)));
	CU_ASSERT_FALSE(decode_percent(&plain, bytes_of("%41", 2)));
}

void suite_encode(void)
{
	CU_pSuite suite = CU_add_suite("encode", NULL, NULL);
	CU_ADD_TEST(suite, test_encode_hex_and_back);
	CU_ADD_TEST(suite, test_decode_hex_is_strict);
	CU_ADD_TEST(suite, test_encode_base64url);
	CU_ADD_TEST(suite, test_decode_base64url_is_strict);
	CU_ADD_TEST(suite, test_encode_base64_pads);
	CU_ADD_TEST(suite, test_encode_percent);
	CU_ADD_TEST(suite, test_decode_percent);
	CU_ADD_TEST(suite, test_decode_percent_refuses_raw_nul);
}
