/* Paths as they are sent: which route a path belongs to. */

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
		paths[i].prefix_len = hole ? (size_t)(hole - routes[i].pattern) : strlen(routes[i].pattern);
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
	if (strncmp(route->pattern, text, path->prefix_len) != 0) return false;
	if (!path->suffix) return *rest == '\0';
	bool has_all = strcmp(path->suffix, "*") == 0;
	piece_len = has_all ? strlen(rest) : strcspn(rest, "/");
	if (piece_len == 0 || (!has_all && strcmp(rest + piece_len, path->suffix) != 0)) return false;
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
		if (!matches(route, &request->server->paths[i], request->path, &piece)) continue;
		if (strcmp(route->method, method) == 0) {
			request->route = route;
			request->piece = piece.len > 0 ? mem_dup_n(piece.ptr, piece.len) : NULL;
			return true;
		}
		add_method(allow, allow_size, route->method);
	}
	return false;
}
