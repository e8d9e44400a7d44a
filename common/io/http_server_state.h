#ifndef OHDC_IO_HTTP_SERVER_STATE_H
#define OHDC_IO_HTTP_SERVER_STATE_H

/*
 * What an HTTP server is made of, for its own files only: server, connections, the request on each, suspended requests.
 */

#include "common/io/http_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct MHD_Connection;
struct MHD_Daemon;

enum {
	HTTP_DRAIN_BYTES = 64 * 1024, /**< a body is read to its end before a refusal when at most this much is left */
	HTTP_LINGER_MS = 2000,        /**< after an early refusal: how long what still comes is thrown away */
};

#define HTTP_NO_DEADLINE INT64_MAX
#define HTTP_REAPED INT64_MIN

/** A reply whose texts live in `text`. */
struct http_reply_copy {
	struct http_reply reply;
	char *text; /**< owned, reused */
	size_t size;
	size_t used; /**< of these bytes */
};

/** Where a request stands. */
enum http_phase {
	HTTP_PHASE_HEADERS, /**< being received */
	HTTP_PHASE_BODY,    /**< being received */
	HTTP_PHASE_DRAIN,   /**< refused; the rest of the body is read, then the refusal sent */
	HTTP_PHASE_DISCARD, /**< refused and told so; whatever comes is thrown away until the connection closes */
	HTTP_PHASE_END,     /**< complete, the route decides */
	HTTP_PHASE_WAIT,    /**< suspended */
	HTTP_PHASE_SENDING, /**< the answer is on its way */
};

/** What the headers say about the body. */
struct http_framing {
	int64_t declared;   /**< Content-Length, -1: none */
	unsigned lengths;   /**< how many Content-Length headers */
	unsigned encodings; /**< how many Transfer-Encoding headers */
	bool is_chunked;
	bool is_bad;  /**< a value that cannot be right */
	bool expects; /**< Expect: 100-continue */
};

/** A request; it is part of its connection and reused by the next one. */
struct http_request {
	struct http_server *server;
	struct http_connection *owner;
	struct MHD_Connection *connection;
	enum http_phase phase;
	const char *path; /**< borrowed from libmicrohttpd */
	char *piece;      /**< owned, NULL: none */
	const struct http_route *route;
	void *state;
	bool has_begun;
	struct http_framing framing;
	size_t received;
	bool has_reply;
	struct http_reply_copy reply;
	struct http_slot *slot;
};

/** What is due on a connection. */
enum http_due {
	HTTP_DUE_NOTHING, /**< idle, or the answer is being taken: it is closed without a word */
	HTTP_DUE_REQUEST, /**< headers or body: 408 */
};

/** A connection. The HTTP thread owns it; the keeper may shut its socket down. */
struct http_connection {
	LIST_ENTRY(http_connection) link;
	int fd;
	_Atomic(int64_t) deadline_ms; /**< monotonic; HTTP_REAPED: the keeper has shut it down */
	_Atomic(enum http_due) due;
	struct http_request request;
};

/** A suspended request. `word` is generation << 32 | enum in http_server_slots.c. */
struct http_slot {
	_Atomic(uint64_t) word;
	_Atomic(int64_t) deadline_ms;
	struct MHD_Connection *connection;
	struct http_reply_copy reply; /**< first the deadline's, then the winner's */
	uint32_t index;
	uint32_t next_free;
};

/** All slots. */
struct http_slots {
	pthread_mutex_t lock; /**< guards first_free and used */
	struct http_slot *slots;
	uint32_t limit;
	uint32_t first_free;
	_Atomic(uint32_t) used; /**< slots that were ever taken */
	_Atomic(size_t) taken;  /**< slots taken now */
};

/** A route with its pattern cut at `{}`. */
struct http_path {
	size_t prefix_len;
	const char *suffix; /**< NULL: no piece */
};

/** A server. */
struct http_server {
	struct http_server_options options;
	struct http_path *paths;
	struct MHD_Daemon *daemon;
	struct http_slots slots;
	pthread_mutex_t lock; /**< guards the list of connections */
	LIST_HEAD(http_connections, http_connection) connections;
	_Atomic(size_t) connection_count;
	_Atomic(size_t) sending;   /**< answers on their way */
	_Atomic(size_t) answering; /**< threads inside http_answer() */
	_Atomic(bool) is_quiescing;
	_Atomic(bool) is_stopping;
	_Atomic(int64_t) wake_at_ms; /**< the keeper's next look at deadlines */
	pthread_t keeper;
	bool has_keeper;
	int listen_fd;
	int wake_fd;
	uint16_t port;
};

#endif
