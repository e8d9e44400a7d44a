/* The one form of X-Hub-Signature that is taken. */

#include "common/domain/signature.h"

#include <string.h>

#include "common/base/encode.h"

#include "common/base/banned.h"

static const char prefix[] = "sha256=";

enum { PREFIX_LEN = sizeof(prefix) - 1, HEX_LEN = 2 * CRYPTO_DIGEST_SIZE };

bool signature_parse(const char *header, uint8_t ret[CRYPTO_DIGEST_SIZE])
{
	if (!header || strncmp(header, prefix, PREFIX_LEN) != 0) return false;
	if (strnlen(header, SIGNATURE_TEXT_SIZE) != PREFIX_LEN + HEX_LEN) return false;
	return decode_hex(bytes_of(header + PREFIX_LEN, HEX_LEN), ret, CRYPTO_DIGEST_SIZE);
}

void signature_make(struct bytes secret, struct bytes body, char ret[SIGNATURE_TEXT_SIZE])
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(SIGNATURE_TEXT_SIZE - 1);
	crypto_hmac(secret, body, digest);
	strbuf_add(&text, prefix);
	encode_hex(&text, bytes_of(digest, sizeof(digest)));
	memcpy(ret, strbuf_text(&text), text.len + 1);
}
