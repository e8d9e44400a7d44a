#ifndef OHDC_IO_LOCK_H
#define OHDC_IO_LOCK_H

/* A mutex that is held to the end of a block. */

#include "common/base/attr.h"

#include <pthread.h>

/** Take the mutex at this place and give it back where the block ends, however it ends; once a block. */
#define LOCK_HOLD(mutex) CLEANUP(lock_release) UNUSED pthread_mutex_t *held = lock_take(mutex)

/** Lock and give the mutex. */
NODISCARD pthread_mutex_t *lock_take(pthread_mutex_t *mutex);

/** Unlock (cleanup function of LOCK_HOLD). */
void lock_release(pthread_mutex_t **held);

#endif
