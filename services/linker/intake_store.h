#ifndef OHDC_LINKER_INTAKE_STORE_H
#define OHDC_LINKER_INTAKE_STORE_H

/* What intake writes: deliveries, triggers, positions in one transaction; and the count of attempts before it. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/db.h"
#include "services/linker/intake_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where this consumer stands. */
struct intake_place {
	const char *group;
	const char *topic;
};

/** A partition of a batch: the first offset in it, and the one behind its last. */
struct intake_span {
	int32_t partition;
	int64_t first_offset;
	int64_t next_offset;
};

/** Position stored for a partition, -1 when none. */
NODISCARD bool intake_store_position(struct db_pool *pool, const struct intake_place *place, int32_t partition,
				     int64_t *ret, struct err *err);

/**
 * Count that a batch is about to run. `ret_attempts`: how often its most tried partition was begun at this offset: from
 * INTAKE_ONE_BY_ONE on its records are to be run alone.
 */
NODISCARD bool intake_store_count_batch(struct db_pool *pool, const struct intake_place *place,
					const struct intake_span *spans, size_t count, int64_t *ret_attempts,
					struct err *err);

/** Count that one record is about to run alone; over INTAKE_GIVE_UP it is to be set aside. */
NODISCARD bool intake_store_count_record(struct db_pool *pool, const struct intake_place *place, int32_t partition,
					 int64_t offset, int64_t *ret_attempts, struct err *err);

enum {
	INTAKE_ONE_BY_ONE = 3, /**< two runs of the batch did not come back */
	INTAKE_GIVE_UP = 4,    /**< the record's run alone did not come back either */
};

/** Make the day's partition of table delivery. */
NODISCARD bool intake_store_day(struct db_pool *pool, int64_t received_at_ms, struct err *err);

/**
 * Write a batch in one transaction: deliveries that are not there yet, triggers by event key, refused ones opened again, aliases,
 * the verdict DUPLICATE, positions. Sets the records' verdicts to what was written; `ret_asks` triggers are new or open again.
 * ERR_INPUT: a record holds what the database refuses.
 */
NODISCARD bool intake_store_batch(struct db_pool *pool, const struct intake_place *place, struct intake_record *records,
				  size_t count, const struct intake_span *spans, size_t span_count, size_t *ret_asks,
				  struct err *err);

#endif
