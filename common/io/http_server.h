#ifndef OHDC_IO_HTTP_SERVER_H
#define OHDC_IO_HTTP_SERVER_H

/*
 * HTTP/1.1 server: routes by method and path, bodies in pieces, answers now or later from any thread.
 * A request belongs to the HTTP thread until it is suspended; then to whoever wins its slot; then to the HTTP thread again.
 */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_request;

enum { HTTP_REPLY_HEADERS_MAX = 16 };

/** An answer; texts are copied. */
struct http_reply {
	int status;
	const char *content_type; /**< NULL: application/json */
	const char *body;         /**< NUL-terminated, NULL: empty */
	char *own_body;           /**< in place of `body`: taken, also by an answer that loses; wiped and freed */
	int64_t retry_after_s;    /**< 0: no Retry-After header */
	bool closes;              /**< send Connection: close */
	const char *headers[HTTP_REPLY_HEADERS_MAX]; /**< further ones, "Name: value", NULL ends */
};

/** A suspended request: slot and generation, so that a late answer cannot hit the slot's next user. Copy freely. */
struct http_ticket {
	uint32_t slot;
	uint32_t generation;
};

/**
 * What a route does. All run in the server's threads and must not block. `state` is what `begin` returned, and is given to
 * `done` exactly once, whatever happens (answered, refused, connection lost).
 */
struct http_route {
	const char *method; /**< "POST" */
	/** Path with at most one `{}` piece that matches one non-empty segment: "/a/{}/events"; "{}*" at the end: all the rest, with its slashes. */
	const char *pattern;
	/** Headers are here. May reply at once (http_reply_now) to refuse before the body is read; may return NULL, or be NULL. */
	void *(*begin)(void *context, struct http_request *request);
	/** A piece of the body. NULL: bodies are ignored up to the server's ceiling. May reply to refuse (413). */
	void (*body)(void *context, void *state, struct http_request *request, struct bytes piece);
	/** The request is complete: reply now, or suspend. */
	void (*end)(void *context, void *state, struct http_request *request);
	/** Free the state; NULL: there is none. */
	void (*done)(void *context, void *state);
	void *context;
};

/** How the server runs; zero values take the defaults given. */
struct http_server_options {
	const char *listen;              /**< "address:port"; port 0: any free port */
	const struct http_route *routes; /**< borrowed until http_server_free(), with their texts */
	size_t route_count;
	unsigned threads;          /**< 1 */
	unsigned connection_limit; /**< 1024 */
	unsigned suspended_limit;  /**< slots, 4096; over it http_suspend() refuses */
	int64_t header_timeout_ms; /**< 5000 from connection start, later from the request line, to complete headers */
	int64_t body_timeout_ms; /**< 10000 from headers to complete body; as long again for the client to take the answer */
	int64_t idle_timeout_ms; /**< 75000 between two requests: longer than a proxy keeps an idle connection, or it loses a race */
	size_t connection_bytes; /**< 32 KiB: memory of each connection, all touched; the headers must fit into it, or 431 */
	void (*late)(void *context); /**< called in the keeper's thread for each request that its deadline answers; NULL: not */
	void *late_context;
	size_t body_ceiling_bytes; /**< 64 KiB; larger declared or received bodies: 413; routes with `body` see all pieces */
};

/** Bind, listen and start the threads. ERR_INPUT: bad address; ERR_BUSY: address in use. `ret` is new. */
NODISCARD bool http_server_new(const struct http_server_options *options, struct http_server **ret, struct err *err);

/** The port in use. */
NODISCARD uint16_t http_server_port(const struct http_server *server);

/** Stop accepting; open requests go on, with Connection: close. */
void http_server_quiesce(struct http_server *server);

/** Number of requests now suspended. */
NODISCARD size_t http_server_suspended(struct http_server *server);

/** Answer every suspended request with its deadline reply, stop the threads, free. NULL is fine. */
void http_server_free(struct http_server *server);

/** The text that matched `{}`, "" when the pattern has none. Borrowed for the request. */
NODISCARD const char *http_request_piece(const struct http_request *request);

/** Value of a header (name in any case), NULL when absent. Borrowed for the request. */
NODISCARD const char *http_request_header(const struct http_request *request, const char *name);

/** Path as sent, without the query. Borrowed for the request. */
NODISCARD const char *http_request_path(const struct http_request *request);

/** Which fields http_request_each() shows. */
enum http_fields {
	HTTP_FIELDS_HEADERS,
	HTTP_FIELDS_QUERY, /**< escapes as sent, but `+` is a space already */
};

/** Show a field; `value` is never NULL. Both borrowed for the request. */
typedef void http_field_fn(void *context, const char *name, const char *value);

/** Show all fields in the order sent. */
void http_request_each(const struct http_request *request, enum http_fields fields, http_field_fn *show, void *context);

/** How often a header was sent (any case). */
NODISCARD size_t http_request_header_count(const struct http_request *request, const char *name);

/** Content-Length as declared, -1 when not declared (chunked). */
NODISCARD int64_t http_request_declared_length(const struct http_request *request);

/** Answer from within begin, body or end; the first call wins, later ones do nothing. */
void http_reply_now(struct http_request *request, const struct http_reply *reply);

/**
 * From within `end` only: wait for an answer from elsewhere. `on_deadline` is copied and sent when nobody answered within
 * `deadline_ms`, and when the server stops. False: no slot is free (reply 503 instead).
 */
NODISCARD bool http_suspend(struct http_request *request, int64_t deadline_ms, const struct http_reply *on_deadline,
			    struct http_ticket *ret);

/** Answer a suspended request, from any thread. Of all callers and the deadline one wins; true when it was this call. */
bool http_answer(struct http_server *server, struct http_ticket ticket, const struct http_reply *reply);

#endif
