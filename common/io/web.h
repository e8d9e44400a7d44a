#ifndef OHDC_IO_WEB_H
#define OHDC_IO_WEB_H

/*
 * Whole requests in, whole answers out, in threads that may block: what API endpoints and pages are written with.
 * On top of http_server.h. Bodies, headers and answers are wiped when the request is over: they carry credentials.
 */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WEB_REPLY_HEADERS_MAX = 8,
	WEB_LANES = 3,                      /**< of routes, free ones in lane 0 */
	WEB_BODY_BYTES = 64 * 1024,         /**< of a request; over it 413 */
	WEB_REPLY_BYTES = 64 * 1024 * 1024, /**< of an answer: 100,000 repositories fit */
};

struct web;
struct web_request; /* complete; what is read from it is borrowed until the handler returns */

/** An answer under construction; starts as 500 without a body. */
struct web_reply {
	int status;
	const char *content_type; /**< static; NULL: application/json */
	struct strbuf body;
	int64_t retry_after_s;                /**< 0: no Retry-After */
	char *headers[WEB_REPLY_HEADERS_MAX]; /**< "Name: value", owned */
	size_t header_count;
	bool is_broken; /**< a header could not be added: 500 is sent */
};

/** Does a request. Runs in one of the pool's threads and may block for seconds; many run at once. */
typedef void web_handler(void *context, const struct web_request *request, struct web_reply *reply);

/** One route; texts static. */
struct web_route {
	const char *method;
	const char *pattern; /**< as in struct http_route: at most one `{}` */
	web_handler *handle;
	unsigned lane; /**< 1 and up: waits for one peer; such a lane gets a third of the threads, lane 0 leaves one free */
};

/** How it runs; `context` goes to every handler. */
struct web_options {
	const char *listen;
	const struct web_route *routes;
	size_t route_count;
	void *context;
	unsigned threads;    /**< 0: 32; requests beyond wait in order */
	int64_t deadline_ms; /**< 0: 60000; then 504, the handler goes on alone */
};

/** Bind, listen, start. ERR_INPUT, ERR_BUSY as http_server_new(). `ret` is new. */
NODISCARD bool web_new(const struct web_options *options, struct web **ret, struct err *err);

/** The port in use. */
NODISCARD uint16_t web_port(const struct web *web);

/** Stop accepting; open requests go on. */
void web_quiesce(struct web *web);

/** Whether no request is under way. */
NODISCARD bool web_is_idle(struct web *web);

/** Wait for the handlers, stop, free; NULL is fine. */
void web_free(struct web *web);

/* --- the request ------------------------------------------------------------------------------------------ */

/** What matched `{}`, percent-decoded; "" when the pattern has none. */
NODISCARD const char *web_piece(const struct web_request *request);

/** Path as sent, without the query. */
NODISCARD const char *web_path(const struct web_request *request);

/** Header's value (name in any case), NULL when absent or sent twice. */
NODISCARD const char *web_header(const struct web_request *request, const char *name);

/** Cookie's value, NULL when absent or sent twice with different values. */
NODISCARD const char *web_cookie(const struct web_request *request, const char *name);

/** Parameter of the query, percent-decoded; NULL when absent, sent twice, or no UTF-8. */
NODISCARD const char *web_query(const struct web_request *request, const char *name);

/** Field of an application/x-www-form-urlencoded body, as above. */
NODISCARD const char *web_form(const struct web_request *request, const char *name);

/** The body. */
NODISCARD struct bytes web_body(const struct web_request *request);

/** The body as a JSON object; ERR_INPUT says what was found and what was expected. `ret` is a new reference. */
NODISCARD bool web_json(const struct web_request *request, json_t **ret, struct err *err);

/**
 * Whether the request may change something: false when Origin or Sec-Fetch-Site say that another site's page sent it. Requests
 * without both (not from a browser) may. `origin` is our own: "https://app.example.com".
 */
NODISCARD bool web_is_same_origin(const struct web_request *request, const char *origin);

/* --- the answer ------------------------------------------------------------------------------------------- */

/** Wipe and free; zeroed is fine. */
void web_reply_done(struct web_reply *reply);

/** Answer with JSON; takes `json`. */
void web_reply_json(struct web_reply *reply, int status, json_t *json);

/** Answer {"detail": text}; false, so that `return web_reply_detail(…)` reads well. */
PRINTF_LIKE(3, 4)
bool web_reply_detail(struct web_reply *reply, int status, const char *format, ...);

/** Answer {"detail": detail, "error": reason}: what people are shown, and why; false. */
bool web_reply_failure(struct web_reply *reply, int status, const char *detail, const char *reason);

/** Answer 302 to `url` (an own path, or an address made from configuration). */
void web_reply_redirect(struct web_reply *reply, const char *url);

/** Add a header; characters below space in `value` make the answer a 500. */
void web_reply_header(struct web_reply *reply, const char *name, const char *value);

#endif
