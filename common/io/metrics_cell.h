#ifndef OHDC_IO_METRICS_CELL_H
#define OHDC_IO_METRICS_CELL_H

/* Inside of metrics: a cell, a family of cells with one name, and the process' own figures. */

#include "common/io/metrics.h"

#include <stdatomic.h>

enum {
	METRICS_BUCKET_COUNT = 13, /**< bounds of a histogram, without the one that takes all */
	METRICS_CELLS_MAX = 1024,  /**< a label that takes values from outside must not eat the memory */
};

struct metric {
	struct metric *next;                               /**< in its family; owned */
	char *labels;                                      /**< owned, NULL: none */
	_Atomic int64_t value;                             /**< of a histogram: the sum in microseconds */
	_Atomic int64_t buckets[METRICS_BUCKET_COUNT + 1]; /**< not cumulative; the last takes the rest */
};

/** All cells of one name. */
struct metric_family {
	struct metric_family *next; /**< owned */
	enum metric_kind kind;
	char *name;       /**< owned */
	const char *help; /**< static */
	struct metric *first;
};

/** Append one family in exposition format. */
void metrics_write_family(const struct metric_family *family, struct strbuf *ret);

/** Append the process' memory, CPU and start time. */
void metrics_write_process(int64_t started_ms, struct strbuf *ret);

#endif
