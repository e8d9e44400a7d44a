#ifndef OHDC_DISPATCHER_REPLY_FILL_H
#define OHDC_DISPATCHER_REPLY_FILL_H

/* Inside of replies: filling a template, and cutting and guarding what is written. Pure. */

#include "common/base/strbuf.h"
#include "services/dispatcher/reply.h"

/** Append the Markdown of a template; a mention is kept as one private character until reply_finish(). */
void reply_fill(const struct reply_context *context, const char *template, const struct reply_values *values,
		struct strbuf *ret);

/** Append filled Markdown in the product's markup with the mention put in (Jira: converted). */
void reply_finish(const struct reply_context *context, const char *markdown, struct strbuf *ret);

/** Length of a text as the products count it: UTF-16 units. */
NODISCARD size_t reply_units(const char *text);

/** New prefix of a Markdown text with at most `max_units`, cut on a character or a line, open code closed. */
NODISCARD char *reply_cut_markdown(const char *markdown, size_t max_units);

/** Take the @ from each mention of the bot in `text` (changed in place): we never call ourselves. */
void reply_unmention(const struct reply_context *context, char *text);

#endif
