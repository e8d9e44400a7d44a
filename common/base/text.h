#ifndef OHDC_BASE_TEXT_H
#define OHDC_BASE_TEXT_H

/* Questions about UTF-8 text that need no locale. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/** Whether the slice is valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
NODISCARD bool text_is_utf8(struct bytes bytes);

/** Append `bytes` to `ret` with each invalid sequence, and each NUL, replaced by U+FFFD. */
void text_add_repaired(struct strbuf *ret, struct bytes bytes);

/** Length in bytes of the longest prefix of `text` that has at most `max_bytes` bytes and ends on a character. */
NODISCARD size_t text_cut(const char *text, size_t max_bytes);

/** Whether two texts are equal when ASCII letters are compared without case; NULL equals only NULL. */
NODISCARD bool text_equal_nocase(const char *a, const char *b);

/** Whether `text` starts with `prefix`. */
NODISCARD bool text_starts(const char *text, const char *prefix);

/** Whether a control character (a line break, a tab, DEL) is in `text`: it must not get into a header. */
NODISCARD bool text_has_control(const char *text);

/** Whether `text` starts with `prefix`, ASCII letters compared without case. */
NODISCARD bool text_starts_nocase(const char *text, const char *prefix);

/** First place of `needle` in `haystack`, ASCII letters compared without case; NULL when absent. */
NODISCARD const char *text_find_nocase(const char *haystack, const char *needle);

/** Whether the slice holds `needle` (lower-case ASCII), ASCII letters compared without case. */
NODISCARD bool text_bytes_contain_nocase(struct bytes haystack, const char *needle);

/** Code point at `text` and its length in bytes in `*ret_len`; U+FFFD and 1 for an invalid sequence; 0 and 0 at the NUL. */
NODISCARD uint32_t text_code_point(const char *text, size_t *ret_len);

/** Whether a code point is a letter, digit or underscore (Unicode letters count: approximated by >= U+00AA letters). */
NODISCARD bool text_is_word(uint32_t code_point);

/** Whether the character that ends right before `at` in `text` is a word character; false at the start. */
NODISCARD bool text_word_before(const char *text, const char *at);

/** Copy a text (NULL: "") into a place of `size` bytes, cut on a character. */
void text_copy(const char *text, char *ret, size_t size);

/** New copy of `text` without white space at both ends. */
NODISCARD char *text_trim(const char *text);

/** New lower-case copy (ASCII letters only). */
NODISCARD char *text_lower(const char *text);

/**
 * Whether a text (NULL: no) is one of `count` names, and where, in `*ret`: an index, or a value of the enum that the names
 * are in the order of. Names may be NULL.
 */
NODISCARD bool text_among(const char *const *names, size_t count, const char *text, unsigned *ret);

/** Whether a slice is one of `count` names (NULL: none), ASCII letters compared without case. */
NODISCARD bool text_among_nocase(const char *const *names, size_t count, struct bytes text);

/** Whether the text is NULL or "". */
NODISCARD bool text_is_empty(const char *text);

#endif
