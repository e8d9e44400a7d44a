/* A counted condition. */

#include "common/io/wake.h"

#include "common/io/lock.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

void wake_init(struct wake *wake, size_t listeners)
{
	*wake = (struct wake){.listeners = listeners};
	pthread_mutex_init(&wake->lock, NULL);
	sysclock_init_cond(&wake->rung);
}

void wake_done(struct wake *wake)
{
	pthread_cond_destroy(&wake->rung);
	pthread_mutex_destroy(&wake->lock);
}

void wake_ring(struct wake *wake, size_t count)
{
	LOCK_HOLD(&wake->lock);
	size_t room = wake->listeners - wake->rings;
	wake->rings += count < room ? count : room;
	pthread_cond_broadcast(&wake->rung);
}

void wake_wait(struct wake *wake, int64_t wait_ms)
{
	const struct timespec until = sysclock_deadline(wait_ms);
	int result = 0;
	LOCK_HOLD(&wake->lock);

	while (wake->rings == 0 && result == 0)
		result = pthread_cond_timedwait(&wake->rung, &wake->lock, &until);
	if (wake->rings > 0) wake->rings--;
}
