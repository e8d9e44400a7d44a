/* The dispatcher's intake: records become jobs, what can never become one is set aside, and the partition moves on. */

#include "services/dispatcher/job_intake.h"

#include "common/base/mem.h"
#include "common/domain/topics.h"
#include "common/io/kafka_wait.h"
#include "common/io/sysclock.h"
#include "tests/io/job_bench.h"
#include "tests/io/kafka_mock.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <unistd.h>

#include "common/base/banned.h"

static const char JOBS[] = "ohdc.job.v1";
static const char LETTERS[] = "ohdc.dlq.v1";

/* A dispatcher that takes in and does nothing else. */
struct intake_bench {
	sigset_t signals;
	struct job_bench database;
	struct kafka_mock kafka;
	struct daemon *daemon;
	struct dispatcher dispatcher;
	struct workers *workers;
	struct job_intake *intake;
};

static void bench_init(struct intake_bench *bench)
{
	struct dispatcher *dispatcher = &bench->dispatcher;
	struct err err = {0};
	(void)pthread_sigmask(SIG_SETMASK, NULL, &bench->signals);
	dispatcher->metrics = metrics_new();
	const struct daemon_options frame = {
		.program = "test", .admin_listen = "127.0.0.1:0", .drain_ms = 60000, .metrics = dispatcher->metrics};
	CU_ASSERT_TRUE_FATAL(daemon_new(&frame, &bench->daemon, NULL));
	kafka_mock_init(&bench->kafka, JOBS, 1);
	CU_ASSERT_EQUAL(rd_kafka_mock_topic_create(bench->kafka.cluster, LETTERS, 1, 1), 0);
	job_bench_init(&bench->database);
	const struct kafka_producer_options kafka = {.cluster = bench->kafka.config, .report = kafka_wait_report};
	CU_ASSERT_TRUE_FATAL(kafka_producer_new(&kafka, &dispatcher->producer, &err));
	dispatcher->pool = bench->database.pool;
	dispatcher->rules = *job_bench_rules();
	dispatcher->topic_prefix = "ohdc.";
	CU_ASSERT_TRUE_FATAL(workers_new(dispatcher, bench->daemon, 0, &bench->workers, &err));
}

static void start(struct intake_bench *bench)
{
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(job_intake_new(&bench->dispatcher, &bench->kafka.config, bench->daemon, bench->workers,
					    &bench->intake, &err));
}

static void bench_done(struct intake_bench *bench)
{
	const struct err why = {.code = ERR_NONE, .message = "the test is over"};
	daemon_fail(bench->daemon, &why);
	CU_ASSERT_EQUAL(daemon_wait(bench->daemon), DAEMON_EXIT_FAILED);
	job_intake_free(bench->intake);
	workers_free(bench->workers);
	kafka_producer_free(bench->dispatcher.producer, 5000);
	daemon_free(bench->daemon);
	metrics_free(bench->dispatcher.metrics);
	job_bench_done(&bench->database);
	kafka_mock_done(&bench->kafka);
	(void)pthread_sigmask(SIG_SETMASK, &bench->signals, NULL);
}

static void send_text(struct intake_bench *bench, const char *text)
{
	const struct kafka_record record = {.topic = JOBS, .key = bytes_text("k"), .value = bytes_text(text)};
	struct err err = {0};
	CU_ASSERT_TRUE(kafka_send_and_wait(bench->dispatcher.producer, &record, KAFKA_MOCK_WAIT_MS, &err));
}

static void send_job(struct intake_bench *bench, int number, int64_t start_attempt)
{
	struct job_record record = job_bench_record(JOB_START, number);
	record.start_attempt = start_attempt;
	CLEANUP(mem_free_text) char *text = job_record_text(&record);
	send_text(bench, text);
}

/* Whether the stored position comes to `offset` in time. */
static bool comes_to(struct intake_bench *bench, int64_t offset)
{
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	int64_t found = -1;
	while (found != offset && sysclock_monotonic_ms() < deadline_ms) {
		found = job_bench_number(&bench->database, "select next_offset from consumer_offset");
		(void)usleep(20000);
	}
	return found == offset;
}

static bool read_position(void *context, const char *topic, int32_t partition, int64_t *ret, struct err *err)
{
	(void)context;
	(void)topic;
	(void)partition;
	(void)err;
	*ret = -1;
	return true;
}

