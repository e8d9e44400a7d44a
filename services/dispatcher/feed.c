/* Writes the status feed. */

#include "services/dispatcher/feed.h"

#include "common/base/mem.h"
#include "common/domain/topics.h"

#include "common/base/banned.h"

void feed_publish(const struct dispatcher *dispatcher, const struct job *job)
{
	char topic[TOPIC_NAME_SIZE];
	topic_name(TOPIC_STATUS, dispatcher->topic_prefix, topic);
	const struct job_machine *machine = &job->machine;
	CLEANUP(mem_free_text) char *text = status_record_text(
		&job->record, job_phase_name(machine->phase), machine->outcome,
		machine->detail[0] ? machine->detail : NULL, machine->is_started ? job->record.job_id : NULL,
		job->now_ms);
	struct kafka_record record = {.topic = topic, .key = bytes_text(job->record.job_id), .value = bytes_text(text)};
	kafka_record_add_header(&record, HEADER_SCHEMA, RECORD_SCHEMA);
	kafka_record_add_header(&record, HEADER_TRACEPARENT, job->record.traceparent);
	struct err err = {0};
	if (!kafka_producer_send(dispatcher->producer, &record, NULL, &err))
		metric_add(metrics_cell(dispatcher->metrics, METRIC_COUNTER, "ohdc_status_dropped_total", NULL,
					"Status records that could not be sent"),
			   1);
}
