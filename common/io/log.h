#ifndef OHDC_IO_LOG_H
#define OHDC_IO_LOG_H

/* JSON lines on standard error: a constant message, data as fields, context from the thread's scopes. Thread-safe. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Severity; below the level set nothing is written. */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/** One datum of a log line; made with the macros below. */
struct log_field {
	const char *key;  /**< static, snake_case */
	const char *text; /**< NULL: null, unless `is_number` */
	int64_t number;
	bool is_number;
};

/** What LOG_TEXT() makes; a function, because compilers complain about testing an array. */
NODISCARD static inline struct log_field log_text_field(const char *key, const char *text)
{
	return (struct log_field){.key = key, .text = text};
}

/**
 * A text field; NULL is written as null. Texts are cut at 1024 bytes. Keys that name a secret (token, secret, password,
 * authorization, signature, cookie, credential, api_key) are redacted.
 */
#define LOG_TEXT(key, value) (log_text_field((key), (value)))

/** An integer field. */
#define LOG_INT(key_, value) ((struct log_field){.key = (key_), .number = (int64_t)(value), .is_number = true})

/** Write one line at a level: LOG_AT(level, "message", LOG_TEXT(…), LOG_INT(…)). At least one field is needed. */
#define LOG_AT(level, message, ...)                                            \
	log_write((level), (message), (const struct log_field[]){__VA_ARGS__}, \
		  sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#define LOG_DEBUG(message, ...) LOG_AT(LOG_LEVEL_DEBUG, message, __VA_ARGS__)
#define LOG_INFO(message, ...) LOG_AT(LOG_LEVEL_INFO, message, __VA_ARGS__)
#define LOG_WARN(message, ...) LOG_AT(LOG_LEVEL_WARN, message, __VA_ARGS__)
#define LOG_ERROR(message, ...) LOG_AT(LOG_LEVEL_ERROR, message, __VA_ARGS__)

/**
 * Name the program (borrowed for good) and set the level ("debug", "info", "warn", "error"; anything else: info). Before threads
 * start; a second call, when the settings are known, replaces the first.
 */
void log_open(const char *program, const char *level);

/**
 * Write one line; prefer the macros. A line has at most 4096 bytes (what a pipe takes in one piece); a field that does not fit is
 * left out and the line says "cut":true. Of equal keys the innermost is written. A line that standard error refuses is lost.
 */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count);

/** Write `err` at warn with a message, the code, and the peer's HTTP status when there was one. */
void log_err(const char *message, const struct err *err);

/** A fault that lasts, said once in a while; zeroed: it may be said now. Shared by threads. */
struct log_gap {
	_Atomic(int64_t) next_ms; /**< monotonic */
};

/** Whether the line may be written now; if so, not again for `gap_ms`. */
NODISCARD bool log_gap_passed(struct log_gap *gap, int64_t gap_ms);

/** Context that every line of this thread carries until the scope ends; texts are borrowed for that long. */
struct log_scope {
	struct log_field field;
	struct log_scope *outer;
};

/** Enter a scope; use as: CLEANUP(log_scope_leave) struct log_scope s; log_scope_enter(&s, LOG_TEXT("job_id", id)); */
void log_scope_enter(struct log_scope *scope, struct log_field field);

/** Leave the innermost scope (cleanup function). */
void log_scope_leave(struct log_scope *scope);

#endif
