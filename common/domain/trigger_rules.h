#ifndef OHDC_DOMAIN_TRIGGER_RULES_H
#define OHDC_DOMAIN_TRIGGER_RULES_H

/* What both products' readers share: bounded reads, the bot's own words, and the decision about a comment. Pure. */

#include "common/base/attr.h"
#include "common/domain/trigger.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** Set a verdict other than TRIGGERED and why; always returns false. */
PRINTF_LIKE(3, 4)
bool trigger_refuse(struct ask *ask, enum reason verdict, const char *format, ...);

/** New copy of the text at a path, cut at `max_bytes`; NULL when absent, null or no text. */
NODISCARD char *trigger_text(const json_t *body, const char *path, size_t max_bytes);

/** New numeric id at a path, written as text or as number; NULL when absent or anything else. */
NODISCARD char *trigger_id(const json_t *body, const char *path);

/** Whether the value at a path can stand for a text: absent, null or a string. */
NODISCARD bool trigger_is_text(const json_t *body, const char *path);

/** New text from a format, at most LIMIT_EVENT_KEY_BYTES long. */
NODISCARD PRINTF_LIKE(1, 2) char *trigger_key(const char *format, ...);

/** New subject of a body ("jira:3:10013", "bitbucket:3:12:7"), NULL when it has none. */
NODISCARD char *trigger_subject_jira(int64_t instance_id, const json_t *body);
NODISCARD char *trigger_subject_bitbucket(int64_t instance_id, const json_t *body);

/** Whether the last line of a comment holds our marker (`ohdc-` and 16 hex digits): then we wrote it, as whomever. */
NODISCARD bool trigger_has_marker(const char *text);

/** Decide about the comment that `ask` holds (actor, text, key): sets is_mention, verdict, kind and detail. */
void trigger_decide_comment(const struct trigger_context *context, struct ask *ask);

#endif
