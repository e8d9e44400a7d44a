/* kafka_consumer: starts, goes back, shares partitions, and loses nothing on the way. */
#include "common/base/mem.h"
#include "common/io/kafka_topics.h"
#include "common/io/sysclock.h"
#include "tests/io/kafka_mock.h"
#include "tests/unit/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/banned.h"

enum { PARTITIONS_MAX = 8 };

static const char TOPIC[] = "ohdc.test";
static const char GROUP[] = "ohdc.group";

/* The database's offsets; `fails` stands for a database that is away. */
struct positions {
	int64_t offsets[PARTITIONS_MAX];
	bool fails[PARTITIONS_MAX];
	size_t asked;
};

static void no_positions(struct positions *ret)
{
	*ret = (struct positions){.asked = 0};
	for (size_t i = 0; i < PARTITIONS_MAX; i++)
		ret->offsets[i] = -1;
}

static bool give_position(void *context, const char *topic, int32_t partition, int64_t *ret, struct err *err)
{
	struct positions *positions = context;
	CU_ASSERT_STRING_EQUAL(topic, TOPIC);
	positions->asked++;
	if (positions->fails[partition]) return err_set(err, ERR_NETWORK, "database away");
	*ret = positions->offsets[partition];
	return true;
}

static struct kafka_consumer *new_consumer(const struct kafka_mock *mock, struct positions *positions)
{
	struct kafka_consumer *consumer = NULL;
	struct err err = {0};
	const struct kafka_consumer_options options = {
		.cluster = mock->config,
		.group = GROUP,
		.topic = TOPIC,
		.position = give_position,
		.context = positions,
	};
	CU_ASSERT_TRUE_FATAL(kafka_consumer_new(&options, &consumer, &err));
	return consumer;
}

/* Poll until something comes; an empty batch: nothing did in time. */
static void poll_some(struct kafka_consumer *consumer, size_t max, struct kafka_batch *ret)
{
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	struct err err = {0};
	*ret = (struct kafka_batch){0};
	while (ret->count == 0 && sysclock_monotonic_ms() < deadline_ms) {
		kafka_batch_done(ret);
		if (!kafka_consumer_poll(consumer, max, 100, ret, &err)) *ret = (struct kafka_batch){0};
	}
}

/* Count the next records of a partition as long as they come in order from `*next`. */
static size_t take_in_order(struct kafka_consumer *consumer, int32_t partition, int64_t *next, size_t wanted)
{
	size_t taken = 0;
	bool is_ordered = true;
	while (taken < wanted && is_ordered) {
		CLEANUP(kafka_batch_done) struct kafka_batch batch;
		poll_some(consumer, wanted - taken, &batch);
		for (size_t i = 0; i < batch.count && is_ordered; i++) {
			if (batch.records[i].partition != partition) continue;
			is_ordered = batch.records[i].offset == *next;
			taken += is_ordered;
			*next += is_ordered;
		}
		if (batch.count == 0) break;
	}
	return taken;
}

static int64_t committed_offset(const struct kafka_mock *mock, int32_t partition)
{
	struct kafka_partition_state states[PARTITIONS_MAX];
	size_t count = 0;
	struct err err = {0};
	if (!kafka_topic_offsets(&mock->config, TOPIC, GROUP, states, PARTITIONS_MAX, &count, &err)) return -2;
	return states[partition].committed;
}

/* Commit `count` records of partition 0 and leave. */
static void commit_some(const struct kafka_mock *mock, size_t count)
{
	struct positions positions;
	no_positions(&positions);
	struct kafka_consumer *consumer = new_consumer(mock, &positions);
	for (size_t taken = 0; taken < count;) {
		CLEANUP(kafka_batch_done) struct kafka_batch batch;
		poll_some(consumer, count - taken, &batch);
		CU_ASSERT_TRUE_FATAL(batch.count > 0);
		kafka_consumer_commit(consumer, &batch);
		taken += batch.count;
	}
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	while (committed_offset(mock, 0) != (int64_t)count && sysclock_monotonic_ms() < deadline_ms)
		;
	kafka_consumer_free(consumer);
}

/* --- the record --------------------------------------------------------------------------------- */

