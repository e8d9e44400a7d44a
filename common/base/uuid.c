/* UUIDs as RFC 4122 (now 9562) lays them out. */
#include "common/base/uuid.h"

#include "common/base/crypto.h"
#include "common/base/encode.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { TEXT_LEN = UUID_TEXT_SIZE - 1, HEX_LEN = UUID_HEX_SIZE - 1 };

static struct uuid stamp(const uint8_t bytes[16], unsigned version)
{
	struct uuid uuid;
	memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
	uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | version << 4);
	uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
	return uuid;
}

struct uuid uuid_v4(const uint8_t random[16])
{
	return stamp(random, 4);
}

struct uuid uuid_v5(const struct uuid *space, struct bytes name)
{
	uint8_t digest[CRYPTO_SHA1_SIZE];
	CLEANUP(strbuf_done) struct strbuf data = strbuf_of(sizeof(space->bytes) + name.len);
	strbuf_add_bytes(&data, bytes_of(space->bytes, sizeof(space->bytes)));
	strbuf_add_bytes(&data, name);
	crypto_sha1(bytes_of(data.text, data.len), digest);
	return stamp(digest, 5);
}

static bool is_dash_place(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

bool uuid_parse(const char *text, struct uuid *ret)
{
	char hex[UUID_HEX_SIZE];
	size_t len = strnlen(text, UUID_TEXT_SIZE);
	size_t digits = 0;
	if (len != TEXT_LEN && len != HEX_LEN) return false;
	for (size_t at = 0; at < len; at++) {
		if (len == TEXT_LEN && is_dash_place(at)) {
			if (text[at] != '-') return false;
			continue;
		}
		hex[digits++] = text[at];
	}
	return decode_hex(bytes_of(hex, digits), ret->bytes, sizeof(ret->bytes));
}

void uuid_text(const struct uuid *uuid, char ret[UUID_TEXT_SIZE])
{
	char hex[UUID_HEX_SIZE];
	uuid_hex(uuid, hex);
	(void)snprintf(ret, UUID_TEXT_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool uuid_normalise(const char *text, char ret[UUID_TEXT_SIZE])
{
	struct uuid uuid;
	if (!text || !uuid_parse(text, &uuid)) return false;
	uuid_text(&uuid, ret);
	return true;
}

void uuid_hex(const struct uuid *uuid, char ret[UUID_HEX_SIZE])
{
	CLEANUP(strbuf_done) struct strbuf hex = strbuf_of(HEX_LEN);
	encode_hex(&hex, bytes_of(uuid->bytes, sizeof(uuid->bytes)));
	memcpy(ret, strbuf_text(&hex), UUID_HEX_SIZE);
}
