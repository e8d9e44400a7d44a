/* A group of records shared by the waiting thread and the producer's reports; whoever leaves last frees it. */

#include "services/linker/publisher.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"

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
	pthread_condattr_t attr;

	pthread_mutex_init(&group->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&group->reported, &attr);
	pthread_condattr_destroy(&attr);
	group->count = count;
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
	if (failure != NULL && group->failure.code == ERR_NONE)
		group->failure = *failure;
}

void publisher_report(void *context, void *opaque, const struct err *failure)
{
	struct slot *slot = opaque;
	struct group *group = slot->group;
	bool is_last;

	(void)context;
	pthread_mutex_lock(&group->lock);
	slot->is_safe = failure == NULL;
	note_failure(group, failure);
	group->open--;
	is_last = group->open == 0 && group->is_left;
	pthread_cond_signal(&group->reported);
	pthread_mutex_unlock(&group->lock);
	if (is_last)
		group_free(group);
}

static void send_all(struct group *group, struct kafka_producer *producer,
		     const struct kafka_record *records)
{
	for (size_t i = 0; i < group->count; i++) {
		struct err failure = {0};

		pthread_mutex_lock(&group->lock);
		group->open++;
		pthread_mutex_unlock(&group->lock);
		if (kafka_producer_send(producer, &records[i], &group->slots[i], &failure))
			continue;
		pthread_mutex_lock(&group->lock);
		group->open--;
		note_failure(group, &failure);
		pthread_mutex_unlock(&group->lock);
	}
}

static struct timespec deadline_after(int64_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	return until;
}

/* Wait, copy what is known, leave. */
static bool collect(struct group *group, int64_t wait_ms, bool *ret_safe, struct err *ret_failure)
{
	const struct timespec until = deadline_after(wait_ms);
	int result = 0;
	bool is_whole;

	pthread_mutex_lock(&group->lock);
	while (group->open > 0 && result == 0)
		result = pthread_cond_timedwait(&group->reported, &group->lock, &until);
	for (size_t i = 0; i < group->count; i++)
		ret_safe[i] = group->slots[i].is_safe;
	*ret_failure = group->failure;
	is_whole = group->open == 0;
	group->is_left = true;
	pthread_mutex_unlock(&group->lock);
	if (is_whole)
		group_free(group);
	return is_whole;
}

bool publisher_send(struct kafka_producer *producer, const struct kafka_record *records,
		    size_t count, int64_t wait_ms, bool *ret_safe, struct err *err)
{
	struct group *group = group_new(count);
	struct err failure = {0};

	send_all(group, producer, records);
	if (!collect(group, wait_ms, ret_safe, &failure) && failure.code == ERR_NONE)
		return err_set(err, ERR_TIMEOUT, "no delivery report in time");
	if (failure.code == ERR_NONE)
		return true;
	*err = failure;
	return false;
}