static void test_kafka_consumer_gives_back_what_was_sent(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_reports reports;
	struct positions positions;
	struct kafka_batch batch;
	struct kafka_record record = {
		.topic = TOPIC,
		.key = bytes_text("jira:1:10001"),
		.value = bytes_of("a\0b", 3),
		.timestamp_ms = 1795255200007,
	};
	kafka_mock_init(&mock, TOPIC, 1);
	kafka_reports_init(&reports);
	no_positions(&positions);
	kafka_record_add_header(&record, "ohdc-schema", "1.0");
	kafka_record_add_header(&record, "twice", "first");
	kafka_record_add_header(&record, "left-out", NULL);
	kafka_record_add_header(&record, "twice", "second");
	struct kafka_producer *producer = kafka_mock_producer(&mock, &reports);
	CU_ASSERT_TRUE(kafka_producer_send(producer, &record, NULL, NULL));
	struct kafka_consumer *consumer = new_consumer(&mock, &positions);
	poll_some(consumer, 10, &batch);
	CU_ASSERT_EQUAL_FATAL(batch.count, 1);
	const struct kafka_record *found = &batch.records[0];
	CU_ASSERT_STRING_EQUAL(found->topic, TOPIC);
	CU_ASSERT_TRUE(bytes_equal(found->key, record.key));
	CU_ASSERT_TRUE(bytes_equal(found->value, record.value));
	CU_ASSERT_EQUAL(found->timestamp_ms, record.timestamp_ms);
	CU_ASSERT_EQUAL(found->offset, 0);
	CU_ASSERT_EQUAL(found->header_count, 3);
	CU_ASSERT_TRUE(bytes_equal(kafka_record_header(found, "ohdc-schema"), bytes_text("1.0")));
	CU_ASSERT_TRUE(bytes_equal(kafka_record_header(found, "twice"), bytes_text("second")));
	CU_ASSERT_PTR_NULL(kafka_record_header(found, "left-out").ptr);
	kafka_batch_done(&batch);
	kafka_consumer_free(consumer);
	kafka_producer_free(producer, 1000);
}

/* A record nobody of ours would write: no key, no value, more headers than we read. */
static void test_kafka_consumer_reads_foreign_records(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct positions positions;
	struct kafka_batch batch;
	kafka_mock_init(&mock, TOPIC, 1);
	no_positions(&positions);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	(void)rd_kafka_conf_set(conf, "bootstrap.servers", mock.config.brokers, NULL, 0);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	rd_kafka_headers_t *headers = rd_kafka_headers_new(64);
	for (int i = 0; i < 64; i++)
		(void)rd_kafka_header_add(headers, "h", 1, i == 1 ? NULL : "v", i == 1 ? 0 : 1);
	const rd_kafka_vu_t values[] = {
		{RD_KAFKA_VTYPE_TOPIC, {.cstr = TOPIC}},
		{RD_KAFKA_VTYPE_HEADERS, {.headers = headers}},
	};
	CU_ASSERT_PTR_NULL(rd_kafka_produceva(rk, values, ARRAY_LEN(values)));
	(void)rd_kafka_flush(rk, KAFKA_MOCK_WAIT_MS);
	rd_kafka_destroy(rk);
	struct kafka_consumer *consumer = new_consumer(&mock, &positions);
	poll_some(consumer, 10, &batch);
	CU_ASSERT_EQUAL_FATAL(batch.count, 1);
	CU_ASSERT_EQUAL(batch.records[0].header_count, KAFKA_HEADERS_MAX);
	CU_ASSERT_EQUAL(batch.records[0].headers[1].value.len, 0);
	CU_ASSERT_EQUAL(batch.records[0].key.len, 0);
	CU_ASSERT_EQUAL(batch.records[0].value.len, 0);
	kafka_batch_done(&batch);
	kafka_consumer_free(consumer);
}

/* --- where it starts ---------------------------------------------------------------------------- */

static void test_kafka_consumer_starts_at_the_smaller_offset(void)
{
	static const struct {
		const char *name;
		size_t committed;
		int64_t position;
		int64_t start;
	} rows[] = {
		{"nothing known", 0, -1, 0},        {"group only", 6, -1, 6},  {"database only", 0, 4, 4},
		{"database behind", 6, 4, 4},       {"group behind", 6, 9, 6}, {"equal", 6, 6, 6},
		{"database at the start", 6, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
		struct positions positions;
		struct kafka_batch batch;
		kafka_mock_init(&mock, TOPIC, 1);
		CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 12));
		if (rows[i].committed > 0) commit_some(&mock, rows[i].committed);
		no_positions(&positions);
		positions.offsets[0] = rows[i].position;
		struct kafka_consumer *consumer = new_consumer(&mock, &positions);
		poll_some(consumer, 1, &batch);
		CHECK(rows[i].name, batch.count == 1 && batch.records[0].offset == rows[i].start);
		kafka_batch_done(&batch);
		kafka_consumer_free(consumer);
	}
}

