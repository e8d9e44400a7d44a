/* One record, one report, one waiting thread. */

#include "common/io/kafka_wait.h"

#include "common/base/mem.h"
#include "common/io/sysclock.h"

#include <pthread.h>
#include <time.h>

#include "common/base/banned.h"

/* Shared by the waiting thread and the report; whoever leaves last frees it. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t reported;
	bool is_reported;
	bool is_left;
	struct err failure;
};

static void waiter_free(struct waiter *waiter)
{
	pthread_cond_destroy(&waiter->reported);
	pthread_mutex_destroy(&waiter->lock);
	mem_free(waiter);
}

void kafka_wait_report(void *context, void *opaque, const struct err *failure)
{
	(void)context;
	struct waiter *waiter = opaque;
	if (!waiter)
		return;
	pthread_mutex_lock(&waiter->lock);
	waiter->is_reported = true;
	if (failure)
		waiter->failure = *failure;
	bool is_left = waiter->is_left;
	pthread_cond_signal(&waiter->reported);
	pthread_mutex_unlock(&waiter->lock);
	if (is_left)
		waiter_free(waiter);
}

static struct waiter *waiter_new(void)
{
	struct waiter *waiter = mem_zalloc(1, sizeof(*waiter));
	pthread_mutex_init(&waiter->lock, NULL);
	sysclock_init_cond(&waiter->reported);
	return waiter;
}

/* True: the report came, and the waiter is freed. False: it is left to the report. */
static bool wait_for_report(struct waiter *waiter, int64_t wait_ms, struct err *ret_failure)
{
	const struct timespec until = sysclock_deadline(wait_ms);
	pthread_mutex_lock(&waiter->lock);
	int result = 0;
	while (!waiter->is_reported && result == 0)
		result = pthread_cond_timedwait(&waiter->reported, &waiter->lock, &until);
	bool is_reported = waiter->is_reported;
	waiter->is_left = !is_reported;
	*ret_failure = waiter->failure;
	pthread_mutex_unlock(&waiter->lock);
	if (is_reported)
		waiter_free(waiter);
	return is_reported;
}

bool kafka_send_and_wait(struct kafka_producer *producer, const struct kafka_record *record,
			 int64_t wait_ms, struct err *err)
{
	struct waiter *waiter = waiter_new();
	if (!kafka_producer_send(producer, record, waiter, err)) {
		waiter_free(waiter);
		return false;
	}
	struct err failure = {0};
	if (!wait_for_report(waiter, wait_ms, &failure))
		return err_set(err, ERR_TIMEOUT, "no delivery report from topic '%s' in %lld ms",
			       record->topic, (long long)wait_ms);
	if (failure.code == ERR_NONE)
		return true;
	*err = failure;
	return false;
}
