/* secret: copies, replacement by a part of itself, wiping. */
#include "common/base/secret.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_secret_copies_bytes(void)
{
	CLEANUP(secret_done) struct secret secret = {0};
	char outside[] = "to\0ken";
	CU_ASSERT_FALSE(secret_is_set(&secret));
	CU_ASSERT_EQUAL(secret_bytes(&secret).len, 0);
	secret_set(&secret, outside, 6);
	outside[0] = 'X';
	CU_ASSERT_TRUE(secret_is_set(&secret));
	CU_ASSERT_TRUE(bytes_equal(secret_bytes(&secret), bytes_of("to\0ken", 6)));
	CU_ASSERT_EQUAL(secret.text[6], '\0');
}

static void test_secret_set_takes_part_of_itself(void)
{
	CLEANUP(secret_done) struct secret secret = {0};
	secret_set(&secret, "old new", 7);
	secret_set(&secret, secret.text + 4, 3);
	CU_ASSERT_STRING_EQUAL(secret.text, "new");
	secret_set(&secret, "", 0);
	CU_ASSERT_FALSE(secret_is_set(&secret));
}

static void test_secret_done_leaves_nothing(void)
{
	struct secret secret = {0};
	secret_done(NULL);
	secret_done(&secret);
	secret_set(&secret, "token", 5);
	secret_done(&secret);
	CU_ASSERT_PTR_NULL(secret.text);
	CU_ASSERT_EQUAL(secret.len, 0);
}

static void test_secret_mask_hides_it_everywhere(void)
{
	char text[] = "pat, Bearer pat!";
	char other[] = "part";
	secret_mask("pat", text);
	secret_mask("pat", other);
	secret_mask("", other);
	secret_mask(NULL, other);
	secret_mask("pat", NULL);
	CU_ASSERT_STRING_EQUAL(text, "***, Bearer ***!");
	CU_ASSERT_STRING_EQUAL(other, "part");
}

void suite_secret(void)
{
	CU_pSuite suite = CU_add_suite("secret", NULL, NULL);
	CU_ADD_TEST(suite, test_secret_copies_bytes);
	CU_ADD_TEST(suite, test_secret_set_takes_part_of_itself);
	CU_ADD_TEST(suite, test_secret_done_leaves_nothing);
	CU_ADD_TEST(suite, test_secret_mask_hides_it_everywhere);
}
