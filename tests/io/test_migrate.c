/* migrate: forward only, once each, one at a time, never over a changed history. */
#include "common/base/attr.h"
#include "common/io/migrate.h"
#include "tests/io/scratch_db.h"
#include "tests/unit/check.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>

#include "common/base/banned.h"

static const struct migration_file FILES[] = {
	{"0001_start", "CREATE TABLE one (n int); INSERT INTO one VALUES (1);"},
	{"0002_next", "ALTER TABLE one ADD COLUMN m int; INSERT INTO one VALUES (2, 2);"},
	{"0003_last", "CREATE TABLE three (n int);"},
};

static int64_t count_rows(struct db_pool *pool, const char *sql)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CU_ASSERT_TRUE_FATAL(db_query(pool, sql, NULL, &rows, NULL));
	return db_int(&rows, 0, 0);
}

static void test_migrate_applies_what_is_missing(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct migration_state state[3];
	struct err err = {0};
	const struct migration_set old = {FILES, 1};
	const struct migration_set now = {FILES, 3};
	scratch_db_init(&scratch, 2);
	CU_ASSERT_FALSE(migrate_check(&old, scratch.pool, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	CU_ASSERT_TRUE(migrate_run(&now, scratch.pool, false, state, &err));
	CU_ASSERT_FALSE(state[0].was_applied);
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "SELECT count(to_regclass('schema_migration'))"), 0);

	CU_ASSERT_TRUE(migrate_run(&old, scratch.pool, true, state, &err));
	CU_ASSERT_TRUE(migrate_check(&old, scratch.pool, &err));
	CU_ASSERT_FALSE(migrate_check(&now, scratch.pool, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "0002_next"));

	CU_ASSERT_TRUE(migrate_run(&now, scratch.pool, true, state, &err));
	CU_ASSERT_TRUE(state[0].was_applied && !state[1].was_applied && !state[2].was_applied);
	CU_ASSERT_TRUE(migrate_run(&now, scratch.pool, true, state, &err));
	CU_ASSERT_TRUE(state[0].was_applied && state[1].was_applied && state[2].was_applied);
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "SELECT count(*) FROM one"), 2);
	/* N runs beside N+1, and may come back after it: what N+1 added is left alone. */
	CU_ASSERT_TRUE(migrate_check(&old, scratch.pool, &err));
	CU_ASSERT_TRUE(migrate_run(&old, scratch.pool, true, state, &err));
	CU_ASSERT_TRUE(state[0].was_applied);
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "SELECT count(*) FROM schema_migration"), 3);
}

/* Nothing is put in before what somebody else has added. */
static void test_migrate_refuses_a_gap_before_newer_ones(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct migration_state state[3];
	struct err err = {0};
	const struct migration_set old = {FILES, 1};
	const struct migration_set now = {FILES, 2};
	scratch_db_init(&scratch, 2);
	CU_ASSERT_TRUE_FATAL(migrate_run(&old, scratch.pool, true, state, &err));
	CU_ASSERT_TRUE_FATAL(
		db_query(scratch.pool, "INSERT INTO schema_migration VALUES ('0009_other', 'x')", NULL, NULL, &err));
	CU_ASSERT_TRUE(migrate_run(&old, scratch.pool, true, state, &err));
	CU_ASSERT_FALSE(migrate_run(&now, scratch.pool, true, state, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	CU_ASSERT_STRING_EQUAL(err.message, "migration '0002_next' is missing, though '0009_other' was applied");
}

/* A sequence keeps its count when the transaction is undone. */
static void test_migrate_begins_again_after_a_deadlock(void)
{
	static const char text[] = "do $$ begin if nextval('tries') < %d then raise exception using errcode = "
				   "'deadlock_detected'; end if; end $$;";
	char twice[160], always[160];
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct migration_state state[2];
	struct err err = {0};
	(void)snprintf(twice, sizeof(twice), text, 3);
	(void)snprintf(always, sizeof(always), text, INT_MAX);
	const struct migration_file files[] = {{"0001_twice", twice}, {"0002_always", always}};
	const struct migration_set set = {files, 2};
	scratch_db_init(&scratch, 2);
	CU_ASSERT_TRUE_FATAL(db_query(scratch.pool, "create sequence tries", NULL, NULL, &err));
	CU_ASSERT_FALSE(migrate_run(&set, scratch.pool, true, state, &err));
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "select count(*) from schema_migration where name = '0001_twice'"), 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "0002_always"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "40P01"));
}

