/* db: values there and back, one meaning for each failure, connections that come back. */
#include "common/base/mem.h"
#include "common/io/db.h"
#include "common/io/sysclock.h"
#include "tests/io/scratch_db.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "common/base/banned.h"

enum { WAIT_MS = 5000 };

static struct db *borrow(struct db_pool *pool)
{
	struct db *db = NULL;
	struct err err = {0};
	if (!db_borrow(pool, WAIT_MS, &db, &err)) (void)printf("  %s\n", err.message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(db);
	return db;
}

static void run(struct db *db, const char *sql)
{
	struct err err = {0};
	if (!db_script(db, sql, &err)) (void)printf("  %s\n", err.message);
	CU_ASSERT_EQUAL_FATAL(err.code, ERR_NONE);
}

static int64_t read_int(struct db_pool *pool, const char *sql)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CU_ASSERT_TRUE_FATAL(db_query(pool, sql, NULL, &rows, NULL));
	return db_int(&rows, 0, 0);
}

/* --- values ------------------------------------------------------------------------------------- */

static void test_db_values_come_back(void)
{
	static const char sql[] = "SELECT $1::text, $2::bigint, $3::bigint, $4::boolean, $5::text,"
				  " encode($6::bytea, 'hex'), encode($7::bytea, 'hex'), $8::bytea IS NULL";
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	const char *text = "a 'quoted' \\ \xc3\xa9 \xf0\x9f\x99\x82";
	uint8_t *bytes = NULL;
	size_t len = 0;
	scratch_db_init(&scratch, 1);
	const struct db_params *params = DB_PARAMS(text, INT64_MIN, INT64_MAX, true, NULL, bytes_of("\0\xff\n", 3),
						   bytes_of("", 0), bytes_of(NULL, 0));
	CU_ASSERT_TRUE_FATAL(db_query(scratch.pool, sql, params, &rows, NULL));
	CU_ASSERT_EQUAL(rows.count, 1);
	CU_ASSERT_STRING_EQUAL(db_text(&rows, 0, 0), text);
	CU_ASSERT_EQUAL(db_int(&rows, 0, 1), INT64_MIN);
	CU_ASSERT_EQUAL(db_int(&rows, 0, 2), INT64_MAX);
	CU_ASSERT_TRUE(db_bool(&rows, 0, 3));
	CU_ASSERT_TRUE(db_is_null(&rows, 0, 4));
	CU_ASSERT_STRING_EQUAL(db_text(&rows, 0, 4), "");
	CU_ASSERT_EQUAL(db_int(&rows, 0, 4), 0);
	CU_ASSERT_FALSE(db_bool(&rows, 0, 4));
	CU_ASSERT_FALSE(db_hex(&rows, 0, 4, &bytes, &len));
	CU_ASSERT_TRUE_FATAL(db_hex(&rows, 0, 5, &bytes, &len));
	CU_ASSERT_TRUE(len == 3 && memcmp(bytes, "\0\xff\n", 3) == 0);
	mem_free(bytes);
	CU_ASSERT_TRUE_FATAL(db_hex(&rows, 0, 6, &bytes, &len));
	CU_ASSERT_EQUAL(len, 0);
	mem_free(bytes);
	CU_ASSERT_TRUE(db_bool(&rows, 0, 7));
}

static void test_db_session_is_set_up(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	scratch_db_init(&scratch, 1);
	CU_ASSERT_TRUE_FATAL(db_query(scratch.pool,
				      "SELECT current_setting('TimeZone'),"
				      " current_setting('client_encoding'),"
				      " current_setting('application_name'),"
				      " current_setting('statement_timeout')",
				      NULL, &rows, NULL));
	CU_ASSERT_STRING_EQUAL(db_text(&rows, 0, 0), "UTC");
	CU_ASSERT_STRING_EQUAL(db_text(&rows, 0, 1), "UTF8");
	CU_ASSERT_STRING_EQUAL(db_text(&rows, 0, 2), "test");
	CU_ASSERT_STRING_EQUAL(db_text(&rows, 0, 3), "15s");
}

static void test_db_counts_changed_rows(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	scratch_db_init(&scratch, 1);
	CU_ASSERT_TRUE(db_query(scratch.pool, "CREATE TABLE t (n int)", NULL, NULL, NULL));
	CU_ASSERT_TRUE(db_query(scratch.pool, "INSERT INTO t VALUES (1), (2), (3)", NULL, &rows, NULL));
	CU_ASSERT_EQUAL(rows.count, 3);
}

