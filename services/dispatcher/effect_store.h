#ifndef OHDC_DISPATCHER_EFFECT_STORE_H
#define OHDC_DISPATCHER_EFFECT_STORE_H

/* Table effect: one row for each outward effect of a job. Every write says the epoch of the job's lease. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/db.h"
#include "services/dispatcher/effect_rule.h"

#include <stdbool.h>
#include <stdint.h>

enum { EFFECT_REMOTE_ID_SIZE = 130 };

/** One row as we hold it. */
struct effect_row {
	struct effect effect;
	char remote_id[EFFECT_REMOTE_ID_SIZE]; /**< "" until confirmed */
	int64_t now_ms;                        /**< the database's time at the last exchange */
};

/** Which row, and under whose lease. Texts borrowed. */
struct effect_place {
	const char *job_id;
	int64_t epoch;
	enum effect_kind kind;
};

/** Read the row, made as an intent when it is not there. ERR_CONFLICT: the lease is lost. */
NODISCARD bool effect_store_open(struct db_pool *pool, const struct effect_place *place, struct effect_row *ret,
				 struct err *err);

/** Write the row; `detail` (may be NULL) is for people. ERR_CONFLICT: the lease is lost. */
NODISCARD bool effect_store_save(struct db_pool *pool, const struct effect_place *place, struct effect_row *row,
				 const char *detail, struct err *err);

/**
 * Whether this advice may be given now: true at most once an hour for the same person, subject and reason. A repeat for the same
 * job is always allowed. Notes that it was given.
 */
NODISCARD bool effect_store_may_guide(struct db_pool *pool, const char *subject, const char *account_key,
				      const char *reason, const char *job_id, bool *ret, struct err *err);

#endif
