#ifndef OHDC_LINKER_TRIGGER_STORE_H
#define OHDC_LINKER_TRIGGER_STORE_H

/* Table trigger for those who decide: claim with lease and epoch, write the outcome together with the job record. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/domain/job.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stdint.h>

enum { TRIGGER_DETAIL_SIZE = 200 };

/** A trigger in the hands of one worker; texts owned. */
struct trigger_row {
	struct job_record record; /**< all that is known; user, org, kind, reason and id are for the worker to fill */
	char *base_url;           /**< of the instance */
	int64_t answer_count;
	int64_t attempts;
	int64_t crashes; /**< claims that did not come back, this one included */
	int64_t open_ms; /**< how long it has been open */
	int64_t epoch;
};

/** Free and zero. */
void trigger_row_done(struct trigger_row *row);

/** Take the trigger that is due longest, if any, for `lease_ms`. */
NODISCARD bool trigger_store_claim(struct db_pool *pool, const char *owner, int64_t lease_ms, struct trigger_row *ret,
				   bool *ret_found, struct err *err);

/**
 * Write the decision and, in the same transaction, its job record into the outbox: kind start → SENT, kind answer → REFUSED with
 * the record's reason. `ret_held` false: the lease was lost, nothing was written.
 */
NODISCARD bool trigger_store_decide(struct db_pool *pool, const char *owner, const struct trigger_row *row,
				    const char *detail, bool *ret_held, struct err *err);

/** Give it back: tried again after `delay_ms`, with the reason in sight. */
NODISCARD bool trigger_store_retry(struct db_pool *pool, const struct trigger_row *row, int64_t delay_ms,
				   const char *detail, struct err *err);

/** Set it aside: FAILED, QUARANTINED. */
NODISCARD bool trigger_store_quarantine(struct db_pool *pool, const struct trigger_row *row, const char *detail,
					struct err *err);

/**
 * Look at job records sent longer than `age_ms` ago: those with a job row are done with (a trigger still SENT becomes STARTED),
 * the others go to the outbox again. `ret_again` were.
 */
NODISCARD bool trigger_store_sweep(struct db_pool *pool, const char *owner, int64_t age_ms, int64_t *ret_again,
				   struct err *err);

/** Open again what was refused for want of a link that has come since (within a day); `ret_count` were. */
NODISCARD bool trigger_store_open_linked(struct db_pool *pool, int64_t *ret_count, struct err *err);

#endif
