#ifndef OHDC_IO_SYSCLOCK_H
#define OHDC_IO_SYSCLOCK_H

/* The real clocks. Only io and the services' shells read them; everything else is given the time. */

#include "common/base/attr.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

enum { SYSCLOCK_TEXT_SIZE = 32 };

/** Milliseconds since 1970 UTC. */
NODISCARD int64_t sysclock_now_ms(void);

/** Milliseconds on a clock that never steps. */
NODISCARD int64_t sysclock_monotonic_ms(void);

/** Microseconds on a clock that never steps. */
NODISCARD int64_t sysclock_monotonic_us(void);

/** The time `ms` from now on that clock, for waiting. */
NODISCARD struct timespec sysclock_deadline(int64_t ms);

/** Set up a condition whose timed waits use that clock. */
void sysclock_init_cond(pthread_cond_t *cond);

/** Write a time as RFC 3339 with milliseconds in UTC ("2026-11-21T10:00:00.000Z"). */
void sysclock_text(int64_t ms, char ret[SYSCLOCK_TEXT_SIZE]);

#endif
