#ifndef OHDC_DISPATCHER_LEDGER_H
#define OHDC_DISPATCHER_LEDGER_H

/* Carries out one outward effect of a job by the ledger's rule: mark, send under the lease's gate, or look, never both blindly. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/call_gate.h"
#include "common/io/db.h"
#include "services/dispatcher/effect_rule.h"
#include "services/dispatcher/effect_store.h"
#include "services/dispatcher/job_store.h"

#include <stdbool.h>
#include <stdint.h>

/** How one effect is sent and looked for. */
struct ledger_effect {
	enum effect_kind kind;
	/** Send; on success write the remote id. Errors as effect_sent_failed() takes them. */
	bool (*send)(void *context, const struct call_gate *gate, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err);
	/**
	 * Look whether it is there; `ret_id` "" when not. May remove younger repeats. False: looking is impossible now.
	 * NULL: cannot be looked for, and repeating does no harm (reactions).
	 */
	bool (*look)(void *context, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err);
	void *context;
};

/** What came of it. */
enum ledger_outcome {
	LEDGER_CONFIRMED, /**< it is there; `remote_id` says where */
	LEDGER_SKIPPED,   /**< left out for good: decoration that could not be looked for */
	LEDGER_REFUSED,   /**< the peer says no for good: `err` */
	LEDGER_LATER,     /**< nothing to be done before `until_ms` */
	LEDGER_AGAIN,     /**< failed for now, nothing is there: `err` (`retry_after_ms` when the peer said so) */
};

/** The outcome with its data. */
struct ledger_result {
	enum ledger_outcome outcome;
	int64_t until_ms; /**< database time */
	char remote_id[EFFECT_REMOTE_ID_SIZE];
};

/** What the ledger works with; one per program. */
struct ledger {
	struct db_pool *pool;
	int64_t lease_ms;
	int64_t margin_ms;        /**< lease left beyond a call's deadline before an unsafe call may go out */
	int64_t call_deadline_ms; /**< of an unsafe call */
	int64_t probe_delays_ms[EFFECT_PROBE_DELAYS];
};

/**
 * Bring one effect as far as it goes now. False only when the database or the lease failed (ERR_CONFLICT: the lease is lost;
 * the job must not be touched again); then nothing was sent that is not on the books.
 */
NODISCARD bool ledger_carry_out(const struct ledger *ledger, struct job *job, const struct ledger_effect *effect,
				struct ledger_result *ret, struct err *err);

#endif
