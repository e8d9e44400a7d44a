#ifndef OHDC_IO_ENTROPY_H
#define OHDC_IO_ENTROPY_H

/* Randomness from the kernel; a failure ends the process. */

#include "common/base/attr.h"
#include "common/base/uuid.h"

#include <stddef.h>
#include <stdint.h>

/** Fill `len` bytes. */
void entropy_fill(void *ret, size_t len);

/** 32 random bits, for jitter. */
NODISCARD uint32_t entropy_u32(void);

enum { ENTROPY_TEXT_SIZE = 44 /* 43 characters and a NUL */ };

/** 32 random bytes as base64url: states, verifiers, secrets. */
void entropy_text(char ret[ENTROPY_TEXT_SIZE]);

/** A random UUID. */
NODISCARD struct uuid entropy_uuid(void);

#endif
