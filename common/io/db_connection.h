#ifndef OHDC_IO_DB_CONNECTION_H
#define OHDC_IO_DB_CONNECTION_H

/* What the files of db_*.c share about a connection and its pool; nobody else includes it. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/io/config.h"

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

struct db_options;

/** The pool; `mutex` guards `is_lent` of all slots, `login` and `is_refused`. */
struct db_pool {
	struct config *config; /**< NULL: the login does not change */
	const char *settings;
	struct secret login; /**< a libpq URI: worked last, before that the one at the start */
	bool is_refused;     /**< a newer one was complained about */
	char *program;
	int64_t statement_timeout_ms;
	pthread_mutex_t mutex;
	pthread_cond_t returned;
	_Atomic int64_t generation;
	size_t size;
	struct db slots[DB_POOL_SIZE_MAX];
};

/** Read the login of a new pool. ERR_INPUT: not set, not readable, or two passwords. */
NODISCARD bool db_login_init(struct db_pool *pool, const struct db_options *options, struct err *err);

/** Copies of the login as the settings are now, and of the one that worked last; whether they are the same. */
NODISCARD bool db_login_now(struct db_pool *pool, struct secret *ret, struct secret *ret_good);

/** Note that `login` worked (`fault` NULL), or that it did not while the one that worked last still does; logged once. */
void db_login_note(struct db_pool *pool, const struct secret *login, const char *fault);

/** Connect; the slot must be disconnected. ERR_NETWORK: cannot. */
NODISCARD bool db_connect(struct db *db, struct err *err);

/** Close and forget what was prepared; disconnected is fine. */
void db_disconnect(struct db *db);

/** Whether the connection is usable as far as can be seen without asking the server. */
NODISCARD bool db_is_alive(const struct db *db);

/** Roll back what is open, and close unless the next borrower finds the connection as new. */
void db_reset(struct db *db);

#endif
