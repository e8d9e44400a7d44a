/* What a request says: kept from the HTTP server's hands, read once, wiped at the end. */

#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/web_parts.h"

#include "common/base/banned.h"

/* Twice what the connection's memory and a body can hold: nothing is ever cut. */
enum { FIELDS_BYTES = 256 * 1024 };

static void keep_header(void *context, const char *name, const char *value)
{
	struct web_request *request = context;
	web_fields_add(&request->headers, bytes_text(name), bytes_text(value));
}

static void keep_parameter(void *context, const char *name, const char *value)
{
	struct web_request *request = context;
	if (!web_fields_decode(&request->query, bytes_text(name), bytes_text(value))) request->is_bad = true;
}

static void keep_piece(struct web_request *request, const char *text)
{
	struct strbuf piece;
	strbuf_init(&piece, strlen(text));
	if (!decode_percent(&piece, bytes_text(text)) || !text_is_utf8(bytes_of(piece.text, piece.len)))
		request->is_bad = true;
	request->piece = strbuf_take(&piece);
}

struct web_request *web_request_new(struct web *web, const struct web_route *route, const struct http_request *http)
{
	struct web_request *request = mem_zalloc(1, sizeof(*request));
	request->web = web;
	request->route = route;
	request->headers = strbuf_of(FIELDS_BYTES);
	request->query = strbuf_of(FIELDS_BYTES);
	request->form = strbuf_of(FIELDS_BYTES);
	request->cookies = strbuf_of(FIELDS_BYTES);
	atomic_store(&request->holders, 1);
	request->path = mem_dup(http_request_path(http));
	keep_piece(request, http_request_piece(http));
	http_request_each(http, HTTP_FIELDS_HEADERS, keep_header, request);
	http_request_each(http, HTTP_FIELDS_QUERY, keep_parameter, request);
	return request;
}

static void free_body(struct web_request *request)
{
	if (!request->body) return;
	mem_wipe(request->body, WEB_BODY_BYTES);
	(void)munmap(request->body, WEB_BODY_BYTES);
	request->body = NULL;
	request->body_len = 0;
}

void web_request_wipe(struct web_request *request)
{
	strbuf_wipe(&request->headers);
	strbuf_wipe(&request->query);
	strbuf_wipe(&request->form);
	strbuf_wipe(&request->cookies);
	free_body(request);
}

void web_request_drop(struct web_request *request)
{
	if (atomic_fetch_sub(&request->holders, 1) > 1) return;
	web_request_wipe(request);
	MEM_FREE_ALL(request->path, request->piece, request);
}

/* Never swapped out, where the system lets us lock so much, and in no dump. */
static uint8_t *new_body(void)
{
	void *body = mmap(NULL, WEB_BODY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (body == MAP_FAILED) mem_gone();
	(void)mlock(body, WEB_BODY_BYTES);
	(void)madvise(body, WEB_BODY_BYTES, MADV_DONTDUMP);
	return body;
}

bool web_request_add_body(struct web_request *request, struct bytes piece)
{
	if (piece.len > WEB_BODY_BYTES - request->body_len) return false;
	if (!request->body) request->body = new_body();
	memcpy(request->body + request->body_len, piece.ptr, piece.len);
	request->body_len += piece.len;
	return true;
}

static bool is_form(const struct web_request *request)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = web_header(request, "Content-Type");
	return type && text_starts_nocase(type, form) && strcspn(type, "; ") == sizeof(form) - 1;
}

void web_request_read(struct web_request *request)
{
	for (const char *cookie = NULL; (cookie = web_fields_next(&request->headers, "Cookie", true, cookie));)
		web_fields_read_cookies(&request->cookies, cookie);
	if (is_form(request) && !web_fields_read_form(&request->form, web_body(request))) request->is_bad = true;
}

/* --- what handlers ask ------------------------------------------------------------------------------------ */

const char *web_piece(const struct web_request *request)
{
	return request->piece;
}

const char *web_path(const struct web_request *request)
{
	return request->path;
}

const char *web_header(const struct web_request *request, const char *name)
{
	return web_fields_one(&request->headers, name, true);
}

const char *web_cookie(const struct web_request *request, const char *name)
{
	const char *value = web_fields_next(&request->cookies, name, false, NULL);
	const char *other = value;
	while (other) {
		if (strcmp(other, value) != 0) return NULL;
		other = web_fields_next(&request->cookies, name, false, other);
	}
	return value;
}

const char *web_query(const struct web_request *request, const char *name)
{
	return web_fields_one(&request->query, name, false);
}

const char *web_form(const struct web_request *request, const char *name)
{
	return web_fields_one(&request->form, name, false);
}

struct bytes web_body(const struct web_request *request)
{
	return bytes_of(request->body, request->body_len);
}

bool web_json(const struct web_request *request, json_t **ret, struct err *err)
{
	json_t *json = NULL;
	if (request->body_len == 0) return err_set(err, ERR_INPUT, "The request has no body, expected a JSON object");
	if (!json_read(web_body(request), WEB_BODY_BYTES, LIMIT_JSON_DEPTH, &json, err))
		return err_wrap(err, "The request body is no JSON object");
	if (!json_is_object(json)) {
		json_decref(json);
		return err_set(err, ERR_INPUT, "The request body is a JSON list, expected a JSON object");
	}
	*ret = json;
	return true;
}

/* Whether `sent` is the origin (scheme, host, port) of our address. */
static bool is_origin_of(const char *sent, const char *address)
{
	const char *host = strstr(address, "://");
	size_t len = host ? (size_t)(host - address) + 3 + strcspn(host + 3, "/") : 0;
	return len > 0 && strlen(sent) == len && strncasecmp(sent, address, len) == 0;
}

bool web_is_same_origin(const struct web_request *request, const char *origin)
{
	const char *sent = web_fields_next(&request->headers, "Origin", true, NULL);
	const char *site = web_fields_next(&request->headers, "Sec-Fetch-Site", true, NULL);
	if (sent && (!web_header(request, "Origin") || !is_origin_of(sent, origin))) return false;
	if (!site) return true;
	return web_header(request, "Sec-Fetch-Site") && (strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0);
}
