/* Publishes gauges. */

#include "services/dispatcher/gauges.h"

#include "common/io/log.h"

#include <stdio.h>

#include "common/base/banned.h"

static void set_state(const struct dispatcher *dispatcher, enum job_phase phase, int64_t count)
{
	char labels[48];
	(void)snprintf(labels, sizeof(labels), "state=\"%s\"", job_phase_name(phase));
	metric_set(metrics_cell(dispatcher->metrics, METRIC_GAUGE, "ohdc_jobs", labels,
				"Open jobs by state, of all replicas"),
		   count);
}

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
	for (int phase = JOB_QUEUED; phase <= JOB_WAITING; phase++)
		set_state(dispatcher, (enum job_phase)phase, counts[phase]);
}
