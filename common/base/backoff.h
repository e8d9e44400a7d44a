#ifndef OHDC_BASE_BACKOFF_H
#define OHDC_BASE_BACKOFF_H

/* How long to wait before attempt n. */

#include "common/base/attr.h"

#include <stdint.h>

/** A schedule: `first_ms`, doubled for each attempt, never more than `max_ms`. */
struct backoff {
	int64_t first_ms;
	int64_t max_ms;
};

/** Delay in ms after `attempts` failures (>= 1), spread over [half, whole] by `random` (any 32 random bits). */
NODISCARD int64_t backoff_delay_ms(const struct backoff *backoff, int64_t attempts, uint32_t random);

#endif
