#ifndef OHDC_IO_KAFKA_WAIT_H
#define OHDC_IO_KAFKA_WAIT_H

/* Send records and wait for their delivery reports: for what must be safe before the next step. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/kafka.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The report function that the producer must have been made with; reports of other records (opaque NULL) are dropped. */
void kafka_wait_report(void *context, void *opaque, const struct err *failure);

/**
 * Send `count` records and wait for their reports, at most `wait_ms`. `ret_safe[i]`, written also on failure, says whether record i
 * is on all in-sync replicas. True: all of them are; else `err` is the first failure (ERR_TIMEOUT: no report yet, the record may
 * still arrive). Any thread but the producer's.
 */
NODISCARD bool kafka_send_all(struct kafka_producer *producer, const struct kafka_record *records, size_t count,
			      int64_t wait_ms, bool *ret_safe, struct err *err);

/** kafka_send_all() of one record. */
NODISCARD bool kafka_send_and_wait(struct kafka_producer *producer, const struct kafka_record *record, int64_t wait_ms,
				   struct err *err);

#endif
