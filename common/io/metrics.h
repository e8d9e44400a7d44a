#ifndef OHDC_IO_METRICS_H
#define OHDC_IO_METRICS_H

/* Counters, gauges and histograms in Prometheus text form. Cells are made once at start and updated from any thread. */

#include "common/base/attr.h"
#include "common/base/strbuf.h"

#include <stddef.h>
#include <stdint.h>

struct metrics; /* the registry, one per program */
struct metric;  /* one cell: a name with one set of labels; lives as long as the registry */

/** Kind of a metric. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/** New empty registry. */
NODISCARD struct metrics *metrics_new(void);

/** Free with all cells; NULL is fine. */
void metrics_free(struct metrics *metrics);

/**
 * The cell `name` with `labels` ("a=\"b\",c=\"d\"" or NULL), made on first use; thread-safe. Histograms count milliseconds in
 * buckets 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000. `help` is static.
 * A name has one kind. From the 1025th cell on a hidden one is returned, so that labels cannot eat the memory.
 */
NODISCARD struct metric *metrics_cell(struct metrics *metrics, enum metric_kind kind, const char *name,
				      const char *labels, const char *help);

/** Add to a counter or gauge. */
void metric_add(struct metric *metric, int64_t amount);

/** Set a gauge. */
void metric_set(struct metric *metric, int64_t value);

/** Observe a duration in a histogram, in microseconds. */
void metric_observe_us(struct metric *metric, int64_t us);

/** Append all metrics, and the process' own memory, CPU and start time, in exposition format 0.0.4. */
void metrics_write(struct metrics *metrics, struct strbuf *ret);

#endif
