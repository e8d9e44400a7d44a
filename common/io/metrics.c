/* The registry: makes cells once, and counts in them without a lock. */

#include "common/io/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/lock.h"
#include "common/io/metrics_cell.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

struct metrics {
	pthread_mutex_t lock; /* the lists; not the figures in the cells */
	struct metric_family *first;
	size_t cell_count;
	struct metric spare; /* counts what is over the ceiling, and is not shown */
	int64_t started_ms;
};

/* Upper bounds in microseconds; metrics_text.c has them in words. */
static const int64_t bounds_us[METRICS_BUCKET_COUNT] = {
	1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = mem_zalloc(1, sizeof(*metrics));
	(void)pthread_mutex_init(&metrics->lock, NULL);
	metrics->started_ms = sysclock_now_ms();
	return metrics;
}

static void free_cells(struct metric *first)
{
	while (first) {
		struct metric *next = first->next;
		MEM_FREE_ALL(first->labels, first);
		first = next;
	}
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics) return;
	while (metrics->first) {
		struct metric_family *next = metrics->first->next;
		free_cells(metrics->first->first);
		MEM_FREE_ALL(metrics->first->name, metrics->first);
		metrics->first = next;
	}
	(void)pthread_mutex_destroy(&metrics->lock);
	mem_free(metrics);
}

static struct metric_family *family_of(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help)
{
	struct metric_family **at = &metrics->first;
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_zalloc(1, sizeof(**at));
		(*at)->kind = kind;
		(*at)->name = mem_dup(name);
		(*at)->help = help;
	}
	assert((*at)->kind == kind);
	return *at;
}

static bool has_labels(const struct metric *metric, const char *labels)
{
	if (!metric->labels || !labels) return metric->labels == labels;
	return strcmp(metric->labels, labels) == 0;
}

static struct metric *cell_of(struct metrics *metrics, struct metric_family *family, const char *labels)
{
	struct metric **at = &family->first;
	while (*at && !has_labels(*at, labels))
		at = &(*at)->next;
	struct metric *known = *at;
	if (known) return known;
	if (metrics->cell_count == METRICS_CELLS_MAX) return &metrics->spare;
	metrics->cell_count++;
	*at = mem_zalloc(1, sizeof(**at));
	(*at)->labels = mem_dup(labels);
	return *at;
}

struct metric *metrics_cell(struct metrics *metrics, enum metric_kind kind, const char *name, const char *labels,
			    const char *help)
{
	LOCK_HOLD(&metrics->lock);
	return cell_of(metrics, family_of(metrics, kind, name, help), labels);
}

void metric_add(struct metric *metric, int64_t amount)
{
	(void)atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int64_t us)
{
	size_t i = 0;
	while (i < METRICS_BUCKET_COUNT && us > bounds_us[i])
		i++;
	(void)atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
	metric_add(metric, us);
}

void metrics_write(struct metrics *metrics, struct strbuf *ret)
{
	(void)pthread_mutex_lock(&metrics->lock);
	for (const struct metric_family *family = metrics->first; family; family = family->next)
		metrics_write_family(family, ret);
	(void)pthread_mutex_unlock(&metrics->lock);
	metrics_write_process(metrics->started_ms, ret);
}
