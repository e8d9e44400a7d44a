#ifndef OHDC_IO_DB_H
#define OHDC_IO_DB_H

/* PostgreSQL: a small pool, constant SQL with parameters, rows read by number, one translation of errors. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/io/db_params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db_pool;
struct db; /* one borrowed connection; one thread at a time */

/** Rows of a result; zeroed means none. Without result rows `count` is the number of rows changed. */
struct db_rows {
	void *result;
	int count;
};

/** Free the rows and zero the struct. */
void db_rows_done(struct db_rows *rows);

/** Text of a cell, borrowed from the rows; "" when null. */
NODISCARD const char *db_text(const struct db_rows *rows, int row, int column);

/** Text of a cell, borrowed from the rows; NULL when null. */
NODISCARD const char *db_text_or_null(const struct db_rows *rows, int row, int column);

/** Copy of a cell's text, NULL when null; new. */
NODISCARD char *db_copy(const struct db_rows *rows, int row, int column);

/** Whether a cell is null. */
NODISCARD bool db_is_null(const struct db_rows *rows, int row, int column);

/** Integer of a cell; 0 when null. */
NODISCARD int64_t db_int(const struct db_rows *rows, int row, int column);

/** Boolean of a cell; false when null. */
NODISCARD bool db_bool(const struct db_rows *rows, int row, int column);

/** Bytes of a bytea cell that was selected as encode(x, 'hex'), decoded into new memory (`ret` freed with mem_free); false when null. */
NODISCARD bool db_hex(const struct db_rows *rows, int row, int column, uint8_t **ret, size_t *ret_len);

struct config;

/** How the pool connects; texts are copied. */
struct db_options {
	const char *url;       /**< libpq URI; used where `config` is NULL */
	struct config *config; /**< borrowed: where the login is read anew for each new connection */
	const char *settings;  /**< start of its settings' names (…_URL, …_PASSWORD), static; NULL: OHDC_DATABASE */
	const char *program;   /**< application_name */
	size_t size;           /**< most connections, at most 32 */
	int64_t statement_timeout_ms; /**< 0: 15000 */
};

/** Copy (new) of a part of a libpq URI ("user", "dbname", "password"), NULL when it is not there; false: no such URI. */
NODISCARD bool db_url_part(const char *url, const char *keyword, char **ret);

/** What the server may keep instead of a role's password, so that no statement holds it; new, NULL when it cannot be made. */
NODISCARD char *db_hide_password(struct db *db, const char *role, const char *password);

/** New pool; connects lazily: the database may be away. ERR_INPUT: a login that cannot be used. Sets target_session_attrs=read-write, tcp_user_timeout, UTC, and JSON-safe UTF-8. */
NODISCARD bool db_pool_new(const struct db_options *options, struct db_pool **ret, struct err *err);

/** Free; every connection must have been given back. NULL is fine. */
void db_pool_free(struct db_pool *pool);

/** Number of times a new connection was made (a consumer that sees it grow looks at its stored offsets again). */
NODISCARD int64_t db_pool_generation(const struct db_pool *pool);

/** Borrow a connection, waiting at most `wait_ms` for a free one. ERR_BUSY: none free; ERR_NETWORK: cannot connect. */
NODISCARD bool db_borrow(struct db_pool *pool, int64_t wait_ms, struct db **ret, struct err *err);

/** Give back (an open transaction is rolled back, a broken connection closed); NULL is fine; zeroes the pointer (cleanup function). */
void db_return(struct db **db);

/**
 * Run one statement. `params` and `ret` may be NULL. ERR_CONFLICT: unique violation, serialization failure, deadlock, lock not
 * available; ERR_NETWORK: connection lost, nothing was committed; ERR_UNCERTAIN: lost while a statement outside a transaction, other
 * than SELECT, was under way; ERR_TIMEOUT; ERR_INPUT: data exception (22…); ERR_BUSY: server out of resources (53…);
 * ERR_INTERNAL otherwise. The message names the SQLSTATE, never a value. `sql` is constant text: it is prepared once a connection.
 */
NODISCARD bool db_run(struct db *db, const char *sql, const struct db_params *params, struct db_rows *ret,
		      struct err *err);

/** Run a script of several statements without parameters (migrations). */
NODISCARD bool db_script(struct db *db, const char *sql, struct err *err);

/** Begin a transaction. */
NODISCARD bool db_begin(struct db *db, struct err *err);

/** Commit. ERR_UNCERTAIN: the connection died around COMMIT. */
NODISCARD bool db_commit(struct db *db, struct err *err);

/** Borrow, run one statement, give back. */
NODISCARD bool db_query(struct db_pool *pool, const char *sql, const struct db_params *params, struct db_rows *ret,
			struct err *err);

/** Listen on a channel (an identifier of ours) with this connection. */
NODISCARD bool db_listen(struct db *db, const char *channel, struct err *err);

/** Wait at most `wait_ms` for a notification; `ret_payload` (new, NULL when none came). ERR_NETWORK: connection lost. */
NODISCARD bool db_wait_notification(struct db *db, int64_t wait_ms, char **ret_payload, struct err *err);

#endif
