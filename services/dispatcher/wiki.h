#ifndef OHDC_DISPATCHER_WIKI_H
#define OHDC_DISPATCHER_WIKI_H

/* Markdown to Jira wiki markup. Pure. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"

#include <stdbool.h>

/**
 * Append the wiki markup of a Markdown text (CommonMark with tables, strikethrough and bare links). Code is kept to the letter;
 * wiki characters in plain text are escaped. False only when the text cannot be parsed at all (ERR_INPUT).
 */
NODISCARD bool wiki_from_markdown(const char *markdown, struct strbuf *ret, struct err *err);

/** Append plain text with the wiki's special characters escaped. */
void wiki_add_escaped(struct strbuf *ret, const char *text);

#endif
