/* The invisible last line by which a comment of ours is recognised. */
#include "services/dispatcher/marker.h"

#include "common/base/crypto.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { MARKER_PREFIX_LEN = 5, MARKER_HEX_LEN = 16 };

/* What stands around the marker in its line. */
static const char *const frames[][2] = {
	[PROVIDER_JIRA] = {"{anchor:", "}"},
	[PROVIDER_BITBUCKET] = {"[ohdc]: # (", ")"},
};

void marker_make(struct bytes key, const char *effect_id, char ret[MARKER_SIZE])
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	crypto_hmac(key, bytes_text(effect_id), digest);
	(void)snprintf(ret, MARKER_SIZE, "ohdc-%02x%02x%02x%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2],
		       digest[3], digest[4], digest[5], digest[6], digest[7]);
}

void marker_add(enum provider provider, const char *marker, struct strbuf *ret)
{
	/* A link reference definition cannot interrupt a paragraph, so both get an empty line. */
	strbuf_addf(ret, "\n\n%s%s%s", frames[provider][0], marker, frames[provider][1]);
}

/* The last line without white space around it; Bitbucket and Jira may store CR LF and trim the end. */
static struct bytes last_line(const char *text)
{
	size_t end = strlen(text);
	while (end > 0 && strchr(" \t\r\n", text[end - 1]))
		end--;
	size_t start = end;
	while (start > 0 && text[start - 1] != '\n' && text[start - 1] != '\r')
		start--;
	while (start < end && (text[start] == ' ' || text[start] == '\t'))
		start++;
	return bytes_of(text + start, end - start);
}

/* The marker within the last line, {NULL, 0} when that is no marker line. */
static struct bytes find_marker(enum provider provider, const char *text)
{
	struct bytes prefix = bytes_text(frames[provider][0]);
	struct bytes suffix = bytes_text(frames[provider][1]);
	size_t len = MARKER_PREFIX_LEN + MARKER_HEX_LEN;
	if (!text) return (struct bytes){0};
	struct bytes line = last_line(text);
	if (line.len != prefix.len + len + suffix.len || !bytes_equal(bytes_of(line.ptr, prefix.len), prefix) ||
	    !bytes_equal(bytes_of(line.ptr + prefix.len + len, suffix.len), suffix))
		return (struct bytes){0};
	return bytes_of(line.ptr + prefix.len, len);
}

bool marker_is_last(enum provider provider, const char *text, const char *marker)
{
	struct bytes found = find_marker(provider, text);
	return found.len > 0 && bytes_equal(found, bytes_text(marker));
}

bool marker_is_ours(enum provider provider, const char *text)
{
	struct bytes found = find_marker(provider, text);
	if (found.len == 0 || memcmp(found.ptr, "ohdc-", MARKER_PREFIX_LEN) != 0) return false;
	for (size_t i = MARKER_PREFIX_LEN; i < found.len; i++) {
		if (!memchr("0123456789abcdef", found.ptr[i], 16)) return false;
	}
	return true;
}

size_t marker_body_len(enum provider provider, const char *text)
{
	size_t len = strlen(text);
	return marker_is_ours(provider, text) ? (size_t)((const char *)last_line(text).ptr - text) : len;
}
