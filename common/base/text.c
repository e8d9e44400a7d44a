/* UTF-8 and ASCII case without a locale. */
#include "common/base/text.h"

#include "common/base/mem.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/base/banned.h"

enum { NOT_A_CHARACTER = 0x110000, REPLACEMENT = 0xFFFD };

/* What may follow a lead byte: the table of well-formed sequences in the Unicode standard. */
struct lead {
	uint8_t first;
	uint8_t last;
	uint8_t more; /* bytes after the lead */
	uint8_t low;  /* range of the first of them */
	uint8_t high;
	uint8_t payload; /* bits of the lead that count */
};

static const struct lead leads[] = {
	{0xC2, 0xDF, 1, 0x80, 0xBF, 0x1F}, {0xE0, 0xE0, 2, 0xA0, 0xBF, 0x0F}, {0xE1, 0xEC, 2, 0x80, 0xBF, 0x0F},
	{0xED, 0xED, 2, 0x80, 0x9F, 0x0F}, {0xEE, 0xEF, 2, 0x80, 0xBF, 0x0F}, {0xF0, 0xF0, 3, 0x90, 0xBF, 0x07},
	{0xF1, 0xF3, 3, 0x80, 0xBF, 0x07}, {0xF4, 0xF4, 3, 0x80, 0x8F, 0x07},
};

static const struct lead *find_lead(uint8_t byte)
{
	for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
		if (byte >= leads[i].first && byte <= leads[i].last) return &leads[i];
	}
	return NULL;
}

/*
 * Length of the first sequence of a slice that is not empty, its code point in `*ret`. Not
 * well-formed: NOT_A_CHARACTER and the length of what could have begun a character, at least 1.
 */
static size_t decode(struct bytes bytes, uint32_t *ret)
{
	*ret = bytes.ptr[0];
	if (bytes.ptr[0] < 0x80) return 1;

	*ret = NOT_A_CHARACTER;
	const struct lead *lead = find_lead(bytes.ptr[0]);
	if (!lead) return 1;

	uint32_t code_point = bytes.ptr[0] & lead->payload;
	for (size_t i = 1; i <= lead->more; i++) {
		uint8_t low = i == 1 ? lead->low : 0x80;
		uint8_t high = i == 1 ? lead->high : 0xBF;
		if (i >= bytes.len || bytes.ptr[i] < low || bytes.ptr[i] > high) return i;
		code_point = code_point << 6 | (bytes.ptr[i] & 0x3F);
	}
	*ret = code_point;
	return (size_t)lead->more + 1;
}

bool text_is_utf8(struct bytes bytes)
{
	uint32_t code_point;
	for (size_t at = 0; at < bytes.len;) {
		at += decode(bytes_of(bytes.ptr + at, bytes.len - at), &code_point);
		if (code_point == NOT_A_CHARACTER) return false;
	}
	return true;
}

void text_add_repaired(struct strbuf *ret, struct bytes bytes)
{
	uint32_t code_point;
	size_t good = 0; /* start of the run that was not appended yet */
	size_t at = 0;
	while (at < bytes.len) {
		size_t len = decode(bytes_of(bytes.ptr + at, bytes.len - at), &code_point);
		if (code_point == NOT_A_CHARACTER || code_point == 0) {
			strbuf_add_bytes(ret, bytes_of(bytes.ptr + good, at - good));
			strbuf_add(ret, "\xEF\xBF\xBD");
			good = at + len;
		}
		at += len;
	}
	if (good < at) strbuf_add_bytes(ret, bytes_of(bytes.ptr + good, at - good));
}

size_t text_cut(const char *text, size_t max_bytes)
{
	size_t len = strnlen(text, max_bytes);
	if (text[len] == '\0') return len;
	while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
		len--;
	return len;
}

/* No program sets a locale: the C library's letters are ASCII's. */
bool text_starts_nocase(const char *text, const char *prefix)
{
	return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool text_equal_nocase(const char *a, const char *b)
{
	return a && b ? strcasecmp(a, b) == 0 : a == b;
}

bool text_has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f') return true;
	}
	return false;
}

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *text_find_nocase(const char *haystack, const char *needle)
{
	return strcasestr(haystack, needle);
}

bool text_bytes_contain_nocase(struct bytes haystack, const char *needle)
{
	size_t len = strlen(needle);
	for (size_t at = 0; haystack.len - at >= len && at < haystack.len; at++) {
		if (strncasecmp((const char *)haystack.ptr + at, needle, len) == 0) return true;
	}
	return len == 0;
}

uint32_t text_code_point(const char *text, size_t *ret_len)
{
	uint32_t code_point;
	/* The NUL is no continuation byte, so that looking up to four bytes ahead never passes it. */
	size_t len = decode(bytes_of(text, strnlen(text, 4) + 1), &code_point);
	*ret_len = code_point == 0 ? 0 : code_point == NOT_A_CHARACTER ? 1 : len;
	return code_point == NOT_A_CHARACTER ? REPLACEMENT : code_point;
}

void text_copy(const char *text, char *ret, size_t size)
{
	size_t len = text ? text_cut(text, size - 1) : 0;
	if (len > 0) memmove(ret, text, len);
	ret[len] = '\0';
}

char *text_trim(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;

	size_t len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	return mem_dup_n(text, len);
}

char *text_lower(const char *text)
{
	char *copy = mem_dup_n(text, strlen(text));
	for (char *c = copy; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

bool text_among(const char *const *names, size_t count, const char *text, unsigned *ret)
{
	for (unsigned i = 0; text && i < count; i++) {
		if (!names[i] || strcmp(names[i], text) != 0) continue;
		*ret = i;
		return true;
	}
	return false;
}

bool text_among_nocase(const char *const *names, size_t count, struct bytes text)
{
	for (size_t i = 0; i < count; i++) {
		if (!names[i] || strlen(names[i]) != text.len) continue;
		if (text.len == 0 || strncasecmp((const char *)text.ptr, names[i], text.len) == 0) return true;
	}
	return false;
}

bool text_is_empty(const char *text)
{
	return !text || *text == '\0';
}
