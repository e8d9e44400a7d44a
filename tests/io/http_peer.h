#ifndef OHDC_TESTS_IO_HTTP_PEER_H
#define OHDC_TESTS_IO_HTTP_PEER_H

/* A server that plays a script of raw answers, one for each request it reads, on however many connections. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

enum { PEER_REQUESTS_MAX = 64, PEER_REQUEST_SIZE = 2048, PEER_CONNECTIONS_MAX = 64 };

/** What a request gets. */
struct peer_step {
	const char *answer; /**< raw bytes; NULL: none */
	bool closes;        /**< close after it; else the connection goes on */
};

struct http_peer;
struct ssl_ctx_st;

/** One connection of a peer. */
struct peer_connection {
	struct http_peer *peer;
	int fd;
	pthread_t thread;
};

/** The server. */
struct http_peer {
	const struct peer_step *steps;
	size_t count;
	struct ssl_ctx_st *tls; /**< NULL: plain */
	uint16_t port;
	int listen_fd;
	pthread_t acceptor;
	_Atomic(size_t) connection_count;
	struct peer_connection connections[PEER_CONNECTIONS_MAX];
	_Atomic(size_t) request_count;
	char requests[PEER_REQUESTS_MAX][PEER_REQUEST_SIZE];
};

/** Start a peer that plays `count` steps, borrowed; requests past the script get no answer. */
struct http_peer *http_peer_new(const struct peer_step *steps, size_t count);

/** The same with TLS, a certificate for 127.0.0.1 made for it, and its PEM text in the file `path`. */
struct http_peer *http_peer_tls_new(const struct peer_step *steps, size_t count, const char *path);

/** Stop and free. Clients must have closed their connections. */
void http_peer_free(struct http_peer *peer);

#endif
