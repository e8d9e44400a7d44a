#ifndef OHDC_IO_DB_CONNECTION_H
#define OHDC_IO_DB_CONNECTION_H

/* What the files of db_*.c share about a connection and its pool; nobody else includes it. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg_conn; /* libpq's PGconn */

enum {
	DB_POOL_SIZE_MAX = 32,
	DB_STATEMENTS_MAX = 128, /**< prepared per connection; more run unprepared */
};

/** A constant statement text and the copy that proves it did not change under its address. */
struct db_statement {
	const char *sql; /**< borrowed for ever */
	char *copy;
};

/** A connection, or the place for one. */
struct db {
	struct db_pool *pool;
	struct pg_conn *conn; /**< NULL: not connected */
	struct db_statement statements[DB_STATEMENTS_MAX];
	size_t statement_count;
	bool is_lent;
	bool must_close; /**< not to be used by the next borrower */
	bool was_warned; /**< the server warned about the current statement */
};

/** The pool; `mutex` guards `is_lent` of all slots. */
struct db_pool {
	char *url;
	char *program;
	int64_t statement_timeout_ms;
	pthread_mutex_t mutex;
	pthread_cond_t returned;
	_Atomic int64_t generation;
	size_t size;
	struct db slots[DB_POOL_SIZE_MAX];
};

/** Connect; the slot must be disconnected. ERR_NETWORK: cannot. */
NODISCARD bool db_connect(struct db *db, struct err *err);

/** Close and forget what was prepared; disconnected is fine. */
void db_disconnect(struct db *db);

/** Whether the connection is usable as far as can be seen without asking the server. */
NODISCARD bool db_is_alive(const struct db *db);

/** Roll back what is open, and close unless the next borrower finds the connection as new. */
void db_reset(struct db *db);

#endif
