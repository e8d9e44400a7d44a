/* Paths and queries as they are sent: which route a path belongs to, what a query parameter says. */

#include "common/io/http_server_parts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

#include "common/base/banned.h"

struct http_path *http_paths_new(const struct http_route *routes, size_t count)
{
	struct http_path *paths = mem_zalloc(count ? count : 1, sizeof(*paths));

	for (size_t i = 0; i < count; i++) {
		const char *hole = strstr(routes[i].pattern, "{}");

		paths[i].prefix_len = hole ? (size_t)(hole - routes[i].pattern)
					   : strlen(routes[i].pattern);
		paths[i].suffix = hole ? hole + 2 : NULL;
	}
	return paths;
}

/* Whether the path matches; `piece` is what stands for `{}`. */
static bool matches(const struct http_route *route, const struct http_path *path, const char *text,
		    struct bytes *ret_piece)
{
	const char *rest = text + path->prefix_len;
	size_t piece_len;

	if (strncmp(route->pattern, text, path->prefix_len) != 0)
		return false;
	if (!path->suffix)
		return *rest == '\0';
	piece_len = strcspn(rest, "/");
	if (piece_len == 0 || strcmp(rest + piece_len, path->suffix) != 0)
		return false;
	*ret_piece = bytes_of(rest, piece_len);
	return true;
}

static void add_method(char *allow, size_t size, const char *method)
{
	size_t len = strlen(allow);

	(void)snprintf(allow + len, size - len, "%s%s", len > 0 ? ", " : "", method);
}

bool http_route_find(struct http_request *request, const char *method, char *allow, size_t allow_size)
{
	const struct http_server_options *options = &request->server->options;
	struct bytes piece = {0};

	allow[0] = '\0';
	for (size_t i = 0; i < options->route_count; i++) {
		const struct http_route *route = &options->routes[i];

		if (!matches(route, &request->server->paths[i], request->path, &piece))
			continue;
		if (strcmp(route->method, method) == 0) {
			request->route = route;
			request->piece = piece.len > 0 ? mem_dup_n(piece.ptr, piece.len) : NULL;
			return true;
		}
		add_method(allow, allow_size, route->method);
	}
	return false;
}

/* Decoded, a query of n bytes takes at most 2n + 2; the raw one waits behind that room. */
static char *raw_query(struct http_request *request)
{
	return request->query + 2 * request->query_len + 2;
}

void http_query_keep(struct http_request *request, const char *target)
{
	const char *mark = strchr(target, '?');
	size_t size;

	request->query_len = mark ? strlen(mark + 1) : 0;
	request->decoded_len = 0;
	if (request->query_len == 0)
		return;
	size = 3 * request->query_len + 3;
	if (request->query_size < size) {
		request->query = mem_resize(request->query, size, 1);
		request->query_size = size;
	}
	memcpy(raw_query(request), mark + 1, request->query_len + 1);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Value of an escape at `text`, -1 when it is none; %00 is none, or texts would end early. */
static int escaped(const char *text)
{
	int high = text[0] == '%' ? hex_value(text[1]) : -1;
	int low = high >= 0 ? hex_value(text[2]) : -1;

	return low >= 0 && (high | low) != 0 ? high * 16 + low : -1;
}

/* One parameter from `from` to its end: name, NUL, value (maybe ""), NUL. */
static const char *decode_parameter(const char *from, char **to)
{
	bool in_value = false;

	for (; *from != '\0' && *from != '&'; from++) {
		int byte = escaped(from);

		if (byte >= 0)
			from += 2;
		else if (*from == '=' && !in_value)
			byte = 0;
		else
			byte = *from == '+' ? ' ' : *from;
		in_value = in_value || byte == 0;
		*(*to)++ = (char)byte;
	}
	if (!in_value)
		*(*to)++ = '\0';
	*(*to)++ = '\0';
	return *from == '&' ? from + 1 : from;
}

static void decode_query(struct http_request *request)
{
	const char *from = raw_query(request);
	char *to = request->query;

	while (*from != '\0')
		from = decode_parameter(from, &to);
	request->decoded_len = (size_t)(to - request->query);
}

const char *http_request_query(struct http_request *request, const char *name)
{
	const char *end;

	if (request->query_len == 0)
		return NULL;
	if (request->decoded_len == 0)
		decode_query(request);
	end = request->query + request->decoded_len;
	for (const char *at = request->query; at < end;) {
		const char *value = at + strlen(at) + 1;

		if (strcmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}
