/* kafka_producer: every record that was taken gets exactly one report, whatever the broker does. */
#include "common/base/mem.h"
#include "common/io/kafka.h"
#include "common/io/sysclock.h"
#include "tests/io/kafka_mock.h"
#include "tests/unit/check.h"

#include <unistd.h>

#include "common/base/banned.h"

static const char TOPIC[] = "ohdc.test";

static void test_kafka_producer_reports_in_its_own_thread(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	int marker = 0;
	kafka_mock_init(&mock, TOPIC, 3);
	kafka_reports_init(&reports);
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	struct kafka_record record = {.topic = TOPIC, .value = bytes_text("x")};
	CU_ASSERT_TRUE(kafka_producer_send(producer, &record, &marker, NULL));
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 1, 0));
	CU_ASSERT_PTR_EQUAL(reports.last_opaque, &marker);
	CU_ASSERT_FALSE(pthread_equal(reports.last_thread, pthread_self()));
	kafka_producer_free(producer, 1000);
	CU_ASSERT_EQUAL(reports.good, 1);
	CU_ASSERT_EQUAL(reports.failed, 0);
}

static void test_kafka_producer_repeats_passing_errors(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	rd_kafka_mock_push_request_errors(mock.cluster, KAFKA_MOCK_PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
					  RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	CU_ASSERT_TRUE(kafka_mock_send(producer, TOPIC, "k", "x"));
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 1, 0));
	CU_ASSERT_EQUAL(reports.failed, 0);
	kafka_producer_free(producer, 1000);
}

static void test_kafka_producer_survives_a_broker_that_is_away(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	CU_ASSERT_TRUE(kafka_mock_send(producer, TOPIC, "k", "before"));
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 1, 0));
	CU_ASSERT_EQUAL(rd_kafka_mock_broker_set_down(mock.cluster, 1), 0);
	CU_ASSERT_TRUE(kafka_mock_send(producer, TOPIC, "k", "while away"));
	CU_ASSERT_EQUAL(rd_kafka_mock_broker_set_up(mock.cluster, 1), 0);
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 2, 0));
	CU_ASSERT_EQUAL(reports.failed, 0);
	kafka_producer_free(producer, 1000);
}

static void test_kafka_producer_goes_on_after_a_fatal_error(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	CU_ASSERT_TRUE(kafka_mock_send(producer, TOPIC, "k", "before"));
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 1, 0));
	rd_kafka_mock_push_request_errors(mock.cluster, KAFKA_MOCK_PRODUCE, 1,
					  RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	CU_ASSERT_TRUE(kafka_mock_send(producer, TOPIC, "k", "victim"));
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 1, 1));
	CHECK(reports.last_failure.message, reports.last_failure.code != ERR_INPUT);

	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	while (!kafka_mock_send(producer, TOPIC, "k", "after") && sysclock_monotonic_ms() < deadline_ms)
		(void)usleep(5000);
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 2, 1));
	kafka_producer_free(producer, 1000);
	CU_ASSERT_EQUAL(reports.good, 2);
}

static void test_kafka_producer_fails_what_is_open_at_the_end(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	(void)rd_kafka_mock_broker_set_down(mock.cluster, 1);
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_TRUE(kafka_mock_send(producer, TOPIC, "k", "lost"));
	kafka_producer_free(producer, 20);
	CU_ASSERT_EQUAL(reports.good, 0);
	CU_ASSERT_EQUAL(reports.failed, 10);
	CU_ASSERT_EQUAL(reports.last_failure.code, ERR_NETWORK);
}

