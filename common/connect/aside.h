#ifndef OHDC_CONNECT_ASIDE_H
#define OHDC_CONNECT_ASIDE_H

/* What linker and dispatcher do with a record that they cannot use: a dead letter, or its partition waits for a newer program. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/domain/hold.h"
#include "common/io/kafka.h"
#include "common/io/metrics.h"

#include <stdbool.h>
#include <stdint.h>

/** Where dead letters go, and how they are counted; all borrowed. */
struct aside {
	struct kafka_producer *producer; /**< made with kafka_wait_report */
	struct metrics *metrics;
	const char *topic; /**< of the dead letters */
	const char *label; /**< static, of the counter: topic="…" */
};

/** Send a record to the dead letters with the reason, and wait until it is there. */
NODISCARD bool aside_send(const struct aside *aside, const struct kafka_record *record, const struct err *why,
			  int64_t attempts, struct err *err);

/** Hold the partition of a record, which `why` says is of a newer schema. ERR_LIMIT: too many partitions wait. */
NODISCARD bool aside_hold(struct holds *holds, const struct kafka_record *record, const struct err *why, struct err *err);

#endif
