/* Hex, base64url and percent-encoding. */
#include "common/base/encode.h"

#include <ctype.h>
#include <string.h>

#include "common/base/banned.h"

static const char hex_digits[] = "0123456789abcdef";

void encode_hex(struct strbuf *ret, struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		strbuf_add_char(ret, hex_digits[bytes.ptr[i] >> 4]);
		strbuf_add_char(ret, hex_digits[bytes.ptr[i] & 0x0F]);
	}
}

/* 16 for what is no hex digit. */
static uint8_t hex_value(uint8_t c)
{
	if (!isxdigit(c)) return 16;
	return (uint8_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
}

bool decode_hex(struct bytes hex, uint8_t *ret, size_t len)
{
	if (hex.len % 2 != 0 || hex.len / 2 != len) return false;
	for (size_t i = 0; i < hex.len; i++) {
		if (hex_value(hex.ptr[i]) > 15) return false;
	}
	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(hex_value(hex.ptr[2 * i]) << 4 | hex_value(hex.ptr[2 * i + 1]));
	return true;
}

#define BASE64_62 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static void add_base64(struct strbuf *ret, struct bytes bytes, const char *digits)
{
	for (size_t at = 0; at < bytes.len; at += 3) {
		size_t rest = bytes.len - at;
		uint32_t group = (uint32_t)bytes.ptr[at] << 16;
		if (rest > 1) group |= (uint32_t)bytes.ptr[at + 1] << 8;
		if (rest > 2) group |= bytes.ptr[at + 2];
		/* n bytes take n + 1 digits. */
		for (size_t i = 0; i <= (rest < 3 ? rest : 3); i++)
			strbuf_add_char(ret, digits[group >> (18 - 6 * i) & 0x3F]);
	}
}

void encode_base64url(struct strbuf *ret, struct bytes bytes)
{
	add_base64(ret, bytes, BASE64_62 "-_");
}

void encode_base64(struct strbuf *ret, struct bytes bytes)
{
	add_base64(ret, bytes, BASE64_62 "+/");
	for (size_t len = bytes.len; len % 3 != 0; len++)
		strbuf_add_char(ret, '=');
}

bool decode_base64url(struct strbuf *ret, struct bytes text)
{
	static const char digits[] = BASE64_62 "-_";
	uint32_t group = 0; /* its lowest `bits` bits are not written yet */
	unsigned bits = 0;
	for (size_t i = 0; i < text.len; i++) {
		const char *digit = memchr(digits, text.ptr[i], sizeof(digits) - 1);
		if (!digit) return false;
		group = group << 6 | (uint32_t)(digit - digits);
		bits += 6;
		if (bits < 8) continue;
		bits -= 8;
		strbuf_add_char(ret, (char)(group >> bits));
		group &= (1U << bits) - 1;
	}
	return bits < 6 && group == 0;
}

void encode_percent(struct strbuf *ret, struct bytes bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (isalnum(bytes.ptr[i]) || (bytes.ptr[i] != '\0' && strchr("-._~", bytes.ptr[i])))
			strbuf_add_char(ret, (char)bytes.ptr[i]);
		else
			strbuf_addf(ret, "%%%02X", (unsigned)bytes.ptr[i]);
	}
}

bool decode_percent(struct strbuf *ret, struct bytes text)
{
	for (size_t at = 0; at < text.len; at++) {
		uint8_t byte = text.ptr[at];
		if (byte == '%') {
			if (text.len - at < 3 || !decode_hex(bytes_of(text.ptr + at + 1, 2), &byte, 1)) return false;
			at += 2;
		}
		/* A NUL would end the text early for whoever reads it next. */
		if (byte == '\0') return false;
		strbuf_add_char(ret, (char)byte);
	}
	return true;
}
