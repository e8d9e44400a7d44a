/* C11 threads by way of pthreads, for PROFILE=tsan only: librdkafka uses them, and ThreadSanitizer sees pthreads alone. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

/* glibc's own types have these sizes, so that a variable of the library holds ours. */
_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex does not fit");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "a condition does not fit");

struct start {
	thrd_start_t run;
	void *argument;
};

static int result_of(int error)
{
	return error == 0 ? thrd_success : error == ETIMEDOUT ? thrd_timedout : thrd_error;
}

static void *run(void *taken)
{
	struct start start = *(struct start *)taken;

	free(taken);
	return (void *)(intptr_t)start.run(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t start_routine, void *argument)
{
	struct start *start = malloc(sizeof(*start));

	if (start == NULL)
		return thrd_nomem;
	*start = (struct start){.run = start_routine, .argument = argument};
	return result_of(pthread_create(thread, NULL, run, start));
}

int thrd_join(thrd_t thread, int *ret)
{
	void *value = NULL;
	int result = result_of(pthread_join(thread, &value));

	if (ret != NULL)
		*ret = (int)(intptr_t)value;
	return result;
}

thrd_t thrd_current(void)
{
	return pthread_self();
}

int mtx_init(mtx_t *mutex, int type)
{
	pthread_mutexattr_t attributes;
	int kind = type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL;
	int error = pthread_mutexattr_init(&attributes);

	if (error == 0)
		error = pthread_mutexattr_settype(&attributes, kind);
	if (error == 0)
		error = pthread_mutex_init((pthread_mutex_t *)mutex, &attributes);
	return result_of(error);
}

void mtx_destroy(mtx_t *mutex)
{
	(void)pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int mtx_lock(mtx_t *mutex)
{
	return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
	return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

int cnd_init(cnd_t *condition)
{
	return result_of(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

void cnd_destroy(cnd_t *condition)
{
	(void)pthread_cond_destroy((pthread_cond_t *)condition);
}

int cnd_signal(cnd_t *condition)
{
	return result_of(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
	return result_of(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	return result_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *deadline)
{
	return result_of(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex,
						deadline));
}
