#ifndef OHDC_LINKER_INTAKE_BATCH_H
#define OHDC_LINKER_INTAKE_BATCH_H

/* One batch of the webhook topic from Kafka's hands into the database's. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/connect/aside.h"
#include "common/io/kafka.h"
#include "services/linker/intake_store.h"
#include "services/linker/linker.h"

#include <stdbool.h>
#include <stddef.h>

enum { INTAKE_BATCH_MAX = 500 };

/** What runs batches; one thread. */
struct intake_runner {
	struct linker *linker;
	struct intake_place place;
	struct aside aside;
	int64_t max_age_ms;
	struct holds holds;
	struct intake_span tried[INTAKE_BATCH_MAX]; /**< begun by this process and given up in order: not counted as crashes */
	size_t tried_count;
	int64_t days[8]; /**< days whose partition is known to exist, as days since 1970 */
	size_t next_day;
	bool is_fresh; /**< the connections were read again for this batch */
};

/**
 * Take in a batch. Records of held partitions are left out; `batch` keeps those that were taken, for the commit. False: nothing
 * of the rest was lost, the consumer must go back to its positions and try again.
 */
NODISCARD bool intake_batch_run(struct intake_runner *runner, struct kafka_batch *batch, struct err *err);

#endif
