/* form_token: whose, how old, under which key. */
#include "common/connect/form_token.h"

#include "tests/unit/check.h"

#include <string.h>

#include "common/base/banned.h"

static const int64_t now_ms = 1764000000000;
static const int64_t hour_ms = 60 * 60 * 1000;

static struct crypto_keyring ring_of(const char *ids)
{
	struct crypto_keyring ring = {0};
	for (; *ids != '\0'; ids++) {
		ring.keys[ring.count].id[0] = *ids;
		memset(ring.keys[ring.count++].key, *ids, CRYPTO_KEY_SIZE);
	}
	return ring;
}

static void test_form_token_holds_for_two_hours(void)
{
	static const struct {
		const char *name, *keys, *user_id;
		int64_t age_ms;
		bool is_good;
	} rows[] = {
		{"at once", "a", "ann", 0, true},
		{"an hour", "a", "ann", hour_ms, true},
		{"two hours", "a", "ann", 2 * hour_ms, true},
		{"later", "a", "ann", 2 * hour_ms + 1, false},
		{"a clock that is slow", "a", "ann", -60000, true},
		{"from the future", "a", "ann", -60001, false},
		{"somebody else", "a", "bob", 0, false},
		{"nobody", "a", "", 0, false},
		{"a key was added", "ba", "ann", 0, true},
		{"the key is gone", "b", "ann", 0, false},
		{"no keys", "", "ann", 0, false},
	};
	struct crypto_keyring made_with = ring_of("a");
	char token[FORM_TOKEN_SIZE];
	form_token_make(&made_with, "ann", now_ms, token);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct crypto_keyring keys = ring_of(rows[i].keys);
		CHECK(rows[i].name,
		      form_token_is_good(&keys, rows[i].user_id, now_ms + rows[i].age_ms, token) == rows[i].is_good);
	}
}

static void test_form_token_refuses_what_was_changed(void)
{
	static const char *const wrong[] = {"",
					    ".",
					    "1",
					    "x.y",
					    "1764000000000",
					    "1764000000000.",
					    "99999999999999999999999999999999999999999999.x"};
	struct crypto_keyring keys = ring_of("a");
	char token[FORM_TOKEN_SIZE];
	CU_ASSERT_FALSE(form_token_is_good(&keys, "ann", now_ms, NULL));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(wrong[i], !form_token_is_good(&keys, "ann", now_ms, wrong[i]));
	form_token_make(&keys, "ann", now_ms, token);
	CU_ASSERT_TRUE(strspn(token, "0123456789.-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
				     "xyz") == strlen(token));
	for (size_t i = 0; token[i] != '\0'; i++) {
		char saved = token[i];
		token[i] = saved == '1' ? '2' : '1';
		CU_ASSERT_FALSE(form_token_is_good(&keys, "ann", now_ms, token));
		token[i] = saved;
	}
	CU_ASSERT_TRUE(form_token_is_good(&keys, "ann", now_ms, token));
	token[strlen(token) - 1] = '\0';
	CU_ASSERT_FALSE(form_token_is_good(&keys, "ann", now_ms, token));
}

void suite_form_token(void)
{
	CU_pSuite suite = CU_add_suite("form_token", NULL, NULL);
	CU_ADD_TEST(suite, test_form_token_holds_for_two_hours);
	CU_ADD_TEST(suite, test_form_token_refuses_what_was_changed);
}
