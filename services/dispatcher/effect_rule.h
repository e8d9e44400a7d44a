#ifndef OHDC_DISPATCHER_EFFECT_RULE_H
#define OHDC_DISPATCHER_EFFECT_RULE_H

/*
 * The rule of the ledger: an outward effect goes intent → attempting → confirmed; after an unknown outcome it is looked
 * for, at once, later and later again, and repeated only after three clean misses. Pure.
 */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Kinds of outward effects (column effect.kind). */
enum effect_kind { EFFECT_START, EFFECT_REACTION, EFFECT_ACK, EFFECT_RESULT, EFFECT_GUIDANCE };

/** Where an effect is (column effect.state). */
enum effect_state { EFFECT_INTENT, EFFECT_ATTEMPTING, EFFECT_CONFIRMED, EFFECT_SKIPPED, EFFECT_FAILED };

enum { EFFECT_MISSES_BEFORE_REPEAT = 3, EFFECT_PROBE_DELAYS = 3 };

/** What the ledger knows of one effect. */
struct effect {
	enum effect_kind kind;
	enum effect_state state;
	int64_t attempts;            /**< times it was sent or may have been */
	int64_t misses;              /**< clean misses since the last attempt */
	int64_t attempting_until_ms; /**< until then somebody may still be sending */
	int64_t probe_at_ms;         /**< do not look before */
};

/** What to do now. */
enum effect_action {
	EFFECT_DO_SEND,    /**< mark attempting, then send */
	EFFECT_DO_LOOK,    /**< look whether it is there */
	EFFECT_DO_WAIT,    /**< come back at effect_wait_ms() */
	EFFECT_DO_NOTHING, /**< it is over */
};

/** Choose. */
NODISCARD enum effect_action effect_next(const struct effect *effect, int64_t now_ms);

/** When effect_next() said wait: until when. */
NODISCARD int64_t effect_wait_ms(const struct effect *effect);

/** Before sending: the attempt is counted, and nobody looks or sends before `until_ms`. */
void effect_begin(struct effect *effect, int64_t until_ms);

/**
 * After sending failed. Surely nothing there (NETWORK, CONFLICT, BUSY, LIMIT, and AUTH: a locked-out bot may be let in again):
 * back to intent. UNCERTAIN: stays attempting, looked for from now on. INPUT and NOT_FOUND are final: failed.
 */
void effect_sent_failed(struct effect *effect, const struct err *failure, int64_t now_ms,
			const int64_t delays_ms[EFFECT_PROBE_DELAYS]);

/** After a look: found → confirmed; a clean miss is counted and the next look, or the repeat, is set. */
void effect_looked(struct effect *effect, bool is_found, int64_t now_ms, const int64_t delays_ms[EFFECT_PROBE_DELAYS]);

/** "start"; static. */
NODISCARD const char *effect_kind_name(enum effect_kind kind);

/** "intent"; static. */
NODISCARD const char *effect_state_name(enum effect_state state);
NODISCARD bool effect_state_parse(const char *name, enum effect_state *ret);

#endif
