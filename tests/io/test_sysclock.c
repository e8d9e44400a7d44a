/* sysclock and entropy: times as text, clocks that run, randomness that differs. */
#include "common/base/uuid.h"
#include "common/io/entropy.h"
#include "common/io/sysclock.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_sysclock_writes_rfc3339(void)
{
	static const struct {
		const char *name;
		int64_t ms;
		const char *text;
	} rows[] = {
		{"start", 0, "1970-01-01T00:00:00.000Z"},
		{"before", -1, "1969-12-31T23:59:59.999Z"},
		{"now", 1795255200007, "2026-11-21T10:00:00.007Z"},
		{"leap day", 1709164799999, "2024-02-28T23:59:59.999Z"},
	};
	char text[SYSCLOCK_TEXT_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sysclock_text(rows[i].ms, text);
		CHECK_TEXT(rows[i].name, text, rows[i].text);
	}
}

static void test_sysclock_agrees_with_itself(void)
{
	int64_t before_us = sysclock_monotonic_us();
	int64_t between_ms = sysclock_monotonic_ms();
	int64_t after_us = sysclock_monotonic_us();
	CU_ASSERT_TRUE(before_us / 1000 <= between_ms && between_ms <= after_us / 1000);
	CU_ASSERT_TRUE(sysclock_now_ms() > 1700000000000);
}

static void test_entropy_differs(void)
{
	struct uuid a = entropy_uuid();
	struct uuid b = entropy_uuid();
	CU_ASSERT_NOT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	CU_ASSERT_EQUAL(a.bytes[6] >> 4, 4);
}

void suite_sysclock(void)
{
	CU_pSuite suite = CU_add_suite("sysclock", NULL, NULL);
	CU_ADD_TEST(suite, test_sysclock_writes_rfc3339);
	CU_ADD_TEST(suite, test_sysclock_agrees_with_itself);
	CU_ADD_TEST(suite, test_entropy_differs);
}
