#ifndef OHDC_IO_KAFKA_WAIT_H
#define OHDC_IO_KAFKA_WAIT_H

/* Send one record and wait for its delivery report: for the rare record that must be safe before the next step. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/kafka.h"

#include <stdbool.h>
#include <stdint.h>

/** The report function of a producer that is used with kafka_send_and_wait(); reports of other records (opaque NULL) are dropped. */
void kafka_wait_report(void *context, void *opaque, const struct err *failure);

/**
 * Send and wait as long as the producer needs to report; ERR_TIMEOUT after `wait_ms` (the record may still arrive later). The
 * producer must have been made with kafka_wait_report.
 */
NODISCARD bool kafka_send_and_wait(struct kafka_producer *producer, const struct kafka_record *record,
				   int64_t wait_ms, struct err *err);

#endif