static void test_kafka_consumer_waits_for_a_position(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct positions positions;
	int64_t next = 0;
	kafka_mock_init(&mock, TOPIC, 2);
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 20));
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 1, 20));
	no_positions(&positions);
	positions.fails[1] = true;
	struct kafka_consumer *consumer = new_consumer(&mock, &positions);
	for (size_t taken = 0; taken < 20;) {
		CLEANUP(kafka_batch_done) struct kafka_batch batch;
		poll_some(consumer, 7, &batch);
		for (size_t i = 0; i < batch.count; i++)
			CU_ASSERT_EQUAL(batch.records[i].partition, 0);
		taken += batch.count;
		CU_ASSERT_TRUE_FATAL(batch.count > 0);
	}
	size_t asked = positions.asked;
	struct kafka_batch batch;
	CU_ASSERT_TRUE(kafka_consumer_poll(consumer, 10, 200, &batch, NULL));
	CU_ASSERT_EQUAL(batch.count, 0);
	kafka_batch_done(&batch);
	CU_ASSERT_TRUE(positions.asked > asked);
	CU_ASSERT_EQUAL(kafka_consumer_lag(consumer), -1);

	positions.fails[1] = false;
	positions.offsets[1] = 5;
	next = 5;
	CU_ASSERT_EQUAL(take_in_order(consumer, 1, &next, 15), 15);
	kafka_consumer_free(consumer);
}

static void test_kafka_consumer_rewinds(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct positions positions;
	int64_t next = 0;
	kafka_mock_init(&mock, TOPIC, 1);
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 200));
	no_positions(&positions);
	struct kafka_consumer *consumer = new_consumer(&mock, &positions);
	/* The rest is in the fetch queue by now, and must not be delivered after going back. */
	CU_ASSERT_EQUAL(take_in_order(consumer, 0, &next, 50), 50);
	positions.offsets[0] = 20;
	CU_ASSERT_TRUE(kafka_consumer_rewind(consumer, NULL));
	next = 20;
	CU_ASSERT_EQUAL(take_in_order(consumer, 0, &next, 100), 100);

	/* While the database is away nothing comes; then from where it stands. */
	positions.fails[0] = true;
	struct err err = {0};
	CU_ASSERT_FALSE(kafka_consumer_rewind(consumer, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NETWORK);
	struct kafka_batch batch;
	CU_ASSERT_TRUE(kafka_consumer_poll(consumer, 10, 100, &batch, NULL));
	CU_ASSERT_EQUAL(batch.count, 0);
	kafka_batch_done(&batch);
	positions.fails[0] = false;
	positions.offsets[0] = -1;
	next = 0;
	CU_ASSERT_EQUAL(take_in_order(consumer, 0, &next, 200), 200);
	CU_ASSERT_EQUAL(kafka_consumer_lag(consumer), 0);
	kafka_consumer_free(consumer);
}

/* --- groups and failures ------------------------------------------------------------------------ */

/* Poll both once and mark each record. */
static void poll_both(struct kafka_consumer *const consumers[2], bool seen[4][50])
{
	struct kafka_batch batch;
	for (size_t i = 0; i < 2; i++) {
		if (!kafka_consumer_poll(consumers[i], 3, 50, &batch, NULL)) continue;
		for (size_t at = 0; at < batch.count; at++)
			seen[batch.records[at].partition][batch.records[at].offset] = true;
		kafka_consumer_commit(consumers[i], &batch);
		kafka_batch_done(&batch);
	}
}

static bool saw_all(bool seen[4][50])
{
	for (size_t i = 0; i < 4; i++) {
		for (size_t at = 0; at < 50; at++) {
			if (!seen[i][at]) return false;
		}
	}
	return true;
}

static void test_kafka_consumer_shares_partitions(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_batch old = {0};
	struct positions positions[2];
	bool seen[4][50] = {0};
	kafka_mock_init(&mock, TOPIC, 4);
	for (int32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, i, 50));
	no_positions(&positions[0]);
	no_positions(&positions[1]);
	struct kafka_consumer *first = new_consumer(&mock, &positions[0]);
	poll_some(first, 3, &old);
	CU_ASSERT_TRUE(old.count > 0);
	for (size_t i = 0; i < old.count; i++)
		seen[old.records[i].partition][old.records[i].offset] = true;
	struct kafka_consumer *const both[2] = {first, new_consumer(&mock, &positions[1])};
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	while ((!saw_all(seen) || positions[1].asked == 0) && sysclock_monotonic_ms() < deadline_ms)
		poll_both(both, seen);
	CU_ASSERT_TRUE(saw_all(seen));
	CU_ASSERT_TRUE(positions[1].asked > 0);
	/* A batch from before the rebalance can still be read and committed. */
	CU_ASSERT_TRUE(old.records[0].offset >= 0);
	kafka_consumer_commit(first, &old);
	kafka_batch_done(&old);
	kafka_consumer_free(both[1]);
	kafka_consumer_free(first);
}

