/* Making and dropping databases for tests. */
#include "tests/io/scratch_db.h"

#include "common/io/entropy.h"
#include "common/io/sysclock.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/banned.h"

enum { WAIT_MS = 10000 };

static void run_on_server(const char *format, const char *name)
{
	struct db_pool *pool = NULL;
	CLEANUP(db_return) struct db *db = NULL;
	char sql[160];
	struct err err = {0};
	const struct db_options options = {.url = getenv("TEST_DATABASE_URL"), .program = "test", .size = 1};
	(void)snprintf(sql, sizeof(sql), "%s \"%s\"", format, name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(options.url);
	CU_ASSERT_TRUE_FATAL(db_pool_new(&options, &pool, &err));
	bool is_done = db_borrow(pool, WAIT_MS, &db, &err) && db_script(db, sql, &err);
	if (!is_done) (void)printf("%s: %s\n", sql, err.message);
	CU_ASSERT_TRUE_FATAL(is_done);
	db_return(&db);
	db_pool_free(pool);
}

struct db_pool *scratch_db_pool(const struct scratch_db *scratch, size_t size, int64_t statement_timeout_ms)
{
	struct db_pool *pool = NULL;
	const struct db_options options = {
		.url = scratch->url, .program = "test", .size = size, .statement_timeout_ms = statement_timeout_ms};
	CU_ASSERT_TRUE_FATAL(db_pool_new(&options, &pool, NULL));
	return pool;
}

void scratch_db_init(struct scratch_db *scratch, size_t size)
{
	const char *server = getenv("TEST_DATABASE_URL");
	CU_ASSERT_PTR_NOT_NULL_FATAL(server);
	(void)snprintf(scratch->name, sizeof(scratch->name), "scratch_%08x", entropy_u32());
	run_on_server("CREATE DATABASE", scratch->name);
	(void)snprintf(scratch->url, sizeof(scratch->url), "%s%cdbname=%s", server, strchr(server, '?') ? '&' : '?',
		       scratch->name);
	scratch->pool = scratch_db_pool(scratch, size, 0);
}

void scratch_db_done(struct scratch_db *scratch)
{
	if (scratch->name[0] == '\0') return;
	db_pool_free(scratch->pool);
	run_on_server("DROP DATABASE", scratch->name);
	*scratch = (struct scratch_db){0};
}

void scratch_db_kill(const struct scratch_db *scratch, struct db *victim)
{
	struct db_pool *pool = scratch_db_pool(scratch, 1, 0);
	CLEANUP(db_rows_done) struct db_rows pid = {0};
	int64_t deadline_ms = sysclock_monotonic_ms() + WAIT_MS;
	int64_t left = 1;
	CU_ASSERT_TRUE_FATAL(db_run(victim, "SELECT pg_backend_pid()", NULL, &pid, NULL));
	const struct db_params *params = DB_PARAMS(db_int(&pid, 0, 0));
	CU_ASSERT_TRUE(db_query(pool, "SELECT pg_terminate_backend($1)", params, NULL, NULL));
	while (left > 0 && sysclock_monotonic_ms() < deadline_ms) {
		CLEANUP(db_rows_done) struct db_rows rows = {0};
		CU_ASSERT_TRUE_FATAL(
			db_query(pool, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1", params, &rows, NULL));
		left = db_int(&rows, 0, 0);
	}
	CU_ASSERT_EQUAL(left, 0);
	db_pool_free(pool);
}
