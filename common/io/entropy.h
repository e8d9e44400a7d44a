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

/** A random UUID. */
NODISCARD struct uuid entropy_uuid(void);

#endif
