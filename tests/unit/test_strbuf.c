/* strbuf: growth, the ceiling, and moving the text out. */
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_strbuf_appends_every_way(void)
{
	CLEANUP(strbuf_done) struct strbuf buf;
	strbuf_init(&buf, 1000);
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "");
	strbuf_add(&buf, "a");
	strbuf_add(&buf, NULL);
	strbuf_add_bytes(&buf, bytes_of("b\0c", 3));
	strbuf_add_bytes(&buf, bytes_of(NULL, 0));
	strbuf_add_char(&buf, 'd');
	strbuf_addf(&buf, "%s-%d", "e", 7);
	CU_ASSERT_EQUAL(buf.len, 8);
	CU_ASSERT_EQUAL(memcmp(strbuf_text(&buf), "ab\0cde-7", 9), 0);
	CU_ASSERT_FALSE(buf.is_cut);
}

static void test_strbuf_stops_at_ceiling(void)
{
	static const size_t ceilings[] = {0, 1, 5, 63, 64, 65, 128, 1000};
	for (size_t i = 0; i < ARRAY_LEN(ceilings); i++) {
		CLEANUP(strbuf_done) struct strbuf buf;
		char name[32];
		(void)snprintf(name, sizeof(name), "ceiling %zu", ceilings[i]);
		strbuf_init(&buf, ceilings[i]);
		for (size_t len = 0; len < ceilings[i]; len++)
			strbuf_add_char(&buf, 'x');
		CHECK(name, !buf.is_cut && buf.len == ceilings[i]);
		strbuf_add(&buf, "");
		CHECK(name, !buf.is_cut);
		strbuf_add(&buf, "y");
		CHECK(name, buf.is_cut && buf.len == ceilings[i]);
		CHECK(name, strlen(strbuf_text(&buf)) == ceilings[i]);
		CHECK(name, buf.size <= ceilings[i] + 1);
	}
}

static void test_strbuf_keeps_what_fits(void)
{
	CLEANUP(strbuf_done) struct strbuf buf;
	strbuf_init(&buf, 6);
	strbuf_add(&buf, "abc");
	strbuf_addf(&buf, "%d%s", 12, "345");
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "abc123");
	CU_ASSERT_TRUE(buf.is_cut);
	strbuf_clear(&buf);
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "");
	CU_ASSERT_FALSE(buf.is_cut);
	strbuf_add(&buf, "abcdefgh");
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "abcdef");
	CU_ASSERT_TRUE(buf.is_cut);
}

static void test_strbuf_take_leaves_it_reusable(void)
{
	CLEANUP(strbuf_done) struct strbuf buf;
	strbuf_init(&buf, 3);
	CLEANUP(mem_free_text) char *empty = strbuf_take(&buf);
	CU_ASSERT_STRING_EQUAL(empty, "");
	strbuf_add(&buf, "abcd");
	CLEANUP(mem_free_text) char *first = strbuf_take(&buf);
	CU_ASSERT_STRING_EQUAL(first, "abc");
	CU_ASSERT_FALSE(buf.is_cut);
	strbuf_add(&buf, "xyz!");
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "xyz");
	CU_ASSERT_STRING_EQUAL(first, "abc");
}

static void test_strbuf_done_accepts_nothing(void)
{
	struct strbuf buf = {0};
	strbuf_done(NULL);
	strbuf_done(&buf);
	strbuf_clear(&buf);
	strbuf_init(&buf, (size_t)-1);
	strbuf_add(&buf, "x");
	CU_ASSERT_STRING_EQUAL(strbuf_text(&buf), "x");
	strbuf_done(&buf);
	CU_ASSERT_PTR_NULL(buf.text);
	CU_ASSERT_EQUAL(buf.ceiling, 0);
}

void suite_strbuf(void)
{
	CU_pSuite suite = CU_add_suite("strbuf", NULL, NULL);
	CU_ADD_TEST(suite, test_strbuf_appends_every_way);
	CU_ADD_TEST(suite, test_strbuf_stops_at_ceiling);
	CU_ADD_TEST(suite, test_strbuf_keeps_what_fits);
	CU_ADD_TEST(suite, test_strbuf_take_leaves_it_reusable);
	CU_ADD_TEST(suite, test_strbuf_done_accepts_nothing);
}
