/* repo_set: what is let in, the order, repetitions, the end. */
#include "services/installer/repo_set.h"

#include "tests/unit/check.h"

#include <stdio.h>

#include "common/base/banned.h"

static void test_repo_set_sorts_without_case_and_drops_repetitions(void)
{
	static const char *const wanted[] = {"A/b", "a/c", "K/one", "K/two", "~ann/x.y"};
	CLEANUP(repo_set_done) struct repo_set set = {0};
	repo_set_add(&set, 7, "~ann", "x.y");
	repo_set_add(&set, 3, "K", "two");
	repo_set_add(&set, 2, "K", "one");
	repo_set_add(&set, 5, "a", "c");
	repo_set_add(&set, 3, "K", "two");
	repo_set_add(&set, 4, "A", "b");
	repo_set_finish(&set);
	CHECK("count", set.count == ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted) && i < set.count; i++)
		CHECK_TEXT(wanted[i], repo_set_name(&set, i), wanted[i]);
	CHECK("ids go with names", set.list[4].id == 7 && set.list[2].id == 2);
}

static void test_repo_set_lets_no_name_in_that_needs_escaping(void)
{
	static const struct {
		const char *name;
		int64_t id;
		const char *key;
		const char *slug;
		bool is_in;
	} rows[] = {
		{"usual", 1, "K", "s", true},
		{"largest id", 4294967295, "K", "s", true},
		{"no id", 0, "K", "s", false},
		{"negative id", -1, "K", "s", false},
		{"id too large", 4294967296, "K", "s", false},
		{"no key", 1, NULL, "s", false},
		{"empty slug", 1, "K", "", false},
		{"quote", 1, "K", "a\"b", false},
		{"backslash", 1, "K\\", "s", false},
		{"slash", 1, "K/x", "s", false},
		{"control", 1, "K", "a\nb", false},
		{"beyond ASCII", 1, "K", "\xC3\xA9", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(repo_set_done) struct repo_set set = {0};
		repo_set_add(&set, rows[i].id, rows[i].key, rows[i].slug);
		repo_set_finish(&set);
		CHECK(rows[i].name, set.count == (rows[i].is_in ? 1 : 0));
	}
}

static void test_repo_set_names_have_a_length(void)
{
	CLEANUP(repo_set_done) struct repo_set set = {0};
	char slug[130];
	for (size_t len = 127; len <= 129; len++) {
		for (size_t i = 0; i < len; i++)
			slug[i] = 's';
		slug[len] = '\0';
		repo_set_add(&set, (int64_t)len, "K", slug);
	}
	CHECK("128 characters are the most", set.count == 2);
}

static void test_repo_set_is_cut_and_small(void)
{
	CLEANUP(repo_set_done) struct repo_set set = {0};
	char slug[32];
	for (int i = 0; i <= REPO_SET_MAX; i++) {
		(void)snprintf(slug, sizeof(slug), "service-%d", i);
		repo_set_add(&set, i + 1, "KEY", slug);
	}
	CHECK("cut", set.is_cut && set.count == REPO_SET_MAX);
	repo_set_finish(&set);
	size_t bytes = set.size * sizeof(*set.list) + set.names.size;
	CHECK("30 bytes each", bytes <= (size_t)30 * REPO_SET_MAX);
}

void suite_repo_set(void);

void suite_repo_set(void)
{
	CU_pSuite suite = CU_add_suite("repo_set", NULL, NULL);
	CU_ADD_TEST(suite, test_repo_set_sorts_without_case_and_drops_repetitions);
	CU_ADD_TEST(suite, test_repo_set_lets_no_name_in_that_needs_escaping);
	CU_ADD_TEST(suite, test_repo_set_names_have_a_length);
	CU_ADD_TEST(suite, test_repo_set_is_cut_and_small);
}
