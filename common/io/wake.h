#ifndef OHDC_IO_WAKE_H
#define OHDC_IO_WAKE_H

/* A bell between threads of this process: whoever has made work rings, whoever waits for work hears it. */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/** The bell; rings are remembered until somebody waits, at most one for each thread that may come to wait. */
struct wake {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	size_t listeners;
	size_t rings; /**< not yet heard */
};

/** Make ready for `listeners` threads that wait. */
void wake_init(struct wake *wake, size_t listeners);

/** Free; nobody waits any more. */
void wake_done(struct wake *wake);

/** Ring for at most `count` waiting threads; any thread. */
void wake_ring(struct wake *wake, size_t count);

/** Wait for a ring, at most `wait_ms`; any thread. */
void wake_wait(struct wake *wake, int64_t wait_ms);

#endif
