#ifndef OHDC_IO_KAFKA_CLIENT_H
#define OHDC_IO_KAFKA_CLIENT_H

/* What the files of kafka_*.c share: configuration, the translation of errors, received messages. Nobody else includes it. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/kafka.h"

#include <stddef.h>

#include <librdkafka/rdkafka.h>

/** One librdkafka property. */
struct kafka_property {
	const char *name;
	const char *value;
};

/**
 * New configuration: our defaults, then the lines of the cluster's file, then `fixed`, which the file may not touch.
 * Freed by the client made from it, else with rd_kafka_conf_destroy(). ERR_INPUT names a bad line, property or fixed one, never a value.
 */
NODISCARD bool kafka_client_conf(const struct kafka_cluster *cluster, const struct kafka_property *fixed, size_t count,
				 struct rd_kafka_conf_s **ret, struct err *err);

/** New client of a `type` (a rd_kafka_type_t) with `conf`, which is taken in any case. ERR_INPUT: it cannot be made. */
NODISCARD bool kafka_client_new(int type, struct rd_kafka_conf_s *conf, struct rd_kafka_s **ret, struct err *err);

/** Destroy a list (cleanup function). */
CLEANUP_FUNCTION(kafka_list_done, rd_kafka_topic_partition_list_t *, rd_kafka_topic_partition_list_destroy);

/** Fill `err` with our code for librdkafka's error `resp` and "kafka: `what`: meaning of `resp`"; returns false. */
bool kafka_client_fail(struct err *err, int resp, const char *what);

/** View of a received message; borrowed from it. */
void kafka_record_from_message(const struct rd_kafka_message_s *message, struct kafka_record *ret);

#endif
