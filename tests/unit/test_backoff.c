/* backoff: doubling, the ceiling, the spread. */
#include "common/base/backoff.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_backoff_delay_doubles_to_ceiling(void)
{
	static const struct {
		const char *name;
		int64_t first_ms;
		int64_t max_ms;
		int64_t attempts;
		int64_t half_ms;  /* with no random bit set */
		int64_t whole_ms; /* with all random bits set */
	} rows[] = {
		{"first", 1000, 60000, 1, 500, 1000},
		{"no attempt counts as first", 1000, 60000, 0, 500, 1000},
		{"second", 1000, 60000, 2, 1000, 2000},
		{"sixth", 1000, 60000, 6, 16000, 32000},
		{"at the ceiling", 1000, 60000, 7, 30000, 60000},
		{"far above", 1000, 60000, INT64_MAX, 30000, 60000},
		{"odd", 3, 1000, 1, 1, 3},
		{"first above ceiling", 5000, 100, 1, 50, 100},
		{"no ceiling to speak of", 1, INT64_MAX, 100, INT64_MAX / 2, INT64_MAX},
		{"zero first", 0, 100, 3, 2, 4},
		{"zero ceiling", 10, 0, 3, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct backoff backoff = {rows[i].first_ms, rows[i].max_ms};
		int64_t half = backoff_delay_ms(&backoff, rows[i].attempts, 0);
		int64_t whole = backoff_delay_ms(&backoff, rows[i].attempts, UINT32_MAX);
		CHECK(rows[i].name, half == rows[i].half_ms);
		CHECK(rows[i].name, whole == rows[i].whole_ms);
	}
}

static void test_backoff_delay_is_spread_evenly(void)
{
	struct backoff backoff = {1000, 60000};
	for (uint32_t step = 0; step <= 100; step++) {
		int64_t delay = backoff_delay_ms(&backoff, 1, UINT32_MAX / 100 * step);
		CU_ASSERT_TRUE(delay >= 500 + 5 * (int64_t)step - 1);
		CU_ASSERT_TRUE(delay <= 500 + 5 * (int64_t)step);
	}
}

void suite_backoff(void)
{
	CU_pSuite suite = CU_add_suite("backoff", NULL, NULL);
	CU_ADD_TEST(suite, test_backoff_delay_doubles_to_ceiling);
	CU_ADD_TEST(suite, test_backoff_delay_is_spread_evenly);
}
