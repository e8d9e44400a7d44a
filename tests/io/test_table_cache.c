/* Tables in memory: loaded at start, told of changes, loaded again after a lost connection; a writer passes readers without pause. */

#include "common/io/table_cache.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/sysclock.h"
#include "tests/io/job_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { DEADLINE_MS = 20000, READERS = 4 };

struct word {
	int64_t id;
	char *text;
};

struct bench {
	struct job_bench database;
	struct daemon *daemon;
	struct table_cache *cache;
	atomic_bool is_over;
	sigset_t signals;
};

static bool read_word(void *context, const struct db_rows *rows, int row, void *ret)
{
	struct word *word = ret;
	(void)context;
	if (db_is_null(rows, row, 1)) return false;
	*word = (struct word){db_int(rows, row, 0), db_copy(rows, row, 1)};
	return true;
}

static void word_done(void *row)
{
	mem_free(((struct word *)row)->text);
}

static int compare(const void *a, const void *b)
{
	const struct word *x = a;
	const struct word *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static void bench_init(struct bench *bench)
{
	const struct daemon_options frame = {.program = "test", .admin_listen = "127.0.0.1:0", .drain_ms = 60000};
	(void)pthread_sigmask(SIG_SETMASK, NULL, &bench->signals);
	job_bench_init(&bench->database);
	job_bench_run(&bench->database, "create table word (id bigint, text text)");
	job_bench_run(&bench->database, "insert into word values (2, 'two'), (1, 'one'), (3, null)");
	CU_ASSERT_TRUE_FATAL(daemon_new(&frame, &bench->daemon, NULL));
	const struct table_cache_options options = {
		.pool = bench->database.pool,
		.daemon = bench->daemon,
		.channel = "test_word",
		.sql = "select id, text from word",
		.row_size = sizeof(struct word),
		.read = read_word,
		.done = word_done,
		.compare = compare,
	};
	CU_ASSERT_TRUE_FATAL(table_cache_new(&options, &bench->cache, NULL));
}

static void bench_done(struct bench *bench)
{
	daemon_fail(bench->daemon, &(struct err){.message = "the test is over"});
	CU_ASSERT_EQUAL(daemon_wait(bench->daemon), DAEMON_EXIT_FAILED);
	table_cache_free(bench->cache);
	daemon_free(bench->daemon);
	job_bench_done(&bench->database);
	(void)pthread_sigmask(SIG_SETMASK, &bench->signals, NULL);
}

static bool has(struct bench *bench, int64_t id, const char *text)
{
	table_cache_acquire(bench->cache);
	const struct word *word = table_cache_find(bench->cache, &(struct word){.id = id});
	bool is_there = word && strcmp(word->text, text) == 0;
	table_cache_release(bench->cache);
	return is_there;
}

static bool will_have(struct bench *bench, int64_t id, const char *text)
{
	int64_t give_up_ms = sysclock_monotonic_ms() + DEADLINE_MS;
	while (!has(bench, id, text)) {
		if (sysclock_monotonic_ms() > give_up_ms) return false;
		daemon_pause(bench->daemon, 5);
	}
	return true;
}

static void test_table_cache_is_loaded_and_told_of_changes(void)
{
	CLEANUP(bench_done) struct bench bench = {0};
	bench_init(&bench);
	CU_ASSERT_TRUE(has(&bench, 1, "one"));
	CU_ASSERT_TRUE(has(&bench, 2, "two"));
	table_cache_acquire(bench.cache);
	CU_ASSERT_PTR_NULL(table_cache_find(bench.cache, &(struct word){.id = 3}));
	table_cache_release(bench.cache);
	/* The thread may not listen yet: said until it was heard. */
	for (int i = 0; i < 200 && !has(&bench, 4, "four"); i++) {
		job_bench_run(&bench.database, "delete from word where id = 4");
		job_bench_run(&bench.database, "insert into word values (4, 'four')");
		job_bench_run(&bench.database, "notify test_word");
		daemon_pause(bench.daemon, 20);
	}
	CU_ASSERT_TRUE(has(&bench, 4, "four"));
}

static bool is_listening(struct bench *bench)
{
	int64_t give_up_ms = sysclock_monotonic_ms() + DEADLINE_MS;
	while (job_bench_number(&bench->database, "select count(*) from pg_stat_activity where query"
						  " like 'LISTEN%' and datname = current_database()") == 0) {
		if (sysclock_monotonic_ms() > give_up_ms) return false;
		daemon_pause(bench->daemon, 5);
	}
	return true;
}

static void test_table_cache_loads_again_after_a_lost_connection(void)
{
	CLEANUP(bench_done) struct bench bench = {0};
	bench_init(&bench);
	CU_ASSERT_TRUE_FATAL(is_listening(&bench));
	job_bench_run(&bench.database, "select pg_terminate_backend(pid) from pg_stat_activity where"
				       " query like 'LISTEN%' and datname = current_database()");
	job_bench_run(&bench.database, "insert into word values (5, 'five')");
	CU_ASSERT_TRUE(will_have(&bench, 5, "five"));
}

static void *read_without_pause(void *context)
{
	struct bench *bench = context;
	while (!atomic_load(&bench->is_over)) {
		int64_t until_us = sysclock_monotonic_us() + 2000;
		table_cache_acquire(bench->cache);
		while (sysclock_monotonic_us() < until_us)
			continue;
		table_cache_release(bench->cache);
	}
	return NULL;
}

static void test_table_cache_lets_a_writer_pass_the_readers(void)
{
	CLEANUP(bench_done) struct bench bench = {0};
	pthread_t readers[READERS];
	bench_init(&bench);
	for (size_t i = 0; i < READERS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&readers[i], NULL, read_without_pause, &bench), 0);
	int64_t began_ms = sysclock_monotonic_ms();
	for (int i = 0; i < 10; i++)
		CU_ASSERT_TRUE(table_cache_reload(bench.cache, NULL));
	CU_ASSERT_TRUE(sysclock_monotonic_ms() - began_ms < DEADLINE_MS);
	atomic_store(&bench.is_over, true);
	for (size_t i = 0; i < READERS; i++)
		(void)pthread_join(readers[i], NULL);
}

void suite_table_cache(void)
{
	CU_pSuite suite = CU_add_suite("table_cache", NULL, NULL);
	CU_ADD_TEST(suite, test_table_cache_is_loaded_and_told_of_changes);
	CU_ADD_TEST(suite, test_table_cache_loads_again_after_a_lost_connection);
	CU_ADD_TEST(suite, test_table_cache_lets_a_writer_pass_the_readers);
}
