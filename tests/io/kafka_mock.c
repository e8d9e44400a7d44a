/* The mock cluster and the collector of reports. */
#include "tests/io/kafka_mock.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/banned.h"

void kafka_mock_init(struct kafka_mock *mock, const char *topic, int partitions)
{
	char reason[160];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(conf, NULL);
	mock->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
	CU_ASSERT_PTR_NOT_NULL_FATAL(mock->owner);
	mock->cluster = rd_kafka_mock_cluster_new(mock->owner, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mock->cluster);
	rd_kafka_mock_group_initial_rebalance_delay_ms(mock->cluster, 0);
	CU_ASSERT_EQUAL(rd_kafka_mock_topic_create(mock->cluster, topic, partitions, 1), 0);
	/* The mock ends a rebalance one second before the session timeout. */
	kafka_mock_write_config("session.timeout.ms=2500\nheartbeat.interval.ms=100\n", mock->properties);
	mock->config = (struct kafka_cluster){
		.brokers = rd_kafka_mock_cluster_bootstraps(mock->cluster),
		.client_id = "test",
		.config_file = mock->properties,
	};
}

void kafka_mock_done(struct kafka_mock *mock)
{
	if (mock->cluster) rd_kafka_mock_cluster_destroy(mock->cluster);
	if (mock->owner) rd_kafka_destroy(mock->owner);
	if (mock->properties[0] != '\0') (void)unlink(mock->properties);
	*mock = (struct kafka_mock){0};
}

void kafka_reports_init(struct kafka_reports *reports)
{
	*reports = (struct kafka_reports){.good = 0};
	(void)pthread_mutex_init(&reports->mutex, NULL);
	(void)pthread_cond_init(&reports->changed, NULL);
}

void kafka_reports_add(void *context, void *opaque, const struct err *failure)
{
	struct kafka_reports *reports = context;
	(void)pthread_mutex_lock(&reports->mutex);
	if (failure) {
		reports->failed++;
		reports->last_failure = *failure;
	} else {
		reports->good++;
	}
	reports->last_opaque = opaque;
	reports->last_thread = pthread_self();
	(void)pthread_cond_broadcast(&reports->changed);
	(void)pthread_mutex_unlock(&reports->mutex);
}

bool kafka_reports_wait(struct kafka_reports *reports, size_t good, size_t failed)
{
	struct timespec deadline;
	(void)clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += KAFKA_MOCK_WAIT_MS / 1000;
	(void)pthread_mutex_lock(&reports->mutex);
	while (reports->good < good || reports->failed < failed) {
		if (pthread_cond_timedwait(&reports->changed, &reports->mutex, &deadline) != 0) break;
	}
	bool is_there = reports->good >= good && reports->failed >= failed;
	(void)pthread_mutex_unlock(&reports->mutex);
	return is_there;
}

struct kafka_producer *kafka_mock_producer(const struct kafka_mock *mock, struct kafka_reports *reports)
{
	struct kafka_producer *producer = NULL;
	struct err err = {0};
	const struct kafka_producer_options options = {
		.cluster = mock->config,
		.report = kafka_reports_add,
		.context = reports,
	};
	CU_ASSERT_TRUE_FATAL(kafka_producer_new(&options, &producer, &err));
	return producer;
}

bool kafka_mock_send(struct kafka_producer *producer, const char *topic, const char *key, const char *text)
{
	const struct kafka_record record = {
		.topic = topic,
		.key = bytes_text(key),
		.value = bytes_text(text),
	};
	return kafka_producer_send(producer, &record, NULL, NULL);
}

bool kafka_mock_fill(const struct kafka_mock *mock, const char *topic, int32_t partition, size_t count)
{
	char text[24];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	(void)rd_kafka_conf_set(conf, "bootstrap.servers", mock->config.brokers, NULL, 0);
	(void)rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rk);
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	bool is_filled = rkt != NULL;
	for (size_t i = 0; is_filled && i < count; i++) {
		(void)snprintf(text, sizeof(text), "%zu", i);
		is_filled = rd_kafka_produce(rkt, partition, RD_KAFKA_MSG_F_COPY, text, strlen(text), NULL, 0, NULL) == 0;
	}
	is_filled = is_filled && rd_kafka_flush(rk, KAFKA_MOCK_WAIT_MS) == 0;
	rd_kafka_topic_destroy(rkt);
	rd_kafka_destroy(rk);
	return is_filled;
}

void kafka_mock_write_config(const char *text, char ret[64])
{
	(void)snprintf(ret, 64, "/tmp/ohdc-kafka-XXXXXX");
	int fd = mkstemp(ret);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}