static void test_kafka_consumer_survives_a_broker_that_is_away(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct positions positions;
	struct kafka_batch batch;
	int64_t next = 0;
	kafka_mock_init(&mock, TOPIC, 1);
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 10));
	no_positions(&positions);
	struct kafka_consumer *consumer = new_consumer(&mock, &positions);
	CU_ASSERT_EQUAL(take_in_order(consumer, 0, &next, 10), 10);
	CU_ASSERT_EQUAL(kafka_consumer_lag(consumer), 0);
	(void)rd_kafka_mock_broker_set_down(mock.cluster, 1);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(kafka_consumer_poll(consumer, 10, 50, &batch, NULL));
		CU_ASSERT_EQUAL(batch.count, 0);
		kafka_consumer_commit(consumer, &batch);
		kafka_batch_done(&batch);
	}
	(void)rd_kafka_mock_broker_set_up(mock.cluster, 1);
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 10));
	CU_ASSERT_EQUAL(take_in_order(consumer, 0, &next, 10), 10);
	kafka_consumer_free(consumer);
}

static void test_kafka_consumer_tells_of_a_missing_topic(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct positions positions;
	struct kafka_batch batch;
	struct err err = {0};
	kafka_mock_init(&mock, "another", 1);
	rd_kafka_mock_topic_set_error(mock.cluster, TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
	no_positions(&positions);
	struct kafka_consumer *consumer = new_consumer(&mock, &positions);
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	while (kafka_consumer_poll(consumer, 10, 100, &batch, &err) && sysclock_monotonic_ms() < deadline_ms)
		kafka_batch_done(&batch);
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, TOPIC));
	kafka_consumer_free(consumer);
}

static void test_kafka_topics_and_offsets_are_read(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_topic topics[] = {{.name = TOPIC, .partitions = 2}, {.name = "missing", .partitions = 2}};
	struct kafka_topic_state found[2];
	struct kafka_partition_state states[4];
	int32_t brokers = 0;
	size_t count = 0;
	struct err err = {0};
	kafka_mock_init(&mock, TOPIC, 2);
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 7));
	commit_some(&mock, 5);
	CU_ASSERT_TRUE(kafka_topics_sync(&mock.config, topics, 2, false, found, &brokers, &err));
	CU_ASSERT_EQUAL(brokers, 1);
	CU_ASSERT_TRUE(found[0].existed && found[0].partitions == 2 && !found[0].created);
	CU_ASSERT_TRUE(!found[1].existed && found[1].partitions == 0 && !found[1].created);
	CU_ASSERT_TRUE_FATAL(kafka_topic_offsets(&mock.config, TOPIC, GROUP, states, 4, &count, &err));
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_TRUE(states[0].low == 0 && states[0].high == 7 && states[0].committed == 5);
	CU_ASSERT_TRUE(states[1].high == 0 && states[1].committed == -1);
	CU_ASSERT_FALSE(kafka_topic_offsets(&mock.config, "missing", NULL, states, 4, &count, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
}

/* --- whose the group is ------------------------------------------------------------------------- */

static const char OURS[] = "0b54dc1e-6a2c-4e67-9c0c-6a2f1d0e8a11";
static const char THEIRS[] = "5d0c8f0e-6f6f-4d53-9f6b-2f6a1a3c7b10";

static struct kafka_consumer *new_claimant(const struct kafka_mock *mock, const char *claim)
{
	struct kafka_consumer *consumer = NULL;
	const struct kafka_consumer_options options = {
		.cluster = mock->config, .group = GROUP, .topic = TOPIC, .claim = claim};
	CU_ASSERT_TRUE_FATAL(kafka_consumer_new(&options, &consumer, NULL));
	return consumer;
}

/* Whether, in time, `own` is told of `wanted` ("": of nobody else). */
static bool comes_to_claim(const struct kafka_mock *mock, struct kafka_consumer *consumer, const char *own,
			   const char *wanted)
{
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	char other[UUID_TEXT_SIZE] = "?";
	struct err err = {0};
	while (strcmp(other, wanted) != 0 && sysclock_monotonic_ms() < deadline_ms) {
		CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
		if (consumer) CU_ASSERT_TRUE(kafka_consumer_poll(consumer, 10, 50, &batch, NULL));
		CU_ASSERT_TRUE_FATAL(kafka_claim(&mock->config, TOPIC, GROUP, own, false, other, &err));
	}
	return strcmp(other, wanted) == 0;
}

static void test_kafka_consumer_claims_its_group(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct kafka_batch batch;
	kafka_mock_init(&mock, TOPIC, 2);
	CU_ASSERT_TRUE(comes_to_claim(&mock, NULL, OURS, ""));
	/* Before the first record, and with every commit. */
	struct kafka_consumer *consumer = new_claimant(&mock, OURS);
	CU_ASSERT_TRUE(comes_to_claim(&mock, consumer, THEIRS, OURS));
	CU_ASSERT_TRUE(comes_to_claim(&mock, consumer, OURS, ""));
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 5));
	poll_some(consumer, 10, &batch);
	CU_ASSERT_TRUE(batch.count > 0);
	kafka_consumer_commit(consumer, &batch);
	kafka_batch_done(&batch);
	kafka_consumer_free(consumer);
	CU_ASSERT_TRUE(comes_to_claim(&mock, NULL, THEIRS, OURS));
	CU_ASSERT_TRUE(committed_offset(&mock, 0) > 0);
	/* Another one gets nothing. */
	consumer = new_claimant(&mock, THEIRS);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_TRUE(kafka_consumer_poll(consumer, 10, 100, &batch, NULL));
		CU_ASSERT_EQUAL(batch.count, 0);
		kafka_batch_done(&batch);
	}
	CU_ASSERT_EQUAL(kafka_consumer_lag(consumer), -1);
	kafka_consumer_free(consumer);
}

