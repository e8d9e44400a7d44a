/* getrandom(2), all or nothing. */
#include "common/io/entropy.h"

#include "common/base/encode.h"
#include "common/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

#include "common/base/banned.h"

void entropy_fill(void *ret, size_t len)
{
	unsigned char *at = ret;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		if (got < 0 && errno == EINTR) continue;
		/* Keys and nonces made from anything less would be worse than not running. */
		if (got <= 0) abort();
		at += got;
		len -= (size_t)got;
	}
}

uint32_t entropy_u32(void)
{
	uint32_t bits = 0;
	entropy_fill(&bits, sizeof(bits));
	return bits;
}

void entropy_text(char ret[ENTROPY_TEXT_SIZE])
{
	uint8_t random[32];
	CLEANUP(strbuf_wipe) struct strbuf text = strbuf_of(ENTROPY_TEXT_SIZE - 1);
	entropy_fill(random, sizeof(random));
	encode_base64url(&text, bytes_of(random, sizeof(random)));
	memcpy(ret, strbuf_text(&text), ENTROPY_TEXT_SIZE);
	mem_wipe(random, sizeof(random));
}

struct uuid entropy_uuid(void)
{
	uint8_t random[16];
	entropy_fill(random, sizeof(random));
	return uuid_v4(random);
}
