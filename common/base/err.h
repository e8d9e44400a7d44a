#ifndef OHDC_BASE_ERR_H
#define OHDC_BASE_ERR_H

/* Errors as values: a code that says what the caller should do, and one message. Nothing is allocated while failing. */

#include "common/base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/** What went wrong, by what the caller should do about it. */
enum err_code {
	ERR_NONE,
	ERR_INPUT,     /**< the input can never succeed: drop it or tell who sent it */
	ERR_AUTH,      /**< credentials missing, wrong or without the right */
	ERR_NOT_FOUND, /**< the thing asked for is not there (or not visible) */
	ERR_CONFLICT,  /**< somebody else was first: read again */
	ERR_LIMIT,     /**< over a limit: wait as long as `retry_after_ms` says */
	ERR_BUSY,      /**< out of a local resource for now: try again soon */
	ERR_NETWORK,   /**< could not reach the peer; nothing happened there */
	ERR_TIMEOUT,   /**< no answer in time to a call that is safe to repeat */
	ERR_UNCERTAIN, /**< it may have happened: look before repeating */
	ERR_INTERNAL,  /**< our own fault or the peer's (5xx on a safe call) */
};

/** What to do with a piece of work whose step failed. */
enum err_verdict {
	VERDICT_DROP,  /**< final: answer with the reason, do not repeat */
	VERDICT_RETRY, /**< repeat later, with back-off */
	VERDICT_PROBE, /**< look whether it happened, then decide */
};

enum { ERR_MESSAGE_SIZE = 256 };

/** An error; zeroed means none. Lives on the stack; copying it is fine. */
struct err {
	enum err_code code;
	int64_t retry_after_ms; /**< for ERR_LIMIT and ERR_BUSY: the peer's wish, 0 when it said nothing */
	int http_status;        /**< the peer's HTTP status when there was one, else 0 */
	char message[ERR_MESSAGE_SIZE];
};

/** Fill `err` (may be NULL) with a code and a formatted message; false, so that `return err_set(…)` reads well. */
#define err_set(err, ...) (err_fill((err), __VA_ARGS__), err_is_false())

/** Put a formatted context and ": " before the message of `err` (may be NULL); false, as err_set(). */
#define err_wrap(err, ...) (err_add_context((err), __VA_ARGS__), err_is_false())

/** What err_set() calls. */
PRINTF_LIKE(3, 4) void err_fill(struct err *err, enum err_code code, const char *format, ...);

/** What err_wrap() calls. */
PRINTF_LIKE(2, 3) void err_add_context(struct err *err, const char *format, ...);

/** False, here in the header, so that static analysers know what follows a failure; may be ignored. */
static inline bool err_is_false(void)
{
	return false;
}

/** The one place that decides whether failed work is dropped, repeated or probed. */
NODISCARD enum err_verdict err_verdict(const struct err *err);

/** Lower-case name of a code, for logs and metrics; static. */
NODISCARD const char *err_code_name(enum err_code code);

#endif
