#ifndef OHDC_TESTS_IO_INGRESS_BENCH_H
#define OHDC_TESTS_IO_INGRESS_BENCH_H

/* The ingress as main.c wires it, in this process: a real HTTP server and database, a broker in memory. */

#include "services/ingress/ingress.h"
#include "tests/io/http_wire.h"
#include "tests/io/job_bench.h"
#include "tests/io/kafka_mock.h"

#include <signal.h>

enum { INGRESS_BENCH_JIRA = 7, INGRESS_BENCH_BITBUCKET = 8 };

/** One running ingress; connections jira/7 and bitbucket/8 are in its database. */
struct ingress_bench {
	sigset_t signals; /* the runner's, given back at the end */
	struct job_bench database;
	struct kafka_mock kafka;
	struct metrics *metrics;
	struct daemon *daemon;
	struct crypto_keyring keys;
	struct ingress ingress;
	struct http_route routes[ENDPOINT_ROUTES];
	struct kafka_consumer *consumer;
	struct wire wire; /* the last answer */
};

/** Start it. */
void ingress_bench_init(struct ingress_bench *bench);

/** Stop it in the order of main.c (cleanup function). */
void ingress_bench_done(struct ingress_bench *bench);

/** Add a connection whose webhook secret is `secret`; `status` as in the table. Nobody is notified. */
void ingress_bench_add(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
		       const char *status);

/** Seal `secret` into a column of a connection. Nobody is notified. */
void ingress_bench_set_secret(struct ingress_bench *bench, const char *column, int64_t id, const char *secret);

/** Connect and send a signed delivery, of its body only the first `len` bytes; the socket. NULL secret: no signature. */
int ingress_bench_begin(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
			const char *body, size_t len);

/** The same with the whole body. */
int ingress_bench_send(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
		       const char *body);

/** Read the answer into bench->wire and close the socket; its status, 0: none came. */
int ingress_bench_answer(struct ingress_bench *bench, int fd);

/** Send and read. */
int ingress_bench_post(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
		       const char *body);

/** Connect, send raw bytes, read the answer. */
int ingress_bench_raw(struct ingress_bench *bench, const char *text);

/** The next record of the topic; false: none came. Freed with kafka_batch_done(). */
bool ingress_bench_record(struct ingress_bench *bench, struct kafka_batch *ret);

/** Whether header `name` of the batch's record is `text`. */
bool ingress_bench_header_is(const struct kafka_batch *batch, const char *name, const char *text);

#endif
