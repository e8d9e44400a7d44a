#ifndef OHDC_IO_KAFKA_ASSIGNMENT_H
#define OHDC_IO_KAFKA_ASSIGNMENT_H

/* The partitions a consumer holds, for kafka_consumer.c alone; everything in the polling thread. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/kafka.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_kafka_s;
struct rd_kafka_topic_partition_list_s;

/** An assigned partition. */
struct kafka_partition {
	int32_t id;
	int64_t next;    /**< offset of the next record, -1: not known */
	bool is_pending; /**< paused: its start is not known yet */
};

/** The assignment of one client for one topic; the first five are borrowed from the consumer. */
struct kafka_assignment {
	struct rd_kafka_s *client;
	const char *topic;
	kafka_position_fn *position; /**< NULL: the group's committed offsets alone */
	void *context;
	const char *claim;                  /**< as in struct kafka_consumer_options */
	struct kafka_partition *partitions; /**< owned */
	size_t count;
};

/** Take the partitions of `list` over, each at its start; those without a known start are paused. Spoils the offsets in `list`. */
void kafka_assignment_add(struct kafka_assignment *assignment, struct rd_kafka_topic_partition_list_s *list);

/** Commit the offsets of `list` that are known, with the claim. */
void kafka_assignment_commit(const struct kafka_assignment *assignment, struct rd_kafka_topic_partition_list_s *list);

/** Give the partitions of `list` back. */
void kafka_assignment_remove(struct kafka_assignment *assignment, struct rd_kafka_topic_partition_list_s *list);

/** Give everything back. */
void kafka_assignment_clear(struct kafka_assignment *assignment);

/** Free the memory. */
void kafka_assignment_done(struct kafka_assignment *assignment);

/** Look again for the starts that are not known, and go on where they are found. False: some are still not known, `err` says why. */
NODISCARD bool kafka_assignment_settle(struct kafka_assignment *assignment, struct err *err);

/** Go back to the start of each partition as it is known now; false as above. */
NODISCARD bool kafka_assignment_rewind(struct kafka_assignment *assignment, struct err *err);

/** A message came: whether it is to be delivered; what was fetched before a pause or a revocation comes again, here or elsewhere. */
NODISCARD bool kafka_assignment_pass(struct kafka_assignment *assignment, int32_t partition, int64_t offset);

/** Records behind what passed, as far as the last fetch answers told; -1: not known. */
NODISCARD int64_t kafka_assignment_lag(const struct kafka_assignment *assignment);

#endif
