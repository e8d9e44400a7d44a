/* A sorted snapshot behind a read-write lock; the next one is built aside and swapped in. */

#include "common/io/table_cache.h"

#include "common/base/mem.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/banned.h"

enum {
	RELOAD_MS = 30000,
	WAIT_MS = 500,   /* longest wait for a notification, and so for a stop */
	RETRY_MS = 1000, /* after the database failed */
	BORROW_MS = 5000,
};

struct snapshot {
	char *rows; /* sorted, `count` of row_size bytes */
	size_t count;
};

struct table_cache {
	struct table_cache_options options;
	pthread_rwlock_t lock;
	struct snapshot snapshot;
	pthread_t thread;
	bool is_running;
};

static void snapshot_free(const struct table_cache *cache, struct snapshot snapshot)
{
	for (size_t i = 0; i < snapshot.count; i++)
		cache->options.done(snapshot.rows + i * cache->options.row_size);
	mem_free(snapshot.rows);
}

bool table_cache_reload(struct table_cache *cache, struct err *err)
{
	const struct table_cache_options *options = &cache->options;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	struct snapshot next = {0};
	if (!db_query(options->pool, options->sql, NULL, &rows, err))
		return err_wrap(err, "load what '%s' tells of", options->channel);
	next.rows = mem_zalloc((size_t)rows.count + 1, options->row_size);
	for (int row = 0; row < rows.count; row++) {
		if (options->read(options->context, &rows, row, next.rows + next.count * options->row_size))
			next.count++;
	}
	qsort(next.rows, next.count, options->row_size, options->compare);
	pthread_rwlock_wrlock(&cache->lock);
	struct snapshot old = cache->snapshot;
	cache->snapshot = next;
	pthread_rwlock_unlock(&cache->lock);
	snapshot_free(cache, old);
	return true;
}

/* Listen first, then load: a change in between is heard. Returns when stopping begins or the database fails. */
static bool follow(struct table_cache *cache, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	int64_t loaded_ms = 0;
	if (!db_borrow(cache->options.pool, BORROW_MS, &db, err) || !db_listen(db, cache->options.channel, err))
		return false;
	while (!daemon_is_stopping(cache->options.daemon)) {
		CLEANUP(mem_free_text) char *payload = NULL;
		if (loaded_ms == 0 || sysclock_monotonic_ms() - loaded_ms >= RELOAD_MS) {
			if (!table_cache_reload(cache, err)) return false;
			loaded_ms = sysclock_monotonic_ms();
		}
		if (!db_wait_notification(db, WAIT_MS, &payload, err)) return false;
		loaded_ms = payload ? 0 : loaded_ms;
	}
	return true;
}

static void *run(void *context)
{
	struct table_cache *cache = context;
	struct err err = {0};
	while (!daemon_is_stopping(cache->options.daemon) && !follow(cache, &err)) {
		log_err("a table is served as last read", &err);
		daemon_pause(cache->options.daemon, RETRY_MS);
		err = (struct err){0};
	}
	return NULL;
}

/* Readers come without pause when there is much to do: a writer that waits goes first, else it could wait for ever. */
static void init_lock(pthread_rwlock_t *ret)
{
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(ret, &attr);
	pthread_rwlockattr_destroy(&attr);
}

static bool start(struct table_cache *cache, struct err *err)
{
	while (!table_cache_reload(cache, err)) {
		log_err("a table cannot be read yet", err);
		*err = (struct err){0};
		if (daemon_pause(cache->options.daemon, RETRY_MS)) return false;
	}
	cache->is_running = pthread_create(&cache->thread, NULL, run, cache) == 0;
	return cache->is_running || err_set(err, ERR_BUSY, "no thread to follow a table");
}

CLEANUP_FUNCTION(free_pointed, struct table_cache *, table_cache_free);

bool table_cache_new(const struct table_cache_options *options, struct table_cache **ret, struct err *err)
{
	CLEANUP(free_pointed) struct table_cache *cache = mem_zalloc(1, sizeof(*cache));
	cache->options = *options;
	init_lock(&cache->lock);
	return start(cache, err) && MOVE(ret, cache);
}

void table_cache_free(struct table_cache *cache)
{
	if (!cache) return;
	if (cache->is_running) pthread_join(cache->thread, NULL);
	snapshot_free(cache, cache->snapshot);
	pthread_rwlock_destroy(&cache->lock);
	mem_free(cache);
}

void table_cache_acquire(struct table_cache *cache)
{
	pthread_rwlock_rdlock(&cache->lock);
}

void table_cache_release(struct table_cache *cache)
{
	pthread_rwlock_unlock(&cache->lock);
}

const void *table_cache_find(const struct table_cache *cache, const void *key)
{
	return bsearch(key, cache->snapshot.rows, cache->snapshot.count, cache->options.row_size, cache->options.compare);
}

void table_cache_drain(struct table_cache *cache)
{
	pthread_rwlock_wrlock(&cache->lock);
	pthread_rwlock_unlock(&cache->lock);
}
