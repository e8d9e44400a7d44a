#ifndef OHDC_IO_KAFKA_CLIENT_H
#define OHDC_IO_KAFKA_CLIENT_H

/* What the files of kafka_*.c share: configuration, the translation of errors, received messages. Nobody else includes it. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/uuid.h"
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

/** What a client that lives long was made from, and looks at again. Zeroed at first. */
struct kafka_watch {
	struct config *config;   /**< as in struct kafka_cluster */
	uint64_t login;          /**< digest of what password and TLS files were; 0: not looked at yet */
	struct rd_kafka_s *next; /**< made with changed ones, and not yet proved */
	int tries;               /**< to reach a broker with it */
	int64_t looked_ms;       /**< monotonic */
};

/**
 * Look, at most once a second, whether the password or a file that `client` was made from (CA, certificate, key) changed. Then a
 * second client is made; once it has reached a broker it is returned, to take the place of the first, which has the new password
 * too, for what is on its way in it; NULL: go on. Said once when it cannot be made or reaches nobody. Polling thread.
 */
NODISCARD struct rd_kafka_s *kafka_watch_turn(struct kafka_watch *watch, struct rd_kafka_s *client);

/** Free what it holds. */
void kafka_watch_done(struct kafka_watch *watch);

/** Another client like `client`, with the same callbacks. */
NODISCARD bool kafka_client_again(struct rd_kafka_s *client, struct rd_kafka_s **ret, struct err *err);

/** Whether a claim, an installation's UUID, stands beside a committed offset; written to `ret`. */
NODISCARD bool kafka_claim_read(const struct rd_kafka_topic_partition_s *at, char ret[UUID_TEXT_SIZE]);

/** Put a claim beside an offset that is to be committed. */
void kafka_claim_put(struct rd_kafka_topic_partition_s *at, const char *claim);

/** Destroy a list (cleanup function). */
CLEANUP_FUNCTION(kafka_list_done, rd_kafka_topic_partition_list_t *, rd_kafka_topic_partition_list_destroy);

/** Fill `err` with our code for librdkafka's error `resp` and "kafka: `what`: meaning of `resp`"; returns false. */
bool kafka_client_fail(struct err *err, int resp, const char *what);

/** View of a received message; borrowed from it. */
void kafka_record_from_message(const struct rd_kafka_message_s *message, struct kafka_record *ret);

#endif
