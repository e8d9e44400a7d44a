#ifndef OHDC_BASE_UUID_H
#define OHDC_BASE_UUID_H

/* UUIDs: random (from given bytes), name-based, and their text. */

#include "common/base/attr.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	UUID_TEXT_SIZE = 37, /**< 36 characters and the NUL */
	UUID_HEX_SIZE = 33,  /**< 32 hex digits and the NUL */
};

/** A UUID in network order. */
struct uuid {
	uint8_t bytes[16];
};

/** Version 4 from 16 random bytes. */
NODISCARD struct uuid uuid_v4(const uint8_t random[16]);

/** Version 5 (SHA-1) of a name in a namespace. */
NODISCARD struct uuid uuid_v5(const struct uuid *space, struct bytes name);

/** Read the dashed or the plain hex form, any case; false when it is anything else. */
NODISCARD bool uuid_parse(const char *text, struct uuid *ret);

/** Write the dashed lower-case form. */
void uuid_text(const struct uuid *uuid, char ret[UUID_TEXT_SIZE]);

/** Read as uuid_parse() (NULL: false) and write as uuid_text(). */
NODISCARD bool uuid_normalise(const char *text, char ret[UUID_TEXT_SIZE]);

/** Write 32 lower-case hex digits. */
void uuid_hex(const struct uuid *uuid, char ret[UUID_HEX_SIZE]);

#endif