/* The lag of a partition goes with it. */
static void test_kafka_consumer_lag_moves_with_its_partitions(void)
{
	CLEANUP(kafka_mock_done) struct kafka_mock mock = {0};
	struct positions positions[2];
	struct kafka_batch batch;
	size_t passed = 0;
	kafka_mock_init(&mock, TOPIC, 2);
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 0, 400));
	CU_ASSERT_TRUE(kafka_mock_fill(&mock, TOPIC, 1, 400));
	no_positions(&positions[0]);
	no_positions(&positions[1]);
	struct kafka_consumer *both[2] = {new_consumer(&mock, &positions[0]), NULL};
	poll_some(both[0], 1, &batch);
	kafka_batch_done(&batch);
	both[1] = new_consumer(&mock, &positions[1]);
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	while ((kafka_consumer_lag(both[0]) >= 400 || kafka_consumer_lag(both[1]) <= 0) &&
	       sysclock_monotonic_ms() < deadline_ms) {
		for (size_t i = 0; i < 2; i++) {
			CU_ASSERT_TRUE(kafka_consumer_poll(both[i], 1, 20, &batch, NULL));
			passed += batch.count;
			kafka_batch_done(&batch);
		}
	}
	int64_t first = kafka_consumer_lag(both[0]);
	int64_t second = kafka_consumer_lag(both[1]);
	CU_ASSERT_TRUE(first > 0 && first < 400 && second > 0 && second <= 400);
	CU_ASSERT_TRUE(first + second <= 800 && first + second + (int64_t)passed >= 800 - 1);
	kafka_consumer_free(both[1]);
	kafka_consumer_free(both[0]);
}

void suite_kafka_consumer(void)
{
	CU_pSuite suite = CU_add_suite("kafka_consumer", NULL, NULL);
	CU_ADD_TEST(suite, test_kafka_consumer_gives_back_what_was_sent);
	CU_ADD_TEST(suite, test_kafka_consumer_reads_foreign_records);
	CU_ADD_TEST(suite, test_kafka_consumer_starts_at_the_smaller_offset);
	CU_ADD_TEST(suite, test_kafka_consumer_waits_for_a_position);
	CU_ADD_TEST(suite, test_kafka_consumer_rewinds);
	CU_ADD_TEST(suite, test_kafka_consumer_shares_partitions);
	CU_ADD_TEST(suite, test_kafka_consumer_survives_a_broker_that_is_away);
	CU_ADD_TEST(suite, test_kafka_consumer_tells_of_a_missing_topic);
	CU_ADD_TEST(suite, test_kafka_topics_and_offsets_are_read);
	CU_ADD_TEST(suite, test_kafka_consumer_claims_its_group);
	CU_ADD_TEST(suite, test_kafka_consumer_lag_moves_with_its_partitions);
}
