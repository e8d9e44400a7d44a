#ifndef OHDC_LINKER_INTAKE_RECORD_H
#define OHDC_LINKER_INTAKE_RECORD_H

/* One record of the webhook topic, read and decided: no database, no network. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/domain/delivery.h"
#include "common/domain/trigger.h"
#include "common/io/kafka.h"
#include "services/linker/connections.h"

#include <stdbool.h>
#include <stdint.h>

/** What the linker knows of a record after reading it; zeroed means not read. */
struct intake_record {
	struct delivery delivery;
	struct ask ask; /**< zeroed when the body was not read; its verdict counts not: see `verdict` */
	enum reason verdict;
	char detail[160];    /**< why, for people */
	int64_t instance_id; /**< 0 when the connection is not known */
	bool is_ask;         /**< verdict TRIGGERED and something is to be started */
	int32_t partition;
	int64_t offset;
};

/** Free and zero. */
void intake_record_done(struct intake_record *record);

/**
 * Read and decide. ERR_INPUT: can never be used, dead-letter it; ERR_CONFLICT: unknown major schema, pause; ERR_NOT_FOUND: its
 * connection is not in the table, which may be old (with `is_last` that is a verdict instead). Connections must be acquired.
 */
NODISCARD bool intake_record_read(const struct kafka_record *record, const struct table_cache *connections,
				  int64_t max_age_ms, bool is_last, struct intake_record *ret, struct err *err);

#endif
