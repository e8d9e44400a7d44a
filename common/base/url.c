/* Base URLs: strict enough that two spellings of one place become the same text. */
#include "common/base/url.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/banned.h"

enum { HOST_MAX = 253, PORT_HTTP = 80, PORT_HTTPS = 443, PORT_MAX = 65535 };

/* Messages never quote the URL: it may hold a password that somebody put where it does not belong. */

static bool read_scheme(const char **text, const char *default_scheme, bool *ret, struct err *err)
{
	static const char *const schemes[] = {"http://", "https://"};
	const char *separator = strstr(*text, "://");
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (!text_starts_nocase(*text, schemes[i])) continue;
		*text += strlen(schemes[i]);
		*ret = i == 1;
		return true;
	}
	if (separator || !default_scheme) return err_set(err, ERR_INPUT, "the URL must start with http:// or https://");
	*ret = text_equal_nocase(default_scheme, "https");
	return true;
}

/* A name or an IPv4 address: labels that are not empty, one dot between them. */
static bool is_host_name(const char *host)
{
	char before = '.';
	for (; *host != '\0'; host++) {
		if (!isalnum((unsigned char)*host) && *host != '-' && *host != '_' && !(*host == '.' && before != '.'))
			return false;
		before = *host;
	}
	return before != '.';
}

static bool is_ipv6(const char *host)
{
	size_t len = strlen(host);
	return len >= 4 && host[0] == '[' && host[len - 1] == ']' && strchr(host, ':') &&
	       strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
}

static bool read_port(const char *text, bool is_https, int64_t *ret, struct err *err)
{
	if (*text == '\0') {
		*ret = is_https ? PORT_HTTPS : PORT_HTTP;
		return true;
	}
	if (*text != ':' || !number_parse(text + 1, 1, PORT_MAX, ret, NULL))
		return err_set(err, ERR_INPUT, "the port must be a number from 1 to %d", PORT_MAX);
	return true;
}

/* Read `len` bytes "host[:port]" into the host and port of `url`. */
static bool read_authority(const char *text, size_t len, struct url *url, struct err *err)
{
	CLEANUP(mem_free_text) char *authority = mem_dup_n(text, len);
	if (strchr(authority, '@')) return err_set(err, ERR_INPUT, "the URL must not hold a user name or password");

	const char *end = authority[0] == '[' ? strchr(authority, ']') : NULL;
	size_t host_len = end ? (size_t)(end + 1 - authority) : strcspn(authority, ":");
	CLEANUP(mem_free_text) char *host = mem_dup_n(authority, host_len);
	if (host_len == 0) return err_set(err, ERR_INPUT, "the URL has no host");
	if (host_len > HOST_MAX || !(is_host_name(host) || is_ipv6(host)))
		return err_set(err, ERR_INPUT, "the host of the URL is not a valid name or address");
	if (!read_port(authority + host_len, url->is_https, &url->port, err)) return false;
	mem_free(url->host);
	url->host = text_lower(host);
	return true;
}

static bool is_path_char(char c)
{
	return c > ' ' && c < 0x7F && !strchr("?#\"<>\\^`{|}", c);
}

/* Whether an escape hides a dot or slash, with which the path could be read as another one. */
static bool is_hiding(const char *escape)
{
	return text_starts_nocase(escape, "%2e") || text_starts_nocase(escape, "%2f") ||
	       text_starts_nocase(escape, "%5c");
}

static bool is_plain_segment(const char *segment, size_t len)
{
	if (len <= 2 && strncmp(segment, "..", len) == 0) return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_path_char(segment[i]) || is_hiding(segment + i)) return false;
	}
	return true;
}

/* Read the path: "" or segments that each begin with a slash; slashes at the end do not count. */
static bool read_path(const char *text, char **ret, struct err *err)
{
	size_t len = strlen(text);
	while (len > 0 && text[len - 1] == '/')
		len--;
	CLEANUP(mem_free_text) char *path = mem_dup_n(text, len);
	for (const char *at = path; *at != '\0';) {
		size_t segment = strcspn(at + 1, "/");
		if (!is_plain_segment(at + 1, segment))
			return err_set(err, ERR_INPUT, "the path of the URL is not a plain path");
		at += 1 + segment;
	}
	return MOVE(ret, path);
}

bool url_parse(const char *text, const char *default_scheme, struct url *ret, struct err *err)
{
	CLEANUP(url_done) struct url url = {0};
	if (text_is_empty(text)) return err_set(err, ERR_INPUT, "the URL is empty");
	if (strnlen(text, LIMIT_URL_BYTES + 1) > LIMIT_URL_BYTES)
		return err_set(err, ERR_INPUT, "the URL is longer than %d bytes", LIMIT_URL_BYTES);
	if (strpbrk(text, "?#")) return err_set(err, ERR_INPUT, "the URL must not have a query or a fragment");
	if (!read_scheme(&text, default_scheme, &url.is_https, err)) return false;

	size_t authority = strcspn(text, "/");
	if (!read_authority(text, authority, &url, err) || !read_path(text + authority, &url.path, err)) return false;
	return MOVE(ret, url);
}

void url_done(struct url *url)
{
	if (!url) return;
	MEM_FREE_ALL(url->host, url->path);
	*url = (struct url){0};
}

char *url_text(const struct url *url)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	strbuf_init(&text, LIMIT_URL_BYTES + sizeof("https://"));
	strbuf_add(&text, url->is_https ? "https://" : "http://");
	strbuf_add(&text, url->host);
	if (url->port != (url->is_https ? PORT_HTTPS : PORT_HTTP)) strbuf_addf(&text, ":%" PRId64, url->port);
	strbuf_add(&text, url->path);
	return strbuf_take(&text);
}

bool url_has_host(const char *text, const char *host)
{
	CLEANUP(url_done) struct url url = {0};
	return read_scheme(&text, NULL, &url.is_https, NULL) &&
	       read_authority(text, strcspn(text, "/?#"), &url, NULL) && text_equal_nocase(url.host, host);
}
