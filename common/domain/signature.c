/* The one form of X-Hub-Signature that is taken. */

#include "common/domain/signature.h"

#include <string.h>

#include "common/base/encode.h"

#include "common/base/banned.h"

static const char prefix[] = "sha256=";

enum { PREFIX_LEN = sizeof(prefix) - 1, HEX_LEN = 2 * CRYPTO_DIGEST_SIZE };

bool signature_parse(const char *header, uint8_t ret[CRYPTO_DIGEST_SIZE])
{
	if (!header || strncmp(header, prefix, PREFIX_LEN) != 0 ||
	    strnlen(header, PREFIX_LEN + HEX_LEN + 1) != PREFIX_LEN + HEX_LEN)
		return false;
	return decode_hex(bytes_of(header + PREFIX_LEN, HEX_LEN), ret, CRYPTO_DIGEST_SIZE);
}