/* The offsets that the dead letters name, as digits in their order. */
static void read_letters(struct intake_bench *bench, size_t count, char *ret)
{
	struct kafka_consumer *consumer = NULL;
	struct err err = {0};
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	const struct kafka_consumer_options options = {
		.cluster = bench->kafka.config, .group = "letters", .topic = LETTERS, .position = read_position};
	CU_ASSERT_TRUE_FATAL(kafka_consumer_new(&options, &consumer, &err));
	size_t found = 0;
	while (found < count && sysclock_monotonic_ms() < deadline_ms) {
		struct kafka_batch batch = {0};
		(void)!kafka_consumer_poll(consumer, 10, 200, &batch, &err);
		for (size_t i = 0; i < batch.count && found < count; i++)
			ret[found++] = (char)kafka_record_header(&batch.records[i], HEADER_DLQ_OFFSET).ptr[0];
		kafka_batch_done(&batch);
	}
	ret[found] = '\0';
	kafka_consumer_free(consumer);
}

static void test_job_intake_sets_poison_aside_and_goes_on(void)
{
	CLEANUP(bench_done) struct intake_bench bench = {0};
	char letters[8];
	bench_init(&bench);
	send_job(&bench, 1, 0);
	send_text(&bench, "not JSON");
	send_text(&bench, "{\"schema\":\"1.0\"}");
	send_job(&bench, 2, INT64_MAX); /* the database has no such number */
	send_job(&bench, 3, 0);
	start(&bench);
	CU_ASSERT_TRUE(comes_to(&bench, 5));
	CU_ASSERT_TRUE(job_bench_is(&bench.database,
				    "select string_agg(right(job_id::text, 1), '' order by job_id) from job", "13"));
	read_letters(&bench, 3, letters);
	CU_ASSERT_STRING_EQUAL(letters, "123");
}

/* A newer major schema is not poison: this program waits in front of it until it is replaced. */
static void test_job_intake_stops_before_a_newer_schema(void)
{
	CLEANUP(bench_done) struct intake_bench bench = {0};
	bench_init(&bench);
	send_job(&bench, 1, 0);
	send_text(&bench, "{\"schema\":\"2.0\",\"job_id\":\"x\"}");
	send_job(&bench, 3, 0);
	start(&bench);
	CU_ASSERT_TRUE(comes_to(&bench, 1));
	CU_ASSERT_EQUAL(job_bench_number(&bench.database, "select count(*) from job"), 1);
}

static const char sql_restore[] = "with o as (update consumer_offset set next_offset = 2) delete from job where"
				  " right(job_id::text, 1) in ('2', '3')";

static const char sql_disconnect[] =
	"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
	" and pid <> pg_backend_pid()";

/* Whether all four jobs are there in time; asks the service's own pool now and then, as its workers do. */
static bool fills_up(struct intake_bench *bench, struct db_pool *admin)
{
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	int64_t found = 0;
	while (found < 4 && sysclock_monotonic_ms() < deadline_ms) {
		CLEANUP(db_rows_done) struct db_rows rows = {0};
		struct err err = {0};
		int64_t counts[JOB_STOPPED + 1];
		(void)!job_store_count(bench->database.pool, counts, &(int64_t){0}, &err);
		CU_ASSERT_TRUE_FATAL(db_query(admin, "select count(*) from job", NULL, &rows, &err));
		found = db_int(&rows, 0, 0);
		(void)usleep(20000);
	}
	return found == 4;
}

static void test_job_intake_starts_where_the_database_stands(void)
{
	CLEANUP(bench_done) struct intake_bench bench = {0};
	bench_init(&bench);
	for (int i = 0; i < 4; i++)
		send_job(&bench, i, 0);
	start(&bench);
	CU_ASSERT_TRUE(comes_to(&bench, 4));
	/* The database is restored from before the last two, while the group's own offset stays ahead. */
	struct db_pool *admin = scratch_db_pool(&bench.database.scratch, 1, 0);
	CU_ASSERT_TRUE(db_query(admin, sql_restore, NULL, NULL, NULL));
	CU_ASSERT_TRUE(db_query(admin, sql_disconnect, NULL, NULL, NULL));
	CU_ASSERT_TRUE(fills_up(&bench, admin));
	db_pool_free(admin);
}

void suite_job_intake(void)
{
	CU_pSuite suite = CU_add_suite("job_intake", NULL, NULL);
	CU_ADD_TEST(suite, test_job_intake_sets_poison_aside_and_goes_on);
	CU_ADD_TEST(suite, test_job_intake_stops_before_a_newer_schema);
	CU_ADD_TEST(suite, test_job_intake_starts_where_the_database_stands);
}
