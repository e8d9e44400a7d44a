#ifndef OHDC_LINKER_PUBLISHER_H
#define OHDC_LINKER_PUBLISHER_H

/* Sends a few records and waits until Kafka has said of each whether it is safe. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/kafka.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The report function that the producer must have been made with. */
void publisher_report(void *context, void *opaque, const struct err *failure);

/**
 * Send `count` records and wait for their reports, at most `wait_ms`. `ret_safe[i]` says whether record i is on all in-sync
 * replicas. True: all of them are; else `err` is the first failure (ERR_TIMEOUT: no report yet, the record may still arrive).
 */
NODISCARD bool publisher_send(struct kafka_producer *producer, const struct kafka_record *records,
			      size_t count, int64_t wait_ms, bool *ret_safe, struct err *err);

#endif
