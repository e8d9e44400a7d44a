/* One request from its first line to its answer: what is refused, what the route sees, when the answer goes out. */

#include "common/io/http_server_parts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/base/mem.h"

#include "common/base/banned.h"

void http_reply_copy_set(struct http_reply_copy *copy, const struct http_reply *reply)
{
	const char **texts[2 + HTTP_REPLY_HEADERS_MAX] = {&copy->reply.content_type, &copy->reply.body};
	size_t count = 2;
	size_t size = 0;
	http_reply_copy_wipe(copy);
	copy->reply = *reply;
	for (size_t i = 0; i < HTTP_REPLY_HEADERS_MAX && reply->headers[i]; i++)
		texts[count++] = &copy->reply.headers[i];
	for (size_t i = 0; i < count; i++)
		size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
	if (copy->size < size) {
		copy->text = mem_resize(copy->text, size, 1);
		copy->size = size;
	}
	char *end = copy->text;
	copy->used = size;
	for (size_t i = 0; i < count; i++) {
		size_t len = *texts[i] ? strlen(*texts[i]) + 1 : 0;
		if (len > 0) *texts[i] = memcpy(end, *texts[i], len);
		end += len;
	}
}

void http_reply_copy_wipe(struct http_reply_copy *copy)
{
	mem_wipe_free(copy->reply.own_body);
	copy->reply.own_body = NULL;
	if (copy->used > 0) mem_wipe(copy->text, copy->used);
	copy->used = 0;
}

void http_reply_copy_done(struct http_reply_copy *copy)
{
	http_reply_copy_wipe(copy);
	mem_free(copy->text);
	*copy = (struct http_reply_copy){0};
}

void http_reply_now(struct http_request *request, const struct http_reply *reply)
{
	if (request->has_reply || request->phase == HTTP_PHASE_WAIT) {
		mem_wipe_free(reply->own_body);
		return;
	}
	http_reply_copy_set(&request->reply, reply);
	request->has_reply = true;
}

static void refuse(struct http_request *request, int status, const char *body, const char *header)
{
	http_reply_now(request, &(struct http_reply){.status = status, .body = body, .headers = {header}});
}

static void refuse_too_large(struct http_request *request, size_t ceiling)
{
	char body[96];
	(void)snprintf(body, sizeof(body), "{\"detail\":\"Request body is larger than %zu bytes\"}", ceiling);
	refuse(request, 413, body, NULL);
}

/* The most a body may have: with a `body` callback the route decides, up to a size that nobody has a use for. */
static size_t ceiling_of(const struct http_request *request)
{
	size_t ceiling = request->server->options.body_ceiling_bytes;
	if (request->route->body && ceiling < LIMIT_BODY_VERIFY_BYTES) return LIMIT_BODY_VERIFY_BYTES;
	return ceiling;
}

static bool has_body(const struct http_framing *framing)
{
	return framing->is_chunked || framing->declared > 0;
}

/* Whether so little of the body is left that reading it first costs less than losing the connection. */
static bool is_worth_draining(const struct http_request *request)
{
	const struct http_framing *framing = &request->framing;
	if (framing->is_bad || request->reply.reply.closes) return false;
	if (framing->is_chunked) return request->received <= HTTP_DRAIN_BYTES;
	return framing->declared - (int64_t)request->received <= HTTP_DRAIN_BYTES;
}

static void start_sending(struct http_request *request)
{
	request->phase = HTTP_PHASE_SENDING;
	atomic_fetch_add(&request->server->sending, 1);
}

static bool send_reply(struct http_request *request)
{
	if (!http_connection_expect(request, HTTP_DUE_NOTHING, request->server->options.body_timeout_ms)) return false;
	if (request->phase != HTTP_PHASE_SENDING) start_sending(request);
	return http_mhd_queue(request);
}

/* There is a reply and the body is not over. */
static bool refuse_early(struct http_request *request)
{
	if (is_worth_draining(request)) {
		request->phase = HTTP_PHASE_DRAIN;
		return true;
	}
	/* Closing while the client still sends would reset the connection and could destroy the answer under way. */
	if (!http_connection_expect(request, HTTP_DUE_NOTHING, HTTP_LINGER_MS)) return false;
	request->phase = HTTP_PHASE_DISCARD;
	http_mhd_send_early(request);
	return true;
}

static void check_framing(struct http_request *request)
{
	struct http_framing *framing = &request->framing;
	http_mhd_framing(request);
	if (framing->lengths > 1 || framing->encodings > 1 || (framing->lengths > 0 && framing->encodings > 0))
		framing->is_bad = true;
	if (framing->is_bad)
		http_reply_now(request, &(struct http_reply){.status = 400,
							     .body = "{\"detail\":\"Ambiguous request body length\"}",
							     .closes = true});
}

