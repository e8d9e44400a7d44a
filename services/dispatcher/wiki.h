#ifndef OHDC_DISPATCHER_WIKI_H
#define OHDC_DISPATCHER_WIKI_H

/* Markdown to Jira wiki markup. Pure. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"

#include <stdbool.h>

/**
 * Append the wiki markup of a Markdown text (CommonMark with tables, strikethrough, task lists and bare links). Code is kept to
 * the letter, characters that Jira would take for markup are escaped. False only when the text cannot be parsed (ERR_INPUT).
 */
NODISCARD bool wiki_from_markdown(const char *markdown, struct strbuf *ret, struct err *err);

/** Where text stands; combine with |. */
enum wiki_place {
	WIKI_PLAIN = 0,
	WIKI_IN_LINK = 1, /**< in the text of [text|url] */
	WIKI_IN_CODE = 2, /**< in {{code}} */
};

/** Whether a byte belongs to a word: letters beyond ASCII count as such, nearly all are. */
NODISCARD bool wiki_is_word(unsigned char c);

/** Append text with everything escaped that Jira would take for markup after what `ret` ends with. */
void wiki_escape(struct bytes text, unsigned place, struct strbuf *ret);

#endif
