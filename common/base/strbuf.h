#ifndef OHDC_BASE_STRBUF_H
#define OHDC_BASE_STRBUF_H

/* Growable text with a mandatory ceiling. What does not fit is cut at the ceiling and remembered in `is_cut`. */

#include "common/base/attr.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/** A text under construction. `text` is always NUL-terminated after the first append, else NULL. */
struct strbuf {
	char *text;     /**< owned */
	size_t len;     /**< bytes without the NUL */
	size_t size;    /**< bytes allocated */
	size_t ceiling; /**< most bytes ever held, without the NUL */
	bool is_cut;    /**< something did not fit */
};

/** An empty text that never holds more than `ceiling` bytes. */
NODISCARD struct strbuf strbuf_of(size_t ceiling);

/** Start an empty text, as strbuf_of(). */
void strbuf_init(struct strbuf *buf, size_t ceiling);

/** Free the text and leave the struct zeroed; zeroed or NULL is fine. */
void strbuf_done(struct strbuf *buf);

/** Wipe, then strbuf_done(): for texts that hold a credential. */
void strbuf_wipe(struct strbuf *buf);

/** Forget the content, keep the memory. */
void strbuf_clear(struct strbuf *buf);

/** Append a NUL-terminated text; NULL appends nothing. */
void strbuf_add(struct strbuf *buf, const char *text);

/** Append a slice. */
void strbuf_add_bytes(struct strbuf *buf, struct bytes bytes);

/** Append one character. */
void strbuf_add_char(struct strbuf *buf, char c);

/** Append formatted text. */
PRINTF_LIKE(2, 3) void strbuf_addf(struct strbuf *buf, const char *format, ...);

/** The text so far, "" when empty; borrowed until the next change. */
NODISCARD const char *strbuf_text(const struct strbuf *buf);

/** Move the text out as a new allocation (never NULL; free with mem_free()); the buffer is left empty and reusable. */
NODISCARD char *strbuf_take(struct strbuf *buf);

#endif
