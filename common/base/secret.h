#ifndef OHDC_BASE_SECRET_H
#define OHDC_BASE_SECRET_H

/* A secret has a type of its own, so that it cannot reach a log by accident, and is wiped when done. */

#include "common/base/attr.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/** Secret bytes; owned; zeroed means none. */
struct secret {
	char *text; /**< NUL-terminated */
	size_t len;
};

/** Take a copy of `len` bytes. The former content of `ret` is wiped. */
void secret_set(struct secret *ret, const void *bytes, size_t len);

/** Wipe, free and zero. */
void secret_done(struct secret *secret);

/** Whether there is one. */
NODISCARD bool secret_is_set(const struct secret *secret);

/** The bytes, borrowed. */
NODISCARD struct bytes secret_bytes(const struct secret *secret);

/** Overwrite `secret` with '*' wherever it stands in a `text` that somebody else wrote; either may be NULL or empty. */
void secret_mask(const char *secret, char *text);

#endif
