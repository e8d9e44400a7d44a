/* bytes: slices and their comparison. */
#include "common/base/bytes.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_bytes_of_text(void)
{
	CU_ASSERT_EQUAL(bytes_text("abc").len, 3);
	CU_ASSERT_EQUAL(bytes_text("").len, 0);
	CU_ASSERT_EQUAL(bytes_text(NULL).len, 0);
	CU_ASSERT_PTR_NULL(bytes_text(NULL).ptr);
}

static void test_bytes_equal_compares_content(void)
{
	CU_ASSERT_TRUE(bytes_equal(bytes_text("a"), bytes_of("a\0", 1)));
	CU_ASSERT_TRUE(bytes_equal(bytes_text(NULL), bytes_text("")));
	CU_ASSERT_FALSE(bytes_equal(bytes_text("a"), bytes_of("a\0", 2)));
	CU_ASSERT_FALSE(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
}

void suite_bytes(void)
{
	CU_pSuite suite = CU_add_suite("bytes", NULL, NULL);
	CU_ADD_TEST(suite, test_bytes_of_text);
	CU_ADD_TEST(suite, test_bytes_equal_compares_content);
}
