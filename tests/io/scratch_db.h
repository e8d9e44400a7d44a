#ifndef OHDC_TESTS_IO_SCRATCH_DB_H
#define OHDC_TESTS_IO_SCRATCH_DB_H

/* A database of its own for a test, on the server that TEST_DATABASE_URL names. */

#include "common/io/db.h"

#include <stddef.h>

/** An empty database; `pool` has `size` connections to it. */
struct scratch_db {
	char name[64];
	char url[512];
	struct db_pool *pool;
};

/** Make it; the test ends where that fails. */
void scratch_db_init(struct scratch_db *scratch, size_t size);

/** Close the pool and drop it (cleanup function). */
void scratch_db_done(struct scratch_db *scratch);

/** New pool to it with a statement timeout. */
struct db_pool *scratch_db_pool(const struct scratch_db *scratch, size_t size, int64_t statement_timeout_ms);

/** End the session of `victim` at the server, and wait until it is gone. */
void scratch_db_kill(const struct scratch_db *scratch, struct db *victim);

#endif
