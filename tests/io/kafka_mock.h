#ifndef OHDC_TESTS_IO_KAFKA_MOCK_H
#define OHDC_TESTS_IO_KAFKA_MOCK_H

/* librdkafka's broker in memory, and a place where delivery reports are waited for. */

#include "common/io/kafka.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KAFKA_MOCK_WAIT_MS = 30000, /* longest wait for anything; then the test fails */
	KAFKA_MOCK_PRODUCE = 0,     /* protocol number of the Produce request */
};

/** One broker; `config` leads to it. */
struct kafka_mock {
	rd_kafka_t *owner;
	rd_kafka_mock_cluster_t *cluster;
	struct kafka_cluster config;
	char properties[64]; /* path of the properties file */
};

/** Start a cluster of one broker with one topic. */
void kafka_mock_init(struct kafka_mock *mock, const char *topic, int partitions);

/** Stop it (cleanup function). */
void kafka_mock_done(struct kafka_mock *mock);

/** What the delivery reports said. */
struct kafka_reports {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t good;
	size_t failed;
	void *last_opaque;
	pthread_t last_thread;
	struct err last_failure;
};

/** Start with none. */
void kafka_reports_init(struct kafka_reports *reports);

/** The report function; its context is a struct kafka_reports. */
void kafka_reports_add(void *context, void *opaque, const struct err *failure);

/** Wait until `good` and `failed` reports have come; false: they did not in time. */
bool kafka_reports_wait(struct kafka_reports *reports, size_t good, size_t failed);

/** New producer to the mock cluster; NULL: the test fails. */
struct kafka_producer *kafka_mock_producer(const struct kafka_mock *mock, struct kafka_reports *reports);

/** Send a text with a key; whether it was taken. */
bool kafka_mock_send(struct kafka_producer *producer, const char *topic, const char *key, const char *text);

/** Produce `count` records "0", "1", … to one partition and wait until they are there. */
bool kafka_mock_fill(const struct kafka_mock *mock, const char *topic, int32_t partition, size_t count);

/** Write a properties file and give its path in `ret`. */
void kafka_mock_write_config(const char *text, char ret[64]);

#endif