/* A text that changes under its address is a mistake, but must not run the old statement. */
static void test_db_prepares_by_address_and_text(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	char texts[200][32];
	char changing[32] = "SELECT 1";
	scratch_db_init(&scratch, 1);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			(void)snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
			CU_ASSERT_EQUAL(read_int(scratch.pool, texts[i]), i);
		}
	}
	struct db_pool *pool = scratch_db_pool(&scratch, 1, 0);
	CU_ASSERT_EQUAL(read_int(pool, changing), 1);
	(void)snprintf(changing, sizeof(changing), "SELECT 2");
	CU_ASSERT_EQUAL(read_int(pool, changing), 2);
	CU_ASSERT_EQUAL(read_int(pool, "SELECT count(*) FROM pg_prepared_statements"), 3);
	db_pool_free(pool);
}

/* --- failures ----------------------------------------------------------------------------------- */

static void test_db_names_failures(void)
{
	static const struct {
		const char *name;
		const char *sql;
		enum err_code code;
		const char *state;
	} rows[] = {
		{"unique", "INSERT INTO t VALUES (1)", ERR_CONFLICT, "23505"},
		{"serialization", "SELECT fail('40001')", ERR_CONFLICT, "40001"},
		{"deadlock", "SELECT fail('40P01')", ERR_CONFLICT, "40P01"},
		{"lock", "SELECT fail('55P03')", ERR_CONFLICT, "55P03"},
		{"number", "SELECT ('hunter' || '2')::int", ERR_INPUT, "22P02"},
		{"division", "SELECT 1 / (n - n) FROM t", ERR_INPUT, "22012"},
		{"timeout", "SELECT pg_sleep(10)", ERR_TIMEOUT, "57014"},
		{"not null", "INSERT INTO t VALUES (NULL)", ERR_INTERNAL, "23502"},
		{"syntax", "SELEKT", ERR_INTERNAL, "42601"},
		{"no table", "SELECT * FROM nowhere", ERR_INTERNAL, "42P01"},
		{"disk", "SELECT fail('53100')", ERR_BUSY, "53100"},
		{"standby", "SELECT fail('25006')", ERR_NETWORK, ""},
		{"standby, write", "INSERT INTO t SELECT fail('25006')", ERR_NETWORK, ""},
		{"shutdown", "SELECT fail('57P01')", ERR_NETWORK, ""},
		{"shutdown, write", "INSERT INTO t SELECT fail('57P01')", ERR_UNCERTAIN, ""},
	};
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	scratch_db_init(&scratch, 1);
	struct db_pool *pool = scratch_db_pool(&scratch, 1, 200);
	struct db *db = borrow(pool);
	run(db, "CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1);"
		"CREATE FUNCTION fail(state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
		" RAISE EXCEPTION 'as asked' USING ERRCODE = state; END $$");
	db_return(&db);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		CHECK(rows[i].name, !db_query(pool, rows[i].sql, NULL, NULL, &err));
		CHECK(err.message, err.code == rows[i].code);
		CHECK(err.message, strstr(err.message, rows[i].state) != NULL);
		CHECK(err.message, strstr(err.message, "hunter2") == NULL);
		CHECK(rows[i].name, read_int(pool, "SELECT count(*) FROM t") == 1);
	}
	db_pool_free(pool);
}

