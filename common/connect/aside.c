/* Dead letters, and partitions that wait. */

#include "common/connect/aside.h"

#include "common/domain/dead_letter.h"
#include "common/io/kafka_wait.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum { WAIT_MS = 30000 };

bool aside_send(const struct aside *aside, const struct kafka_record *record, const struct err *why, int64_t attempts,
		struct err *err)
{
	struct dead_letter place = {record->topic, record->partition, record->offset, attempts, .error = why};
	struct kafka_record letter = *record;
	letter.topic = aside->topic;
	if (letter.header_count > KAFKA_HEADERS_MAX - DEAD_LETTER_HEADERS)
		letter.header_count = KAFKA_HEADERS_MAX - DEAD_LETTER_HEADERS;
	dead_letter_write(&place, kafka_record_put, &letter);
	if (!kafka_send_and_wait(aside->producer, &letter, WAIT_MS, err)) return err_wrap(err, "dead letter");
	LOG_WARN("record set aside as a dead letter", LOG_TEXT("error", why->message),
		 LOG_INT("partition", record->partition), LOG_INT("offset", record->offset));
	metric_add(metrics_cell(aside->metrics, METRIC_COUNTER, "ohdc_dead_letters_total", aside->label,
				"Records that could not be used"),
		   1);
	return true;
}

bool aside_hold(struct holds *holds, const struct kafka_record *record, const struct err *why, struct err *err)
{
	LOG_ERROR("partition paused: a newer schema", LOG_TEXT("error", why->message),
		  LOG_INT("partition", record->partition), LOG_INT("offset", record->offset));
	return holds_add(holds, record->partition, record->offset, sysclock_monotonic_ms()) ||
	       err_set(err, ERR_LIMIT, "more than %d partitions wait for a newer schema", HOLDS_MAX);
}
