#ifndef OHDC_DISPATCHER_MARKER_H
#define OHDC_DISPATCHER_MARKER_H

/* The invisible last line by which a comment of ours is recognised: found again after an unknown outcome, never a trigger. Pure. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/strbuf.h"
#include "common/domain/provider.h"

#include <stdbool.h>

enum {
	MARKER_SIZE = 5 + 16 + 1, /**< "ohdc-", 16 hex digits, NUL */
	MARKER_LINE_BYTES = 64,   /**< what marker_add() appends at most */
};

/** Make the marker of an effect: 64 bits of HMAC-SHA256(key, effect id). `key` is derived from the installation and secret. */
void marker_make(struct bytes key, const char *effect_id, char ret[MARKER_SIZE]);

/** Append the last line: Jira `{anchor:ohdc-…}`, Bitbucket `[ohdc]: # (ohdc-…)` after an empty line (both are not shown). */
void marker_add(enum provider provider, const char *marker, struct strbuf *ret);

/** Whether the last line of a comment is the marker line of `marker`; a quote of ours elsewhere in the text does not count. */
NODISCARD bool marker_is_last(enum provider provider, const char *text, const char *marker);

/** Whether the last line is a marker line of whatever effect: then the comment is ours. */
NODISCARD bool marker_is_ours(enum provider provider, const char *text);

/** Length of a comment without its marker line; the whole of one that is not ours. */
NODISCARD size_t marker_body_len(enum provider provider, const char *text);

#endif
