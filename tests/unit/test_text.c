/* text: UTF-8, case, words, trimming. */
#include "common/base/mem.h"
#include "common/base/text.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define FFFD "\xEF\xBF\xBD"

static void test_text_utf8_is_checked_and_repaired(void)
{
	static const struct {
		const char *name;
		const char *text;
		size_t len;
		const char *repaired; /* NULL: valid as it is */
	} rows[] = {
		{"empty", "", 0, NULL},
		{"ascii", "abc", 3, NULL},
		{"two bytes", "\xC3\xA9", 2, NULL},
		{"three bytes", "\xE6\x97\xA5", 3, NULL},
		{"last before surrogates", "\xED\x9F\xBF", 3, NULL},
		{"first after surrogates", "\xEE\x80\x80", 3, NULL},
		{"emoji", "\xF0\x9F\x98\x80", 4, NULL},
		{"highest", "\xF4\x8F\xBF\xBF", 4, NULL},
		{"too high", "\xF4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD},
		{"never used", "\xF5\x80", 2, FFFD FFFD},
		{"overlong slash", "\xC0\xAF", 2, FFFD FFFD},
		{"overlong three", "\xE0\x80\xAF", 3, FFFD FFFD FFFD},
		{"overlong four", "\xF0\x80\x80\xAF", 4, FFFD FFFD FFFD FFFD},
		{"surrogate", "\xED\xA0\x80", 3, FFFD FFFD FFFD},
		{"lone continuation", "a\x80z", 3, "a" FFFD "z"},
		{"cut emoji", "a\xF0\x9F\x98z", 5, "a" FFFD "z"},
		{"cut at the end", "a\xE6\x97", 3, "a" FFFD},
		{"latin-1", "caf\xE9!", 5, "caf" FFFD "!"},
		{"twice", "ab\x80\x63\x80z", 6, "ab" FFFD "c" FFFD "z"},
		{"lead after lead", "\xC3\xC3\xA9", 3, FFFD "\xC3\xA9"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf buf;
		void *copy = exact_copy(rows[i].text, rows[i].len);
		struct bytes bytes = bytes_of(copy, rows[i].len);
		strbuf_init(&buf, 100);
		text_add_repaired(&buf, bytes);
		CHECK(rows[i].name, text_is_utf8(bytes) == !rows[i].repaired);
		CHECK(rows[i].name, text_is_utf8(bytes_text(strbuf_text(&buf))));
		CHECK_TEXT(rows[i].name, strbuf_text(&buf), rows[i].repaired ? rows[i].repaired : rows[i].text);
		free(copy);
	}
}

static void test_text_repair_replaces_nul(void)
{
	CLEANUP(strbuf_done) struct strbuf buf;
	strbuf_init(&buf, 100);
	text_add_repaired(&buf, bytes_of("a\0b", 3));
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "a" FFFD "b");
}

static void test_text_cut_ends_on_character(void)
{
	static const struct {
		const char *name;
		const char *text;
		size_t max_bytes;
		size_t len;
	} rows[] = {
		{"fits", "abc", 5, 3},
		{"exactly", "abc", 3, 3},
		{"ascii", "abc", 2, 2},
		{"nothing", "abc", 0, 0},
		{"unlimited", "abc", (size_t)-1, 3},
		{"inside two bytes", "a\xC3\xA9z", 2, 1},
		{"after two bytes", "a\xC3\xA9z", 3, 3},
		{"inside emoji", "ab\xF0\x9F\x98\x80", 5, 2},
		{"only continuations", "\x80\x80\x80", 2, 0},
		{"first character too long", "\xF0\x9F\x98\x80", 3, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].name, text_cut(rows[i].text, rows[i].max_bytes) == rows[i].len);
}

static void test_text_equal_nocase_is_ascii_only(void)
{
	CU_ASSERT_TRUE(text_equal_nocase("OpenHands", "openhANDS"));
	CU_ASSERT_TRUE(text_equal_nocase("", ""));
	CU_ASSERT_TRUE(text_equal_nocase(NULL, NULL));
	CU_ASSERT_FALSE(text_equal_nocase("a", NULL));
	CU_ASSERT_FALSE(text_equal_nocase(NULL, ""));
	CU_ASSERT_FALSE(text_equal_nocase("ab", "a"));
	CU_ASSERT_FALSE(text_equal_nocase("a", "ab"));
	CU_ASSERT_FALSE(text_equal_nocase("@", "`"));
	CU_ASSERT_FALSE(text_equal_nocase("\xC3\x84", "\xC3\xA4"));
}

static void test_text_find_nocase(void)
{
	static const struct {
		const char *name;
		const char *haystack;
		const char *needle;
		ptrdiff_t at; /* -1: absent */
	} rows[] = {
		{"start", "@OpenHands fix", "@openhands", 0},
		{"middle", "hey @OPENHANDS", "@openhands", 4},
		{"end only half", "hey @open", "@openhands", -1},
		{"repeated start", "@open@openhands", "@openhands", 5},
		{"upper needle", "abc", "C", 2},
		{"empty needle", "abc", "", 0},
		{"both empty", "", "", 0},
		{"empty haystack", "", "a", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *found = text_find_nocase(rows[i].haystack, rows[i].needle);
		CHECK(rows[i].name, (found ? found - rows[i].haystack : -1) == rows[i].at);
		CHECK(rows[i].name, strcmp(rows[i].needle, "C") == 0 ||
					    text_bytes_contain_nocase(bytes_text(rows[i].haystack), rows[i].needle) ==
						    (rows[i].at >= 0));
	}
}

static void test_text_bytes_contain_passes_nul(void)
{
	CU_ASSERT_TRUE(text_bytes_contain_nocase(bytes_of("a\0BoT", 5), "bot"));
	CU_ASSERT_FALSE(text_bytes_contain_nocase(bytes_of("a\0BoT", 4), "bot"));
	CU_ASSERT_FALSE(text_bytes_contain_nocase(bytes_of(NULL, 0), "bot"));
}

static void test_text_code_point_steps_through(void)
{
	static const struct {
		const char *name;
		const char *text;
		uint32_t code_point;
		size_t len;
	} rows[] = {
		{"end", "", 0, 0},
		{"ascii", "a", 'a', 1},
		{"two", "\xC3\xA9x", 0xE9, 2},
		{"three", "\xE6\x97\xA5", 0x65E5, 3},
		{"four", "\xF0\x9F\x98\x80x", 0x1F600, 4},
		{"cut", "\xF0\x9F\x98", 0xFFFD, 1},
		{"continuation", "\x80", 0xFFFD, 1},
		{"honest U+FFFD", FFFD, 0xFFFD, 3},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = 99;
		CHECK(rows[i].name, text_code_point(rows[i].text, &len) == rows[i].code_point);
		CHECK(rows[i].name, len == rows[i].len);
	}
}

static void test_text_is_word_by_script(void)
{
	static const struct {
		const char *name;
		const char *text; /* each of its characters */
		bool is_word;
	} rows[] = {
		{"ascii", "azAZ09_", true},
		{"latin", "éßÅøłŽšñªºµ", true},
		{"vietnamese", "ếỗự", true},
		{"greek", "αΩέ", true},
		{"cyrillic", "яЖёї", true},
		{"armenian georgian", "Աքაჰ", true},
		{"hebrew arabic", "אתبيگ٣", true},
		{"indic", "अहিক੧தൿ", true},
		{"thai lao khmer", "กๆ๙ກខ", true},
		{"japanese", "ひらカター々漢字", true},
		{"korean", "한글ㄱ", true},
		{"chinese beyond plane 0", "𠀀𪜶", true},
		{"full width", "Ａｚ９", true},
		{"combining accent", "\xCC\x81", true},
		{"ascii punctuation", " !\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~\t\n", false},
		{"latin punctuation", "\xC2\xA0¡«»¿×÷§©®°", false},
		{"general punctuation", "–—‘’“”…•‹›\xE2\x80\x8B\xE2\x80\x8D", false},
		{"cjk punctuation", "、。「」！？（）　・", false},
		{"arabic and indic punctuation", "،؟।॥", false},
		{"currency and arrows", "€₿←→∑√", false},
		{"emoji", "😀🤖👍🏽🇩❤\xEF\xB8\x8F\xE2\x83\xA3", false},
		{"byte order mark, replacement", "\xEF\xBB\xBF" FFFD, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len;
		for (const char *at = rows[i].text; *at != '\0'; at += len)
			CHECK(at, text_is_word(text_code_point(at, &len)) == rows[i].is_word);
	}
	CU_ASSERT_FALSE(text_is_word(0));
	CU_ASSERT_FALSE(text_is_word(0x110000));
}

static void test_text_word_before(void)
{
	static const struct {
		const char *name;
		const char *before;
		bool is_word;
	} rows[] = {
		{"start", "", false},
		{"space", "x ", false},
		{"letter", "mail", true},
		{"umlaut", "ü", true},
		{"ideograph", "。請", true},
		{"full stop", "請。", false},
		{"plane 2", "𠀀", true},
		{"emoji", "a🤖", false},
		{"broken", "a\x80", false},
		{"only continuations", "\x80\x80\x80\x80\x80\x80", false},
		{"decomposed accent", "e\xCC\x81", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *end = rows[i].before + strlen(rows[i].before);
		CHECK(rows[i].name, text_word_before(rows[i].before, end) == rows[i].is_word);
	}
}

static void test_text_small_questions(void)
{
	CLEANUP(mem_free_text) char *trimmed = text_trim(" \t\r\n a b\f\v ");
	CLEANUP(mem_free_text) char *blank = text_trim(" \n");
	CLEANUP(mem_free_text) char *low = text_lower("AbZ@[\xC3\x84");
	CU_ASSERT_STRING_EQUAL(trimmed, "a b");
	CU_ASSERT_STRING_EQUAL(blank, "");
	CU_ASSERT_STRING_EQUAL(low, "abz@[\xC3\x84");
	CU_ASSERT_TRUE(text_starts("sha256=00", "sha256="));
	CU_ASSERT_TRUE(text_starts("a", ""));
	CU_ASSERT_FALSE(text_starts("sha", "sha256="));
	CU_ASSERT_FALSE(text_starts("Sha256=", "sha256="));
	CU_ASSERT_TRUE(text_has_control("a\r\nb") && text_has_control("\x7f") && text_has_control("\t"));
	CU_ASSERT_FALSE(text_has_control("Bearer x\xC3\x84 ~") || text_has_control(""));
	CU_ASSERT_TRUE(text_is_empty(NULL) && text_is_empty(""));
	CU_ASSERT_FALSE(text_is_empty(" "));
}

void suite_text(void)
{
	CU_pSuite suite = CU_add_suite("text", NULL, NULL);
	CU_ADD_TEST(suite, test_text_utf8_is_checked_and_repaired);
	CU_ADD_TEST(suite, test_text_repair_replaces_nul);
	CU_ADD_TEST(suite, test_text_cut_ends_on_character);
	CU_ADD_TEST(suite, test_text_equal_nocase_is_ascii_only);
	CU_ADD_TEST(suite, test_text_find_nocase);
	CU_ADD_TEST(suite, test_text_bytes_contain_passes_nul);
	CU_ADD_TEST(suite, test_text_code_point_steps_through);
	CU_ADD_TEST(suite, test_text_is_word_by_script);
	CU_ADD_TEST(suite, test_text_word_before);
	CU_ADD_TEST(suite, test_text_small_questions);
}
