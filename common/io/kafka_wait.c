/* A group of records shared by the waiting thread and the producer's reports; whoever leaves last frees it. */

#include "common/io/kafka_wait.h"

#include <pthread.h>

#include "common/base/mem.h"
#include "common/io/lock.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

struct group;

/* One record's report. */
struct slot {
	struct group *group;
	bool is_safe;
};

struct group {
	pthread_mutex_t lock;
	pthread_cond_t reported;
	size_t open;  /* reports still to come */
	bool is_left; /* the waiting thread has gone */
	struct err failure;
	size_t count;
	struct slot slots[];
};

static struct group *group_new(size_t count)
{
	struct group *group = mem_zalloc(1, sizeof(*group) + count * sizeof(struct slot));
	pthread_mutex_init(&group->lock, NULL);
	sysclock_init_cond(&group->reported);
	group->count = count;
	group->open = count;
	for (size_t i = 0; i < count; i++)
		group->slots[i].group = group;
	return group;
}

static void group_free(struct group *group)
{
	pthread_cond_destroy(&group->reported);
	pthread_mutex_destroy(&group->lock);
	mem_free(group);
}

static void note_failure(struct group *group, const struct err *failure)
{
	if (failure && group->failure.code == ERR_NONE) group->failure = *failure;
}

void kafka_wait_report(UNUSED void *context, void *opaque, const struct err *failure)
{
	struct slot *slot = opaque;
	struct group *group = slot ? slot->group : NULL;
	if (!group) return;
	pthread_mutex_lock(&group->lock);
	slot->is_safe = !failure;
	note_failure(group, failure);
	group->open--;
	bool is_last = group->open == 0 && group->is_left;
	pthread_cond_signal(&group->reported);
	pthread_mutex_unlock(&group->lock);
	if (is_last) group_free(group);
}

static void send_all(struct group *group, struct kafka_producer *producer, const struct kafka_record *records)
{
	for (size_t i = 0; i < group->count; i++) {
		struct err failure = {0};
		if (kafka_producer_send(producer, &records[i], &group->slots[i], &failure)) continue;
		LOCK_HOLD(&group->lock);
		group->open--;
		note_failure(group, &failure);
	}
}

/* Wait, copy what is known, leave. */
static bool collect(struct group *group, int64_t wait_ms, bool *ret_safe, struct err *ret_failure)
{
	const struct timespec until = sysclock_deadline(wait_ms);
	int result = 0;
	pthread_mutex_lock(&group->lock);
	while (group->open > 0 && result == 0)
		result = pthread_cond_timedwait(&group->reported, &group->lock, &until);
	for (size_t i = 0; i < group->count; i++)
		ret_safe[i] = group->slots[i].is_safe;
	*ret_failure = group->failure;
	bool is_whole = group->open == 0;
	group->is_left = true;
	pthread_mutex_unlock(&group->lock);
	if (is_whole) group_free(group);
	return is_whole;
}

bool kafka_send_all(struct kafka_producer *producer, const struct kafka_record *records, size_t count, int64_t wait_ms,
		    bool *ret_safe, struct err *err)
{
	struct group *group = group_new(count);
	struct err failure = {0};
	send_all(group, producer, records);
	if (!collect(group, wait_ms, ret_safe, &failure) && failure.code == ERR_NONE)
		return err_set(err, ERR_TIMEOUT, "no delivery report in %lld ms", (long long)wait_ms);
	if (failure.code == ERR_NONE) return true;
	*err = failure;
	return false;
}

bool kafka_send_and_wait(struct kafka_producer *producer, const struct kafka_record *record, int64_t wait_ms,
			 struct err *err)
{
	bool is_safe;
	return kafka_send_all(producer, record, 1, wait_ms, &is_safe, err) || err_wrap(err, "topic '%s'", record->topic);
}