static void test_migrate_refuses_another_history(void)
{
	const struct migration_file changed[] = {{"0001_start", "SELECT 1;"}, FILES[1]};
	const struct migration_file between[] = {FILES[0], {"0001b_between", "SELECT 1;"}, FILES[1]};
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct migration_state state[3];
	struct err err = {0};
	const struct migration_set good = {FILES, 2};
	const struct migration_set bad[] = {{changed, 2}, {between, 3}};
	scratch_db_init(&scratch, 2);
	CU_ASSERT_TRUE(migrate_run(&good, scratch.pool, true, state, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err = (struct err){0};
		CU_ASSERT_FALSE(migrate_run(&bad[i], scratch.pool, true, state, &err));
		CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
		CU_ASSERT_FALSE(migrate_check(&bad[i], scratch.pool, &err));
		CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	}
}

static void test_migrate_leaves_nothing_of_a_failed_file(void)
{
	const struct migration_file files[] = {FILES[0], {"0002_bad", "CREATE TABLE half (n int); SELECT 1 / 0;"}};
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct migration_state state[2];
	struct err err = {0};
	const struct migration_set set = {files, 2};
	scratch_db_init(&scratch, 2);
	CU_ASSERT_FALSE(migrate_run(&set, scratch.pool, true, state, &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "0002_bad"));
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "SELECT count(to_regclass('half'))"), 0);
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "SELECT count(*) FROM schema_migration"), 1);
}

struct runner {
	pthread_t thread;
	const struct scratch_db *scratch;
	bool is_done;
};

static void *run_all(void *context)
{
	struct runner *runner = context;
	struct migration_state state[3];
	const struct migration_set set = {FILES, 3};
	struct db_pool *pool = scratch_db_pool(runner->scratch, 1, 0);
	runner->is_done = migrate_run(&set, pool, true, state, NULL);
	db_pool_free(pool);
	return NULL;
}

static void test_migrate_runs_once_of_many(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct runner runners[4];
	scratch_db_init(&scratch, 1);
	for (size_t i = 0; i < ARRAY_LEN(runners); i++) {
		runners[i] = (struct runner){.scratch = &scratch};
		CU_ASSERT_EQUAL(pthread_create(&runners[i].thread, NULL, run_all, &runners[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(runners); i++) {
		(void)pthread_join(runners[i].thread, NULL);
		CU_ASSERT_TRUE(runners[i].is_done);
	}
	CU_ASSERT_EQUAL(count_rows(scratch.pool, "SELECT count(*) FROM one"), 2);
}

/* The files that the program carries. */
static void test_migrate_embedded_files_apply(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct migration_state state[64];
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(migration_file_count <= ARRAY_LEN(state));
	scratch_db_init(&scratch, 1);
	bool is_done = migrate_run(&migration_own, scratch.pool, true, state, &err);
	CHECK(err.message, is_done);
	CHECK(err.message, migrate_check(&migration_own, scratch.pool, &err));
}

void suite_migrate(void)
{
	CU_pSuite suite = CU_add_suite("migrate", NULL, NULL);
	CU_ADD_TEST(suite, test_migrate_applies_what_is_missing);
	CU_ADD_TEST(suite, test_migrate_refuses_a_gap_before_newer_ones);
	CU_ADD_TEST(suite, test_migrate_begins_again_after_a_deadlock);
	CU_ADD_TEST(suite, test_migrate_refuses_another_history);
	CU_ADD_TEST(suite, test_migrate_leaves_nothing_of_a_failed_file);
	CU_ADD_TEST(suite, test_migrate_runs_once_of_many);
	CU_ADD_TEST(suite, test_migrate_embedded_files_apply);
}
