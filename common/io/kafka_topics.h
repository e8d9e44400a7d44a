#ifndef OHDC_IO_KAFKA_TOPICS_H
#define OHDC_IO_KAFKA_TOPICS_H

/* Topics and groups seen from outside: what is there, making it, how far a group is, and whose it is. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/io/kafka.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A topic as it should be. */
struct kafka_topic {
	const char *name;
	int32_t partitions;
	int32_t copies;           /**< written by kafka_topics_sync() */
	const char *config[8][2]; /**< name, value; NULL ends */
};

/** What was found or done for one topic. */
struct kafka_topic_state {
	bool existed;
	int32_t partitions; /**< as found, 0 when it did not exist */
	bool created;
	char different[200]; /**< what is not as it should be, for people; "": nothing, or not to be seen */
};

/**
 * Look at, and with `apply` create, topics, and add to each what the number of brokers decides: copies min(3, brokers),
 * min.insync.replicas 2 from 3 copies on, else 1; flush.messages=1 on a single broker.
 */
NODISCARD bool kafka_topics_sync(const struct kafka_cluster *cluster, struct kafka_topic *topics, size_t count,
				 bool apply, struct kafka_topic_state *ret, int32_t *ret_brokers, struct err *err);

/** First and next offset of every partition of a topic, and the group's committed ones, for `ohdc status`. */
struct kafka_partition_state {
	int32_t partition;
	int64_t low;
	int64_t high;
	int64_t committed; /**< -1: none */
};

/** Read them for at most `max` partitions; so many as `ret_count` says were written. */
NODISCARD bool kafka_topic_offsets(const struct kafka_cluster *cluster, const char *topic, const char *group,
				   struct kafka_partition_state *ret, size_t max, size_t *ret_count, struct err *err);

/**
 * Look whether the committed offsets of a group carry another claim (an installation's UUID) than `own`; it is written to
 * `ret_other`, "" when there is none. With `is_taking` they carry `own` afterwards, which works only while nobody is in the group.
 */
NODISCARD bool kafka_claim(const struct kafka_cluster *cluster, const char *topic, const char *group, const char *own,
			   bool is_taking, char ret_other[UUID_TEXT_SIZE], struct err *err);

#endif