static void test_kafka_producer_refuses_what_does_not_fit(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	struct kafka_producer *producer = NULL;
	struct err err = {0};
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	(void)rd_kafka_mock_broker_set_down(mock.cluster, 1);
	const struct kafka_producer_options options = {
		.cluster = mock.config,
		.queue_bytes = 16 * 1024,
		.message_ceiling_bytes = 4096,
		.report = kafka_reports_add,
		.context = &reports,
	};
	CU_ASSERT_TRUE_FATAL(kafka_producer_new(&options, &producer, &err));
	uint8_t *block = mem_zalloc(8192, 1);
	struct kafka_record record = {.topic = TOPIC, .value = bytes_of(block, 8192)};
	CU_ASSERT_FALSE(kafka_producer_send(producer, &record, NULL, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);

	record.value.len = 3000;
	size_t taken = 0;
	while (taken < 100 && kafka_producer_send(producer, &record, NULL, &err))
		taken++;
	CU_ASSERT_TRUE(taken >= 4 && taken <= 6);
	CU_ASSERT_EQUAL(err.code, ERR_BUSY);
	kafka_producer_free(producer, 0);
	CU_ASSERT_EQUAL(reports.failed, taken);
	mem_free(block);
}

static void test_kafka_producer_reports_an_unknown_topic(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	char path[64];
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	kafka_mock_write_config("topic.metadata.propagation.max.ms = 50\n", path);
	mock.config.config_file = path;
	rd_kafka_mock_topic_set_error(mock.cluster, "missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	CU_ASSERT_TRUE(kafka_mock_send(producer, "missing", "k", "x"));
	CU_ASSERT_TRUE(kafka_reports_wait(&reports, 0, 1));
	CU_ASSERT_EQUAL(reports.last_failure.code, ERR_INPUT);
	kafka_producer_free(producer, 1000);
	(void)unlink(path);
}

static void test_kafka_producer_reads_its_properties(void)
{
	static const struct {
		const char *name;
		const char *text;
		const char *named; /* in the message; NULL: accepted */
	} rows[] = {
		{"empty", "", NULL},
		{"comment", "# acks=0\n\n  # more\n", NULL},
		{"allowed", "security.protocol=plaintext\r\n socket.timeout.ms = 9000 ", NULL},
		{"consumer's", "session.timeout.ms=9000\n", NULL},
		{"acks", "acks=1\n", "'acks'"},
		{"alias of acks", "request.required.acks=1\n", "'request.required.acks'"},
		{"idempotence", "\nenable.idempotence = false\n", "line 2"},
		{"brokers", "bootstrap.servers=elsewhere:9092\n", "'bootstrap.servers'"},
		{"plug-in", "plugin.library.paths=x\n", "'plugin.library.paths'"},
		{"unknown", "no.such.property=1\n", "'no.such.property' is unknown"},
		{"no equals", "acks\n", "'=' is missing"},
		{"bad value", "security.protocol=hunter2\n", "'security.protocol' cannot"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kafka_producer *producer = NULL;
		struct kafka_reports reports;
		struct err err = {0};
		char path[64];
		kafka_reports_init(&reports);
		kafka_mock_write_config(rows[i].text, path);
		const struct kafka_producer_options options = {
			.cluster = {.brokers = "127.0.0.1:1", .config_file = path},
			.report = kafka_reports_add,
			.context = &reports,
		};
		bool is_made = kafka_producer_new(&options, &producer, &err);
		CHECK(rows[i].name, is_made == (rows[i].named == NULL));
		if (rows[i].named) CHECK(err.message, strstr(err.message, rows[i].named) != NULL);
		CHECK(rows[i].name, strstr(err.message, "hunter2") == NULL);
		kafka_producer_free(producer, 0);
		(void)unlink(path);
	}
}

void suite_kafka_producer(void)
{
	CU_pSuite suite = CU_add_suite("kafka_producer", NULL, NULL);
	CU_ADD_TEST(suite, test_kafka_producer_reports_in_its_own_thread);
	CU_ADD_TEST(suite, test_kafka_producer_repeats_passing_errors);
	CU_ADD_TEST(suite, test_kafka_producer_survives_a_broker_that_is_away);
	CU_ADD_TEST(suite, test_kafka_producer_goes_on_after_a_fatal_error);
	CU_ADD_TEST(suite, test_kafka_producer_fails_what_is_open_at_the_end);
	CU_ADD_TEST(suite, test_kafka_producer_refuses_what_does_not_fit);
	CU_ADD_TEST(suite, test_kafka_producer_reports_an_unknown_topic);
	CU_ADD_TEST(suite, test_kafka_producer_reads_its_properties);
}
