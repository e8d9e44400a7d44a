#ifndef OHDC_DOMAIN_REASON_H
#define OHDC_DOMAIN_REASON_H

/* Why something ended as it did: one list for code, tables, metrics, pages, CLI and documents. */

#include "common/base/attr.h"

#include <stdbool.h>

/** Every reason; the groups follow design's words: intake verdict, outcome of an ask, refused request. */
enum reason {
	REASON_NONE,
	/* intake verdicts (table delivery) */
	REASON_TRIGGERED,
	REASON_NO_TRIGGER,
	REASON_BOT_AUTHOR,
	REASON_INTEGRATION_OFF,
	REASON_STALE,
	REASON_MALFORMED,
	REASON_TOO_LARGE,
	REASON_DUPLICATE,
	/* outcomes of an ask (tables trigger and job) */
	REASON_JOB_STARTED,
	REASON_FOLLOW_UP,
	REASON_USER_NOT_LINKED,
	REASON_USER_UNKNOWN,
	REASON_LOGIN_NEEDED,
	REASON_AUTHOR_MISMATCH,
	REASON_WITHDRAWN,
	REASON_POLICY_DENIED,
	REASON_NO_REPOSITORY,
	REASON_REPOSITORY_AMBIGUOUS,
	REASON_REPOSITORY_DENIED,
	REASON_LIMITED,
	REASON_UPSTREAM_FAILED,
	REASON_CANNOT_ANSWER,
	REASON_QUARANTINED,
	REASON_STOPPED,
	/* refused requests (counted, never stored) */
	REASON_BAD_SIGNATURE,
	REASON_UNKNOWN_CONNECTION,
	REASON_WRONG_ORIGIN,
	REASON_OVERSIZE,
};

/** "USER_NOT_LINKED"; "" for REASON_NONE; static. */
NODISCARD const char *reason_name(enum reason reason);

/** Read a name; false (and REASON_NONE) when unknown. */
NODISCARD bool reason_parse(const char *name, enum reason *ret);

/** One sentence for people: what it means and what to do next; static. */
NODISCARD const char *reason_help(enum reason reason);

#endif
