/* Publishes gauges. */

#include "services/dispatcher/gauges.h"

#include "common/io/log.h"

#include <stdio.h>

#include "common/base/banned.h"

void gauges_update(const struct dispatcher *dispatcher, int64_t lag)
{
	int64_t counts[JOB_STOPPED + 1];
	struct err err = {0};
	if (lag >= 0)
		metric_set(metrics_cell(dispatcher->metrics, METRIC_GAUGE, "ohdc_lag_records", NULL,
					"Job records assigned to this replica and not yet taken in"),
			   lag);
	if (!job_store_count(dispatcher->pool, counts, &err)) {
		LOG_DEBUG("open jobs not counted", LOG_TEXT("error", err.message));
		return;
	}
	for (int phase = JOB_QUEUED; phase <= JOB_WAITING; phase++) {
		char labels[48];
		(void)snprintf(labels, sizeof(labels), "state=\"%s\"", job_phase_name((enum job_phase)phase));
		metric_set(metrics_cell(dispatcher->metrics, METRIC_GAUGE, "ohdc_jobs", labels,
					"Open jobs by state, of all replicas"),
			   counts[phase]);
	}
}
