#ifndef OHDC_DOMAIN_HOLD_H
#define OHDC_DOMAIN_HOLD_H

/* Partitions that wait at a record of an unknown major schema. Pure; time is given. */

#include "common/base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOLDS_MAX = 1024 /**< partitions of one consumer */, HOLD_MS = 30000 };

/** One partition, held at an offset until a time. */
struct hold {
	int32_t partition;
	int64_t offset;
	int64_t until_ms;
};

/** All held partitions; zeroed means none. */
struct holds {
	struct hold list[HOLDS_MAX];
	size_t count;
};

/** Hold a partition at an offset for HOLD_MS; a smaller offset than before wins. False: HOLDS_MAX are held already. */
NODISCARD bool holds_add(struct holds *holds, int32_t partition, int64_t offset, int64_t now_ms);

/** Whether a record lies at or behind the place where its partition is held. */
NODISCARD bool holds_has(const struct holds *holds, int32_t partition, int64_t offset);

/** Forget the partitions whose time is over; true when there were any: the consumer must go back to its positions. */
NODISCARD bool holds_expire(struct holds *holds, int64_t now_ms);

#endif