static void test_db_lost_connections_tell_what_may_have_happened(void)
{
	static const struct {
		const char *name;
		const char *begin; /* run before the connection is lost */
		const char *sql;   /* NULL: commit */
		enum err_code code;
	} rows[] = {
		{"read", "", "SELECT 1", ERR_NETWORK},
		{"write in a transaction", "BEGIN", "INSERT INTO t VALUES (1)", ERR_NETWORK},
		{"write by itself", "", "INSERT INTO t VALUES (1)", ERR_UNCERTAIN},
		{"commit", "BEGIN; INSERT INTO t VALUES (1)", NULL, ERR_UNCERTAIN},
	};
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	scratch_db_init(&scratch, 1);
	CU_ASSERT_TRUE(db_query(scratch.pool, "CREATE TABLE t (n int)", NULL, NULL, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct db *db = borrow(scratch.pool);
		struct err err = {0};
		int64_t generation = db_pool_generation(scratch.pool);
		/* Prepared before, so that it is the statement itself that meets the lost connection. */
		CU_ASSERT_TRUE(db_begin(db, NULL) && db_commit(db, NULL) && db_begin(db, NULL));
		CU_ASSERT_TRUE(!rows[i].sql || db_run(db, rows[i].sql, NULL, NULL, NULL));
		run(db, "ROLLBACK");
		run(db, rows[i].begin);
		scratch_db_kill(&scratch, db);
		bool is_done = rows[i].sql ? db_run(db, rows[i].sql, NULL, NULL, &err) : db_commit(db, &err);
		CHECK(rows[i].name, !is_done);
		CHECK(rows[i].name, err.code == rows[i].code);
		CHECK(rows[i].name, !db_run(db, "SELECT 1", NULL, NULL, &err));
		db_return(&db);
		CHECK(rows[i].name, read_int(scratch.pool, "SELECT count(*) FROM t") == 0);
		CHECK(rows[i].name, db_pool_generation(scratch.pool) == generation + 1);
	}
}

/* A connection that died in the pool is noticed before it is lent. */
static void test_db_does_not_lend_dead_connections(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	scratch_db_init(&scratch, 1);
	struct db *db = borrow(scratch.pool);
	struct db *same = db;
	scratch_db_kill(&scratch, db);
	db_return(&db);
	CU_ASSERT_PTR_NULL(db);
	db = borrow(scratch.pool);
	CU_ASSERT_PTR_EQUAL(db, same);
	run(db, "SELECT 1");
	db_return(&db);
	CU_ASSERT_EQUAL(db_pool_generation(scratch.pool), 2);
}

/* A server process that is stopped keeps its connection and says nothing. */
static void test_db_gives_a_silent_server_up(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	struct err err = {0};
	scratch_db_init(&scratch, 1);
	struct db_pool *pool = scratch_db_pool(&scratch, 1, 100);
	struct db *db = borrow(pool);
	CU_ASSERT_TRUE(db_run(db, "SELECT pg_backend_pid()", NULL, &rows, NULL));
	pid_t pid = (pid_t)db_int(&rows, 0, 0);
	CU_ASSERT_EQUAL_FATAL(kill(pid, SIGSTOP), 0);
	CU_ASSERT_FALSE(db_run(db, "SELECT 1", NULL, NULL, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NETWORK);
	(void)kill(pid, SIGCONT);
	db_return(&db);
	CU_ASSERT_EQUAL(read_int(pool, "SELECT 3"), 3);
	db_pool_free(pool);
}

static void test_db_tells_why_it_cannot_connect(void)
{
	struct db_pool *pool = NULL;
	struct err err = {0};
	struct db *db = NULL;
	struct db_options options = {.url = "postgresql://u:hunter2@127.0.0.1:1/x", .program = "t", .size = 1};
	CU_ASSERT_TRUE_FATAL(db_pool_new(&options, &pool, &err));
	CU_ASSERT_FALSE(db_borrow(pool, WAIT_MS, &db, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NETWORK);
	CU_ASSERT_PTR_NULL(strstr(err.message, "hunter2"));
	CU_ASSERT_EQUAL(db_pool_generation(pool), 0);
	db_pool_free(pool);

	options.url = "postgresql://u:hunter2@[/x";
	CU_ASSERT_FALSE(db_pool_new(&options, &pool, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_PTR_NULL(strstr(err.message, "hunter2"));
	options = (struct db_options){.url = "postgresql://h/x", .size = 33};
	CU_ASSERT_FALSE(db_pool_new(&options, &pool, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
}

/* --- transactions and the pool ------------------------------------------------------------------ */

static void test_db_return_rolls_back(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	scratch_db_init(&scratch, 1);
	CU_ASSERT_TRUE(db_query(scratch.pool, "CREATE TABLE t (n int)", NULL, NULL, NULL));
	for (int round = 0; round < 2; round++) {
		struct db *db = borrow(scratch.pool);
		CU_ASSERT_TRUE(db_begin(db, NULL));
		CU_ASSERT_TRUE(db_run(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL));
		/* The second time the transaction has failed already. */
		CU_ASSERT_TRUE(round == 0 || !db_run(db, "SELECT 1/0", NULL, NULL, NULL));
		db_return(&db);
	}
	CU_ASSERT_EQUAL(read_int(scratch.pool, "SELECT count(*) FROM t"), 0);
	CU_ASSERT_EQUAL(db_pool_generation(scratch.pool), 1);
}

static void test_db_commit_of_a_failed_transaction_fails(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct err err = {0};
	scratch_db_init(&scratch, 1);
	CU_ASSERT_TRUE(db_query(scratch.pool, "CREATE TABLE t (n int)", NULL, NULL, NULL));
	struct db *db = borrow(scratch.pool);
	CU_ASSERT_TRUE(db_begin(db, NULL));
	CU_ASSERT_TRUE(db_run(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL));
	CU_ASSERT_FALSE(db_run(db, "SELECT 1/0", NULL, NULL, NULL));
	CU_ASSERT_FALSE(db_commit(db, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	CU_ASSERT_TRUE(db_begin(db, NULL));
	CU_ASSERT_TRUE(db_run(db, "INSERT INTO t VALUES (2)", NULL, NULL, NULL));
	CU_ASSERT_TRUE(db_commit(db, NULL));
	db_return(&db);
	CU_ASSERT_EQUAL(read_int(scratch.pool, "SELECT sum(n) FROM t"), 2);
}

static void *return_later(void *context)
{
	struct db *db = context;
	run(db, "SELECT pg_sleep(0.05)");
	db_return(&db);
	return NULL;
}

static void test_db_borrow_waits_for_a_free_one(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	struct db *other = NULL;
	struct err err = {0};
	pthread_t thread;
	scratch_db_init(&scratch, 1);
	struct db *db = borrow(scratch.pool);
	int64_t before_ms = sysclock_monotonic_ms();
	CU_ASSERT_FALSE(db_borrow(scratch.pool, 30, &other, &err));
	CU_ASSERT_EQUAL(err.code, ERR_BUSY);
	CU_ASSERT_TRUE(sysclock_monotonic_ms() - before_ms >= 30);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, return_later, db), 0);
	CU_ASSERT_TRUE(db_borrow(scratch.pool, WAIT_MS, &other, &err));
	(void)pthread_join(thread, NULL);
	db_return(&other);
}

static void *count_up(void *context)
{
	for (int i = 0; i < 50; i++)
		CU_ASSERT_TRUE(db_query(context, "UPDATE t SET n = n + 1", NULL, NULL, NULL));
	return NULL;
}

static void test_db_pool_is_shared_by_threads(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	pthread_t threads[6];
	scratch_db_init(&scratch, 3);
	CU_ASSERT_TRUE(db_query(scratch.pool, "CREATE TABLE t AS SELECT 0 AS n", NULL, NULL, NULL));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, count_up, scratch.pool), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		(void)pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(read_int(scratch.pool, "SELECT n FROM t"), 300);
	CU_ASSERT_TRUE(db_pool_generation(scratch.pool) <= 3);
}

/* --- notifications ------------------------------------------------------------------------------ */

static void test_db_hears_notifications(void)
{
	CLEANUP(scratch_db_done) struct scratch_db scratch = {0};
	CLEANUP(mem_free_text) char *payload = NULL;
	struct err err = {0};
	scratch_db_init(&scratch, 2);
	CU_ASSERT_EQUAL(read_int(scratch.pool, "SELECT 1"), 1);
	struct db *db = borrow(scratch.pool);
	CU_ASSERT_TRUE(db_listen(db, "ohdc_test", &err));
	CU_ASSERT_TRUE(db_wait_notification(db, 0, &payload, &err));
	CU_ASSERT_PTR_NULL(payload);
	CU_ASSERT_TRUE(db_query(scratch.pool, "NOTIFY ohdc_test, 'hello'", NULL, NULL, NULL));
	CU_ASSERT_TRUE(db_query(scratch.pool, "NOTIFY ohdc_other, 'not this'", NULL, NULL, NULL));
	CU_ASSERT_TRUE(db_wait_notification(db, WAIT_MS, &payload, &err));
	CU_ASSERT_PTR_NOT_NULL_FATAL(payload);
	CU_ASSERT_STRING_EQUAL(payload, "hello");
	mem_free(payload);
	payload = NULL;
	CU_ASSERT_TRUE(db_wait_notification(db, 20, &payload, &err));
	CU_ASSERT_PTR_NULL(payload);
	db_return(&db);
	/* Nobody else hears what was listened for. */
	CU_ASSERT_EQUAL(read_int(scratch.pool, "SELECT count(*) FROM pg_listening_channels()"), 0);
	db = borrow(scratch.pool);
	CU_ASSERT_TRUE(db_listen(db, "ohdc_test", &err));
	scratch_db_kill(&scratch, db);
	CU_ASSERT_FALSE(db_wait_notification(db, WAIT_MS, &payload, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NETWORK);
	db_return(&db);
	CU_ASSERT_FALSE(db_listen(db = borrow(scratch.pool), "a\"; DROP", &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	db_return(&db);
}

void suite_db(void)
{
	CU_pSuite suite = CU_add_suite("db", NULL, NULL);
	CU_ADD_TEST(suite, test_db_values_come_back);
	CU_ADD_TEST(suite, test_db_session_is_set_up);
	CU_ADD_TEST(suite, test_db_counts_changed_rows);
	CU_ADD_TEST(suite, test_db_prepares_by_address_and_text);
	CU_ADD_TEST(suite, test_db_names_failures);
	CU_ADD_TEST(suite, test_db_lost_connections_tell_what_may_have_happened);
	CU_ADD_TEST(suite, test_db_does_not_lend_dead_connections);
	CU_ADD_TEST(suite, test_db_gives_a_silent_server_up);
	CU_ADD_TEST(suite, test_db_tells_why_it_cannot_connect);
	CU_ADD_TEST(suite, test_db_return_rolls_back);
	CU_ADD_TEST(suite, test_db_commit_of_a_failed_transaction_fails);
	CU_ADD_TEST(suite, test_db_borrow_waits_for_a_free_one);
	CU_ADD_TEST(suite, test_db_pool_is_shared_by_threads);
	CU_ADD_TEST(suite, test_db_hears_notifications);
}
