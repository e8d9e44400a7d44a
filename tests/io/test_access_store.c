/* access_store: what is written is listed, each change has its audit, nothing half. */
#include "common/connect/access_store.h"

#include "common/base/json_field.h"
#include "tests/io/linker_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define ORG "00000000-0000-4000-8000-00000000000a"

static json_t *rules_of(struct linker_bench *bench, int64_t instance_id)
{
	json_t *rules = NULL;
	struct err err = {0};
	CHECK(err.message, access_list(bench->pool, instance_id, &rules, &err));
	return rules;
}

static void test_access_store_keeps_rules(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	struct err err = {0};
	linker_bench_init(&bench);
	json_auto_t *none = rules_of(&bench, 0);
	CU_ASSERT_EQUAL(json_array_size(none), 0);
	CU_ASSERT_TRUE(json_is_array(none));

	CU_ASSERT_TRUE(access_add(bench.pool, "u-1", 1, "deny", "project", " proj ", &err));
	CU_ASSERT_TRUE(access_add(bench.pool, "u-1", 1, "deny", "project", "PROJ", &err));
	CU_ASSERT_TRUE(access_add(bench.pool, "u-1", 1, "allow", "repository", "PROJ/app", &err));
	json_auto_t *rules = rules_of(&bench, 1);
	CU_ASSERT_EQUAL_FATAL(json_array_size(rules), 2);
	const json_t *first = json_array_get(rules, 0);
	CU_ASSERT_STRING_EQUAL(json_text_at(first, "effect"), "deny");
	CU_ASSERT_STRING_EQUAL(json_text_at(first, "kind"), "project");
	CU_ASSERT_STRING_EQUAL(json_text_at(first, "value"), "PROJ");
	CU_ASSERT_STRING_EQUAL(json_text_at(first, "provider"), "jira");
	CU_ASSERT_EQUAL(json_int_at(first, "instance_id", 0), 1);
	CU_ASSERT_PTR_NOT_NULL(json_text_at(first, "server"));
	json_auto_t *others = rules_of(&bench, 2);
	CU_ASSERT_EQUAL(json_array_size(others), 0);
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from audit where action ="
						    " 'access.add' and operator = 'u-1'"),
			2);

	int64_t id = json_int_at(first, "id", 0);
	CU_ASSERT_TRUE(access_remove(bench.pool, "u-2", id, &err));
	CU_ASSERT_FALSE(access_remove(bench.pool, "u-2", id, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
	CU_ASSERT_TRUE(linker_bench_is(&bench,
				       "select detail->>'value' from audit where action ="
				       " 'access.remove'",
				       "PROJ"));
}

static void test_access_store_refuses(void)
{
	static const struct {
		const char *name;
		int64_t instance_id;
		const char *effect;
		const char *kind;
		const char *value;
		enum err_code code;
	} rows[] = {
		{"no such server", 7, "deny", "project", "PROJ", ERR_NOT_FOUND},
		{"another effect", 1, "maybe", "project", "PROJ", ERR_INPUT},
		{"no effect", 1, NULL, "project", "PROJ", ERR_INPUT},
		{"another kind", 1, "deny", "planet", "PROJ", ERR_INPUT},
		{"a value that is none", 1, "deny", "repository", "PROJ", ERR_INPUT},
	};
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	linker_bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		CHECK(rows[i].name, !access_add(bench.pool, "u-1", rows[i].instance_id, rows[i].effect, rows[i].kind,
						rows[i].value, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
	}
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from audit"), 0);
}

static void test_org_map_keeps_organisations(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	struct err err = {0};
	json_auto_t *map = NULL;
	linker_bench_init(&bench);
	CU_ASSERT_TRUE(org_map_set(bench.pool, "u-1", 1, "proj", ORG, &err));
	CU_ASSERT_TRUE(org_map_set(bench.pool, "u-1", 1, "PROJ", "00000000-0000-4000-8000-00000000000b", &err));
	CU_ASSERT_TRUE_FATAL(org_map_list(bench.pool, &map, &err));
	CU_ASSERT_EQUAL_FATAL(json_array_size(map), 1);
	const json_t *first = json_array_get(map, 0);
	CU_ASSERT_STRING_EQUAL(json_text_at(first, "project"), "PROJ");
	CU_ASSERT_STRING_EQUAL(json_text_at(first, "org_id"), "00000000-0000-4000-8000-00000000000b");
	CU_ASSERT_FALSE(org_map_set(bench.pool, "u-1", 1, "PROJ", "acme", &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_FALSE(org_map_set(bench.pool, "u-1", 9, "PROJ", ORG, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
	CU_ASSERT_TRUE(org_map_unset(bench.pool, "u-1", 1, "Proj", &err));
	CU_ASSERT_FALSE(org_map_unset(bench.pool, "u-1", 1, "PROJ", &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from audit"), 3);
}

void suite_access_store(void);

void suite_access_store(void)
{
	CU_pSuite suite = CU_add_suite("access_store", NULL, NULL);
	CU_ADD_TEST(suite, test_access_store_keeps_rules);
	CU_ADD_TEST(suite, test_access_store_refuses);
	CU_ADD_TEST(suite, test_org_map_keeps_organisations);
}
