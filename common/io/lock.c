/* Locking cannot fail for a mutex that was set up and is not held by the same thread. */
#include "common/io/lock.h"

#include "common/base/banned.h"

pthread_mutex_t *lock_take(pthread_mutex_t *mutex)
{
	(void)pthread_mutex_lock(mutex);
	return mutex;
}

void lock_release(pthread_mutex_t **held)
{
	(void)pthread_mutex_unlock(*held);
}
