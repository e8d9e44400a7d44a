#ifndef OHDC_IO_TABLE_CACHE_H
#define OHDC_IO_TABLE_CACHE_H

/*
 * A table of the database in memory: loaded whole at start, on every notification, on every reconnect and each 30 s; served as
 * last read while the database is away. Readers do not wait for the database.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/daemon.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stddef.h>

struct table_cache;

/** What is kept; everything borrowed for the life of the cache. */
struct table_cache_options {
	struct db_pool *pool;
	struct daemon *daemon;
	const char *channel; /**< of the notifications */
	const char *sql;     /**< constant, without parameters */
	size_t row_size;     /**< bytes of a row in memory */
	/** Fill a zeroed row; false, and nothing allocated: leave it out. Any thread that loads. */
	bool (*read)(void *context, const struct db_rows *rows, int row, void *ret);
	void (*done)(void *row);                      /**< free what read() allocated */
	int (*compare)(const void *a, const void *b); /**< by the key, as for qsort() and bsearch() */
	void *context;                                /**< first argument of read() */
};

/** New cache, loaded, with a thread that keeps it so; waits for the database. False: stopping was asked for (`err` empty), or no thread. */
NODISCARD bool table_cache_new(const struct table_cache_options *options, struct table_cache **ret, struct err *err);

/** Stop the thread (the daemon is stopping), free; NULL is fine. */
void table_cache_free(struct table_cache *cache);

/** Take the rows as they are now: what table_cache_find() gives stays good until table_cache_release(). Any thread, not twice in one. */
void table_cache_acquire(struct table_cache *cache);

/** Give them back. */
void table_cache_release(struct table_cache *cache);

/** The row whose key is that of `key` (a row of which only the key is set), NULL when there is none; between acquire and release. */
NODISCARD const void *table_cache_find(const struct table_cache *cache, const void *key);

/** Wait until everything acquired before this call is released. */
void table_cache_drain(struct table_cache *cache);

/** Load now; blocks on the database; not between acquire and release. Any thread. */
NODISCARD bool table_cache_reload(struct table_cache *cache, struct err *err);

#endif
