#ifndef OHDC_LINKER_WAKE_H
#define OHDC_LINKER_WAKE_H

/* A bell between threads of this process: whoever has made work rings, whoever waits for work hears it. */

#include "common/base/attr.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** The bell; rings are remembered until somebody waits. */
struct wake {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	uint64_t rings; /**< not yet heard */
};

/** Make ready. */
void wake_init(struct wake *wake);

/** Free. */
void wake_done(struct wake *wake);

/** Ring for `count` waiting threads; any thread. */
void wake_ring(struct wake *wake, uint64_t count);

/** Wait for a ring, at most `wait_ms`; any thread. */
void wake_wait(struct wake *wake, int64_t wait_ms);

#endif
