/* Publishes gauges. */

#include "services/dispatcher/gauges.h"

#include "common/io/log.h"

#include <stdio.h>

#include "common/base/banned.h"

void gauges_update(const struct dispatcher *dispatcher, int64_t lag)
{
	int64_t counts[JOB_STOPPED + 1];
	struct err err = {0};
	int64_t waiting;
	metric_set(metrics_cell(dispatcher->metrics, METRIC_GAUGE, "ohdc_lag_records", NULL,
				"Job records assigned to this replica and not yet taken in, -1: not known"),
		   lag);
	if (!job_store_count(dispatcher->pool, counts, &waiting, &err)) {
		LOG_DEBUG("open jobs not counted", LOG_TEXT("error", err.message));
		return;
	}
	metric_set(metrics_cell(dispatcher->metrics, METRIC_GAUGE, "ohdc_jobs_waiting", NULL,
				"Jobs that are due and that no worker holds, of all replicas: more workers would help"),
		   waiting);
	for (int phase = JOB_QUEUED; phase <= JOB_WAITING; phase++) {
		char labels[48];
		(void)snprintf(labels, sizeof(labels), "state=\"%s\"", job_phase_name((enum job_phase)phase));
		metric_set(metrics_cell(dispatcher->metrics, METRIC_GAUGE, "ohdc_jobs", labels,
					"Open jobs by state, of all replicas"),
			   counts[phase]);
	}
}
