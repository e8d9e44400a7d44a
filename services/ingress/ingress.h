#ifndef OHDC_INGRESS_INGRESS_H
#define OHDC_INGRESS_INGRESS_H

/*
 * A webhook is acknowledged once it is durable. Its way: endpoint.c (HTTP) → verify.c (signature over the raw bytes) →
 * accept.c (what it is, into Kafka) → the delivery report sends the 200. A signature that fits nothing we know is checked
 * again after the connection was read anew (reread.c) before it is refused.
 */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"
#include "common/domain/topics.h"
#include "common/io/daemon.h"
#include "common/io/http_server.h"
#include "common/io/kafka.h"
#include "common/io/log.h"
#include "common/io/metrics.h"
#include "services/ingress/connection_cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reread;

/** The service: made in main, read by all threads. */
struct ingress {
	const struct daemon *daemon;
	struct connection_source source;
	struct table_cache *cache; /**< of connections */
	struct kafka_producer *producer;
	struct http_server *server;
	struct reread *reread;
	struct metrics *metrics;
	char topic[TOPIC_NAME_SIZE];
	bool is_jira_enabled;       /**< ENABLE_JIRA_DC: off, its path answers 404 */
	bool are_jira_webhooks_on;  /**< JIRA_DC_WEBHOOKS_ENABLED: off, a 200 that says so */
	bool keeps_all;             /**< OHDC_KEEP_BODIES=all */
	_Atomic(bool) is_open;      /**< all of the above is there; else complete requests are answered 503 */
	atomic_size_t large_bytes;  /**< reserved for large bodies that are being read or stored */
	size_t body_cap;            /**< bytes of a body that is kept */
	int64_t deadline_ms;        /**< OHDC_PRODUCE_DEADLINE_MS: then 503 */
	struct log_gap unconfirmed; /**< between two lines that the brokers do not confirm */
};

/** A delivery whose body is complete. */
struct request {
	enum provider provider;
	int64_t connection_id;
	bool is_signed; /**< exactly one well-formed signature header */
	uint8_t signature[CRYPTO_DIGEST_SIZE];
	size_t secret;                        /**< number of the connection's secret that fitted */
	char *event;                          /**< X-Event-Key, NULL when absent; owned */
	char *request_id;                     /**< the sender's, NULL; owned */
	char *traceparent;                    /**< valid one of the sender, NULL; owned */
	uint8_t *body;                        /**< owned; NULL when over the cap */
	size_t body_len;                      /**< bytes received, kept or not */
	size_t reserved;                      /**< bytes of the budget that the body takes */
	atomic_size_t *budget;                /**< where they are given back; borrowed */
	char digest[CRYPTO_DIGEST_TEXT_SIZE]; /**< SHA-256 of the body */
	int64_t received_at_ms;
	int64_t began_us; /**< monotonic, for the latency metric */
};

/** Drop the body and give its bytes back to the budget. */
void request_forget_body(struct request *request);

/** Free what it owns; NULL is fine. */
void request_free(struct request *request);

/** The refusal that all failures up to the signature share, so that ids cannot be probed; static. */
NODISCARD const struct http_reply *refusal_of(enum provider provider);

/** Count a finished request. */
void ingress_count(const struct ingress *ingress, enum provider provider, enum reason result);

/** Answer a suspended request and count it; false: somebody else had answered it. */
bool ingress_answer(const struct ingress *ingress, enum provider provider, struct http_ticket ticket,
		    const struct http_reply *reply, enum reason result);

/* verify.c */

/**
 * Check a body against a connection's secrets (NULL: unknown id, a dummy secret costs the same time), and note which fits.
 * REASON_NONE: one does; else BAD_SIGNATURE or UNKNOWN_CONNECTION.
 */
NODISCARD enum reason verify_body(const struct connection *connection, struct request *request);

/** The check of a body in pieces: one running HMAC per secret. */
struct passing;

/** New check with the connection's secrets (NULL: a dummy). */
NODISCARD struct passing *passing_new(const struct connection *connection);

/** The next piece. */
void passing_add(struct passing *passing, struct bytes piece);

/** Finish: what verify_body() says, of the connection as it is now (NULL: gone). */
NODISCARD enum reason passing_verdict(struct passing *passing, const struct connection *connection,
				      struct request *request);

/** Free; NULL is fine. */
void passing_free(struct passing *passing);

/* accept.c */

/**
 * Take a verified delivery: decide what it is, hand it to Kafka. The ticket is answered here (refusals that need the body) or by
 * the delivery report. `request` is borrowed.
 */
void accept_delivery(struct ingress *ingress, const struct connection *connection, const struct request *request,
		     struct http_ticket ticket);

/** The producer's report function; `context` is the ingress. */
void accept_report(void *context, void *opaque, const struct err *failure);

/** The server's function for requests that nothing answered in time; `context` is the ingress. */
void accept_late(void *context);

/* reread.c */

/** Start the thread that reads connections again. */
NODISCARD bool reread_new(struct ingress *ingress, struct daemon *daemon, struct reread **ret, struct err *err);

/**
 * Whether this id may be read again now: not within a second of its last read; until that is done, whoever asks shares it. Any
 * thread.
 */
NODISCARD bool reread_may(struct reread *reread, enum provider provider, int64_t id);

/** Check again after a read; takes the request. False, and not taken: too many wait already. */
NODISCARD bool reread_submit(struct reread *reread, struct request *request, struct http_ticket ticket);

/** Stop (the daemon is stopping), refuse what waits, free; NULL is fine. */
void reread_free(struct reread *reread);

/* endpoint.c */

enum { ENDPOINT_ROUTES = 2 };

/** The two routes of the service. */
void endpoint_routes(struct ingress *ingress, struct http_route ret[ENDPOINT_ROUTES]);

#endif
