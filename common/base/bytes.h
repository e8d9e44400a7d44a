#ifndef OHDC_BASE_BYTES_H
#define OHDC_BASE_BYTES_H

/* A borrowed slice of bytes from outside; it becomes text only after text_is_utf8() said so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** `len` bytes at `ptr`, borrowed; `ptr` may be NULL when `len` is 0. */
struct bytes {
	const uint8_t *ptr;
	size_t len;
};

/** The slice over `len` bytes at `ptr`. */
static inline struct bytes bytes_of(const void *ptr, size_t len)
{
	return (struct bytes){.ptr = ptr, .len = len};
}

/** The slice over a NUL-terminated text of ours, without its NUL; NULL gives the empty slice. */
static inline struct bytes bytes_text(const char *text)
{
	return text ? bytes_of(text, strlen(text)) : bytes_of(NULL, 0);
}

/** Whether two slices hold the same bytes (not for secrets: crypto_equal()). */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
