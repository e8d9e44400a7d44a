#ifndef OHDC_IO_KAFKA_H
#define OHDC_IO_KAFKA_H

/* Records, the producer, the consumer and topics of a Kafka cluster. librdkafka stays behind this header (kafka_*.c). */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KAFKA_HEADERS_MAX = 24 };

struct config;

/** Where and how to connect; texts are copied. */
struct kafka_cluster {
	const char *brokers;     /**< host:port,host:port */
	const char *config_file; /**< librdkafka properties (key=value lines: SASL, TLS), NULL: none */
	const char *client_id;
	const char *ca_file; /**< ssl.ca.location unless the file sets it; NULL: none */
	struct config *config; /**< has OHDC_KAFKA_PASSWORD, which is read again while a client lives; borrowed; NULL: none */
};

/** A record header; value borrowed. */
struct kafka_header {
	const char *name;
	struct bytes value;
};

/** A record to send, or one received; everything borrowed. */
struct kafka_record {
	const char *topic;
	struct bytes key;
	struct bytes value;
	struct kafka_header headers[KAFKA_HEADERS_MAX];
	size_t header_count;
	int32_t partition;    /**< received only */
	int64_t offset;       /**< received only */
	int64_t timestamp_ms; /**< 0 when sending: now */
};

/** Value of the last header `name`, {NULL, 0} when absent. */
NODISCARD struct bytes kafka_record_header(const struct kafka_record *record, const char *name);

/** kafka_record_add_header() for those who fill a record without knowing what it is (delivery_write() and its like). */
void kafka_record_put(void *record, const char *name, const char *value);

/** Append a text header; at most KAFKA_HEADERS_MAX, more are an internal error (asserted). NULL values are left out. */
void kafka_record_add_header(struct kafka_record *record, const char *name, const char *value);

struct kafka_producer;

/** Delivery report: `failure` NULL when all in-sync replicas have the record. Runs in the producer's own thread; must not block. */
typedef void kafka_report_fn(void *context, void *opaque, const struct err *failure);

/** Settings of a producer. */
struct kafka_producer_options {
	struct kafka_cluster cluster;
	size_t queue_bytes;           /**< bound of unsent and unconfirmed bytes; 0: 64 MiB */
	size_t message_ceiling_bytes; /**< message.max.bytes; 0: 13 MiB */
	kafka_report_fn *report;
	void *context;
};

/** New producer: acks=all, idempotence, murmur2_random, Nagle off, bounded queue; a thread of its own gives the reports. */
NODISCARD bool kafka_producer_new(const struct kafka_producer_options *options, struct kafka_producer **ret,
				  struct err *err);

/** Wait at most `flush_ms` for open reports, then free; what is still open is reported as failed. NULL is fine. */
void kafka_producer_free(struct kafka_producer *producer, int64_t flush_ms);

/** Hand a record over (copied). True: its report comes exactly once, with `opaque`. False: none comes, and ERR_BUSY (queue
 * full), ERR_INPUT (too large, unknown topic) or ERR_INTERNAL. Thread-safe. */
NODISCARD bool kafka_producer_send(struct kafka_producer *producer, const struct kafka_record *record, void *opaque,
				   struct err *err);

struct kafka_consumer;

/** Position stored elsewhere for a partition; -1: none. ERR_* : not known now. Called in the polling thread. */
typedef bool kafka_position_fn(void *context, const char *topic, int32_t partition, int64_t *ret, struct err *err);

/** Settings of a consumer. */
struct kafka_consumer_options {
	struct kafka_cluster cluster;
	const char *group;
	const char *topic;
	size_t fetch_bytes;          /**< bound of the local fetch queue; 0: 32 MiB */
	kafka_position_fn *position; /**< the database's view of where to go on */
	void *context;
	const char *claim; /**< whose the group is: put beside each offset, from the first assignment on; NULL: nobody's */
};

/** Records of one poll; borrowed from the batch until kafka_batch_done(). */
struct kafka_batch {
	struct kafka_record *records;
	size_t count;
	void *impl;
};

/**
 * New consumer: cooperative-sticky, earliest, no auto-commit, no static membership, bounded fetch queue. It joins the group with
 * its first poll.
 */
NODISCARD bool kafka_consumer_new(const struct kafka_consumer_options *options, struct kafka_consumer **ret,
				  struct err *err);

/** Leave the group and free; every batch must be done before (else it waits for them for ever). NULL is fine. */
void kafka_consumer_free(struct kafka_consumer *consumer);

/**
 * Wait at most `wait_ms` for at most `max` records. An empty batch is fine. On assignment the start is the smaller of the group's
 * committed offset and `position`; when `position` fails the partition delivers nothing until it succeeds (asked again each poll).
 * Neither does a partition whose offset carries another claim. All earlier batches must be done.
 */
NODISCARD bool kafka_consumer_poll(struct kafka_consumer *consumer, size_t max, int64_t wait_ms,
				   struct kafka_batch *ret, struct err *err);

/** Free the records. */
void kafka_batch_done(struct kafka_batch *batch);

/** Commit the position behind each partition's last record of the batch; failures are only counted (the database holds the truth). */
void kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_batch *batch);

/** Go back to the smaller of committed offset and `position` on every assigned partition (after the database was away). */
NODISCARD bool kafka_consumer_rewind(struct kafka_consumer *consumer, struct err *err);

/** Sum over assigned partitions of records not yet polled, -1 when not known. */
NODISCARD int64_t kafka_consumer_lag(struct kafka_consumer *consumer);

#endif