static void find_route(struct http_request *request, const char *method)
{
	char allow[128] = "Allow: ";
	size_t name_len = strlen(allow);
	if (http_route_find(request, method, allow + name_len, sizeof(allow) - name_len)) return;
	if (allow[name_len] == '\0')
		refuse(request, 404, "{\"detail\":\"Not Found\"}", NULL);
	else
		refuse(request, 405, "{\"detail\":\"Method Not Allowed\"}", allow);
}

static void begin(struct http_request *request)
{
	const struct http_route *route = request->route;
	size_t ceiling = ceiling_of(request);
	bool is_too_large = request->framing.declared > 0 && (uint64_t)request->framing.declared > ceiling;
	if (is_too_large && !route->body) {
		refuse_too_large(request, ceiling);
		return;
	}
	request->has_begun = true;
	request->state = route->begin ? route->begin(route->context, request) : NULL;
	if (is_too_large) refuse_too_large(request, ceiling);
}

void http_exchange_start(struct http_request *request)
{
	int64_t header_ms = request->server->options.header_timeout_ms;
	/* The first request's clock runs since the connection was made. */
	if (atomic_load(&request->owner->due) == HTTP_DUE_NOTHING)
		(void)http_connection_expect(request, HTTP_DUE_REQUEST, header_ms);
}

bool http_exchange_headers(struct http_request *request, const char *method, const char *path)
{
	if (!http_connection_expect(request, HTTP_DUE_REQUEST, request->server->options.body_timeout_ms)) return false;
	request->path = path;
	request->phase = HTTP_PHASE_BODY;
	check_framing(request);
	if (!request->has_reply) find_route(request, method);
	if (!request->has_reply) begin(request);
	if (!request->has_reply) return true;
	if (has_body(&request->framing) && !request->framing.expects) return refuse_early(request);
	return send_reply(request);
}

bool http_exchange_piece(struct http_request *request, struct bytes piece)
{
	const struct http_route *route = request->route;
	if (request->phase == HTTP_PHASE_DISCARD) return true;
	request->received += piece.len;
	if (request->has_reply) return refuse_early(request);
	if (request->received > ceiling_of(request))
		refuse_too_large(request, ceiling_of(request));
	else if (route->body)
		route->body(route->context, request->state, request, piece);
	return request->has_reply ? refuse_early(request) : true;
}

static bool finish(struct http_request *request)
{
	const struct http_route *route = request->route;
	/* From here on the time is the route's, no longer the client's. */
	if (!http_connection_expect(request, HTTP_DUE_NOTHING, 0)) return false;
	request->phase = HTTP_PHASE_END;
	route->end(route->context, request->state, request);
	if (request->phase == HTTP_PHASE_WAIT) return true;
	if (!request->has_reply) refuse(request, 500, "{\"detail\":\"Internal Server Error\"}", NULL);
	return send_reply(request);
}

/* Take the answer out of the slot by exchanging the blocks of text, and give the slot back. */
static void take_answer(struct http_request *request)
{
	struct http_reply_copy answer = request->slot->reply;
	request->slot->reply = request->reply;
	request->reply = answer;
	request->has_reply = true;
	/* Before the slot is free: a server that stops waits for the one count, then for the other. */
	start_sending(request);
	http_slots_release(&request->server->slots, request->slot);
	request->slot = NULL;
}

bool http_exchange_end(struct http_request *request)
{
	switch (request->phase) {
	case HTTP_PHASE_BODY: return finish(request);
	case HTTP_PHASE_DRAIN: return send_reply(request);
	case HTTP_PHASE_WAIT: take_answer(request); return send_reply(request);
	case HTTP_PHASE_HEADERS:
	case HTTP_PHASE_DISCARD:
	case HTTP_PHASE_END:
	case HTTP_PHASE_SENDING: break;
	}
	return false;
}

void http_exchange_done(struct http_request *request)
{
	const struct http_route *route = request->route;
	struct http_server *server = request->server;
	if (request->slot) http_slots_release(&server->slots, request->slot);
	if (request->has_begun && route->done) route->done(route->context, request->state);
	if (request->phase == HTTP_PHASE_SENDING) atomic_fetch_sub(&server->sending, 1);
	mem_free(request->piece);
	http_reply_copy_wipe(&request->reply);
	*request = (struct http_request){.server = server, .owner = request->owner, .reply = request->reply};
	/* When the connection is being closed, this deadline goes with it. */
	(void)http_connection_expect(request, HTTP_DUE_NOTHING, server->options.idle_timeout_ms);
}

const char *http_request_path(const struct http_request *request)
{
	return request->path;
}

const char *http_request_piece(const struct http_request *request)
{
	return request->piece ? request->piece : "";
}

int64_t http_request_declared_length(const struct http_request *request)
{
	return request->framing.declared;
}
