#ifndef OHDC_BASE_JSON_FIELD_H
#define OHDC_BASE_JSON_FIELD_H

/* Reading JSON from outside: tolerant of broken text, strict about structure; typed, bounded reads by path. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Read a JSON text from outside. Lone surrogate escapes and invalid UTF-8 become U+FFFD, NUL escapes become U+FFFD, so that a
 * broken emoji loses no event. ERR_INPUT for anything else jansson refuses, duplicate keys, more than `max_depth` levels,
 * or more than `max_bytes`. `ret` is a new reference.
 */
NODISCARD bool json_read(struct bytes body, size_t max_bytes, int max_depth, json_t **ret, struct err *err);

/** Whether the text is JSON at all, duplicates and depth aside (tells 400 from verdict MALFORMED). */
NODISCARD bool json_is_json(struct bytes body);

/** The value at a dotted path ("pullRequest.toRef.repository.id"); NULL when a step is missing, null or no object. Borrowed. */
NODISCARD json_t *json_at(const json_t *root, const char *path);

/** Text at a path, borrowed; NULL when absent or null; a value of another type also gives NULL (use json_need_text to complain). */
NODISCARD const char *json_text_at(const json_t *root, const char *path);

/** Whether a text is one of a list's; false for what is no list. */
NODISCARD bool json_has_text(const json_t *list, const char *text);

/** Text at a path that must be there and not be empty, at most `max_bytes` long; ERR_INPUT names the path. Borrowed. */
NODISCARD bool json_need_text(const json_t *root, const char *path, size_t max_bytes, const char **ret, struct err *err);

/** Integer at a path that must be there, in [min, max]; ERR_INPUT names the path, what was found and what is expected. */
NODISCARD bool json_need_int(const json_t *root, const char *path, int64_t min, int64_t max, int64_t *ret,
			     struct err *err);

/** Integer at a path; `fallback` when absent, null or no integer. */
NODISCARD int64_t json_int_at(const json_t *root, const char *path, int64_t fallback);

/** Boolean at a path; `fallback` when absent or no boolean. */
NODISCARD bool json_bool_at(const json_t *root, const char *path, bool fallback);

/** Id at a path that senders write as text or as number (both are read), 1–`size`-1 characters; false when absent or too long. */
NODISCARD bool json_id_at(const json_t *root, const char *path, char *ret, size_t size);

/** Set `key` of an object to a text, or leave it out when the text is NULL. Invalid UTF-8 is repaired. */
void json_put_text(json_t *object, const char *key, const char *text);

/** Set several texts of an object, each as json_put_text(): key, text, key, text …. */
#define JSON_PUT_TEXTS(object, ...)                                  \
	json_put_texts((object), (const char *const[]){__VA_ARGS__}, \
		       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/** What JSON_PUT_TEXTS() calls; `count` of keys and texts. */
void json_put_texts(json_t *object, const char *const *pairs, size_t count);

/** Set `key` of an object to an integer. */
void json_put_int(json_t *object, const char *key, int64_t value);

/** New compact text of a value, keys in insertion order; free with mem_free(). */
NODISCARD char *json_compact(const json_t *value);

#endif
