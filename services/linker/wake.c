/* A counted condition. */

#include "services/linker/wake.h"

#include <time.h>

#include "common/base/banned.h"

enum { MS_PER_SECOND = 1000, NS_PER_MS = 1000000, NS_PER_SECOND = 1000000000 };

void wake_init(struct wake *wake)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&wake->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&wake->rung, &attr);
	pthread_condattr_destroy(&attr);
	wake->rings = 0;
}

void wake_done(struct wake *wake)
{
	pthread_cond_destroy(&wake->rung);
	pthread_mutex_destroy(&wake->lock);
}

void wake_ring(struct wake *wake, uint64_t count)
{
	pthread_mutex_lock(&wake->lock);
	wake->rings += count;
	pthread_cond_broadcast(&wake->rung);
	pthread_mutex_unlock(&wake->lock);
}

void wake_wait(struct wake *wake, int64_t wait_ms)
{
	struct timespec until;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / MS_PER_SECOND;
	until.tv_nsec += (long)(wait_ms % MS_PER_SECOND) * NS_PER_MS;
	until.tv_sec += until.tv_nsec / NS_PER_SECOND;
	until.tv_nsec %= NS_PER_SECOND;
	pthread_mutex_lock(&wake->lock);
	while (wake->rings == 0 && result == 0)
		result = pthread_cond_timedwait(&wake->rung, &wake->lock, &until);
	if (wake->rings > 0)
		wake->rings--;
	pthread_mutex_unlock(&wake->lock);
}
