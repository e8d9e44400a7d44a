#ifndef OHDC_BASE_ENCODE_H
#define OHDC_BASE_ENCODE_H

/* Bytes as text and back: hex, base64, base64url, percent. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/strbuf.h"

#include <stdbool.h>

/** Append lower-case hex. */
void encode_hex(struct strbuf *ret, struct bytes bytes);

/** Read exactly `len` bytes from 2 × `len` hex digits of any case; false when the text is anything else. */
NODISCARD bool decode_hex(struct bytes hex, uint8_t *ret, size_t len);

/** Append base64url without padding. */
void encode_base64url(struct strbuf *ret, struct bytes bytes);

/** Append what base64url without padding stands for; false (nothing appended is meaningful) for anything that encode_base64url() does not write. */
NODISCARD bool decode_base64url(struct strbuf *ret, struct bytes text);

/** Append base64 with padding, for Basic authentication. */
void encode_base64(struct strbuf *ret, struct bytes bytes);

/** Append percent-encoding of everything but RFC 3986 unreserved characters. */
void encode_percent(struct strbuf *ret, struct bytes bytes);

/** Append the percent-decoded text; false (nothing appended is meaningful) on a bad escape or an encoded NUL. */
NODISCARD bool decode_percent(struct strbuf *ret, struct bytes text);

#endif
