#ifndef OHDC_IO_HTTP_CLIENT_H
#define OHDC_IO_HTTP_CLIENT_H

/* Port: one HTTP call, answered or failed. Real: http_client_curl.c. Fake: tests/fakes/fake_http.c. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_CALL_HEADERS_MAX = 8 };

/** One call; everything borrowed for its duration. */
struct http_call {
	const char *method;
	const char *url;
	const char *headers[HTTP_CALL_HEADERS_MAX]; /**< "Name: value", NULL ends */
	struct bytes body;                          /**< {NULL, 0}: none */
	const char *content_type;                   /**< NULL with a body: application/json */
	int64_t deadline_ms;                        /**< whole call, connect included */
	int64_t connect_ms;                         /**< of it for the connection; 0: 5 s */
	size_t ceiling_bytes; /**< of the answer's body; over it: ERR_LIMIT (safe) or ERR_UNCERTAIN (unsafe) */
	/**
	 * Not safe to repeat (start, message, comment, token exchange): fresh connection, HTTP/1.1, never repeated, and every
	 * failure after the request may have left us is ERR_UNCERTAIN.
	 */
	bool is_unsafe;
	/** For unsafe calls: asked right before the request is sent; false stops the call with ERR_CONFLICT, nothing was sent. */
	bool (*may_send)(void *gate);
	void *gate;
};

/** An answer. */
struct http_result {
	int status;
	char *body; /**< owned, NUL-terminated, never NULL */
	size_t body_len;
	int64_t retry_after_ms; /**< from Retry-After in seconds or as a date, 0 when absent */
	char *user_name;        /**< X-AUSERNAME, owned, NULL when absent */
};

/** Wipe the body (some carry tokens), free the texts, leave the struct zeroed. */
void http_result_done(struct http_result *result);

/** The port. `send` may be called from many threads at once. */
struct http_client {
	/** True: an HTTP answer of any status came. False: ERR_NETWORK (never sent), ERR_TIMEOUT, ERR_UNCERTAIN, ERR_CONFLICT, ERR_LIMIT, ERR_INPUT. */
	bool (*send)(struct http_client *self, const struct http_call *call, struct http_result *ret, struct err *err);
	void (*free)(struct http_client *self);
};

/** Settings of the real client; texts are copied. */
struct http_client_options {
	const char *ca_file; /**< PEM file added to the system's roots, NULL: only those */
	const char *user_agent;
	/** Asked with each numeric address before a socket is opened to it (a proxy's, where one is used); NULL: all may be. */
	bool (*may_open)(void *context, const char *address);
	void *context;
};

/** New real client. Honours HTTP(S)_PROXY and NO_PROXY; follows no redirect. */
NODISCARD bool http_client_curl_new(const struct http_client_options *options, struct http_client **ret, struct err *err);

/** Send through the port (a call that reads well). */
NODISCARD bool http_client_send(struct http_client *client, const struct http_call *call, struct http_result *ret,
				struct err *err);

/** Free through the port; NULL is fine. */
void http_client_free(struct http_client *client);

/**
 * Translate a status that is not 2xx, once and for all callers: 401, 403 → AUTH; 404, 410 → NOT_FOUND; 409 → CONFLICT;
 * 429 → LIMIT with retry_after_ms; 408, 5xx → UNCERTAIN for unsafe calls, else INTERNAL; other 4xx, 3xx → INPUT. 2xx: true.
 */
NODISCARD bool http_result_ok(const struct http_call *call, const struct http_result *result, struct err *err);

#endif
