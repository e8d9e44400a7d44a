/* A sorted snapshot behind a read-write lock; the loader builds the next one aside and swaps it in. */

#include "services/ingress/connection_cache.h"

#include "common/base/mem.h"
#include "common/base/url.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/banned.h"

enum {
	RELOAD_MS = 30000,
	WAIT_MS = 500,          /**< longest wait for a notification, and so for a stop */
	RETRY_MS = 1000,        /**< after the database failed */
	REREAD_PAUSE_MS = 1000, /**< between two reads of one id */
	REREAD_SLOTS = 1024, /**< ids whose last read is remembered; a collision only delays a read */
};

static const char sql_load[] =
	"select c.provider, c.id, c.instance_id, c.status, i.base_url, c.project_key, c.repo_slug, "
	"coalesce(c.repo_id, 0),"
	" encode(c.secret_sealed, 'hex'), encode(c.secret_next_sealed, 'hex'), "
	"encode(c.secret_previous_sealed, 'hex'),"
	" i.bot_id, i.bot_key, i.bot_name, i.bot_email"
	" from connection c join instance i on i.id = c.instance_id order by c.provider desc, c.id";

struct snapshot {
	struct connection *list; /* sorted by provider, then id */
	size_t count;
};

struct connection_cache {
	struct connection_cache_options options;
	pthread_rwlock_t lock;
	struct snapshot snapshot;
	pthread_mutex_t reread_lock;
	int64_t reread_ms[REREAD_SLOTS];
	pthread_t thread;
	bool is_running;
};

static void connection_done(struct connection *connection)
{
	mem_free(connection->host);
	mem_free(connection->project_key);
	mem_free(connection->repo_slug);
	for (size_t i = 0; i < CONNECTION_SECRETS_MAX; i++)
		secret_done(&connection->secrets[i]);
	for (size_t i = 0; i < ARRAY_LEN(connection->bot_names); i++)
		mem_free(connection->bot_names[i]);
}

static void snapshot_done(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->count; i++)
		connection_done(&snapshot->list[i]);
	mem_free(snapshot->list);
	*snapshot = (struct snapshot){0};
}

static int compare(const void *a, const void *b)
{
	const struct connection *x = a;
	const struct connection *y = b;
	if (x->provider != y->provider)
		return x->provider < y->provider ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static char *dup_cell(const struct db_rows *rows, int row, int column)
{
	return db_is_null(rows, row, column) ? NULL : mem_dup(db_text(rows, row, column));
}

static void open_secret(const struct connection_cache *cache, const struct connection *connection,
			const struct db_rows *rows, int row, int column, struct secret *ret)
{
	uint8_t *sealed = NULL;
	size_t len = 0;
	if (!db_hex(rows, row, column, &sealed, &len))
		return;
	char place[80];
	(void)snprintf(place, sizeof(place), "connection.secret:%s/%lld",
		       provider_name(connection->provider), (long long)connection->id);
	struct err err = {0};
	if (!crypto_open(cache->options.keys, place, bytes_of(sealed, len), ret, &err))
		LOG_WARN("webhook secret cannot be opened", LOG_TEXT("connection", place),
			 LOG_TEXT("error", err.message));
	mem_free(sealed);
}

static char *host_of(const char *base_url)
{
	struct err ignored = {0};
	CLEANUP(url_done) struct url url = {0};
	return url_parse(base_url, "https", &url, &ignored) ? mem_dup(url.host) : mem_dup("");
}

static bool read_row(const struct connection_cache *cache, const struct db_rows *rows, int row,
		     struct connection *ret)
{
	if (!provider_parse(db_text(rows, row, 0), &ret->provider))
		return false;
	ret->id = db_int(rows, row, 1);
	ret->instance_id = db_int(rows, row, 2);
	const char *status = db_text(rows, row, 3);
	ret->is_on = strcmp(status, "active") == 0 || strcmp(status, "shadow") == 0;
	ret->host = host_of(db_text(rows, row, 4));
	ret->project_key = dup_cell(rows, row, 5);
	ret->repo_slug = dup_cell(rows, row, 6);
	ret->repo_id = db_int(rows, row, 7);
	for (int i = 0; i < CONNECTION_SECRETS_MAX; i++)
		open_secret(cache, ret, rows, row, 8 + i, &ret->secrets[i]);
	ret->bot.label = cache->options.label;
	for (int i = 0; i < (int)ARRAY_LEN(ret->bot_names); i++) {
		ret->bot_names[i] = dup_cell(rows, row, 11 + i);
		ret->bot.names[i] = ret->bot_names[i];
	}
	return true;
}

bool connection_cache_reload(struct connection_cache *cache, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(cache->options.pool, sql_load, NULL, &rows, err))
		return err_wrap(err, "load connections");
	struct snapshot next = {.list = mem_zalloc((size_t)rows.count + 1, sizeof(struct connection))};
	for (int row = 0; row < rows.count; row++) {
		if (read_row(cache, &rows, row, &next.list[next.count]))
			next.count++;
	}
	qsort(next.list, next.count, sizeof(next.list[0]), compare);

	pthread_rwlock_wrlock(&cache->lock);
	struct snapshot old = cache->snapshot;
	cache->snapshot = next;
	pthread_rwlock_unlock(&cache->lock);
	snapshot_done(&old);
	return true;
}

/* ---- the loader's thread ----------------------------------------------------------------------------------------- */

/* Load, then listen; a full load follows each reconnect because notifications of the time between are lost. */
static bool follow(struct connection_cache *cache, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	if (!db_borrow(cache->options.pool, RETRY_MS, &db, err) ||
	    !db_listen(db, "ohdc_connection", err) || !connection_cache_reload(cache, err))
		return false;
	int64_t loaded_ms = sysclock_monotonic_ms();
	while (!daemon_is_stopping(cache->options.daemon)) {
		CLEANUP(mem_free_text) char *payload = NULL;
		if (!db_wait_notification(db, WAIT_MS, &payload, err))
			return false;
		if (!payload && sysclock_monotonic_ms() - loaded_ms < RELOAD_MS)
			continue;
		if (!connection_cache_reload(cache, err))
			return false;
		loaded_ms = sysclock_monotonic_ms();
	}
	return true;
}

static void *run(void *context)
{
	struct connection_cache *cache = context;
	while (!daemon_is_stopping(cache->options.daemon)) {
		struct err err = {0};
		if (follow(cache, &err))
			break;
		log_err("connections are served as last read", &err);
		daemon_pause(cache->options.daemon, RETRY_MS);
	}
	return NULL;
}

bool connection_cache_new(const struct connection_cache_options *options,
			  struct connection_cache **ret, struct err *err)
{
	struct connection_cache *cache = mem_zalloc(1, sizeof(*cache));
	cache->options = *options;
	pthread_rwlock_init(&cache->lock, NULL);
	pthread_mutex_init(&cache->reread_lock, NULL);
	*ret = cache;
	if (!connection_cache_reload(cache, err))
		return false;
	cache->is_running = pthread_create(&cache->thread, NULL, run, cache) == 0;
	return cache->is_running || err_set(err, ERR_BUSY, "no thread for the connection cache");
}

void connection_cache_free(struct connection_cache *cache)
{
	if (!cache)
		return;
	if (cache->is_running)
		pthread_join(cache->thread, NULL);
	snapshot_done(&cache->snapshot);
	pthread_rwlock_destroy(&cache->lock);
	pthread_mutex_destroy(&cache->reread_lock);
	mem_free(cache);
}

/* ---- look-ups ------------------------------------------------------------------------------------------------------ */

const struct connection *connection_cache_acquire(struct connection_cache *cache,
						  enum provider provider, int64_t id)
{
	struct connection wanted = {.provider = provider, .id = id};
	pthread_rwlock_rdlock(&cache->lock);
	if (cache->snapshot.count == 0)
		return NULL;
	return bsearch(&wanted, cache->snapshot.list, cache->snapshot.count, sizeof(wanted), compare);
}

void connection_cache_release(struct connection_cache *cache)
{
	pthread_rwlock_unlock(&cache->lock);
}

void connection_cache_drain(struct connection_cache *cache)
{
	if (!cache)
		return;
	pthread_rwlock_wrlock(&cache->lock);
	pthread_rwlock_unlock(&cache->lock);
}

static size_t slot_of(enum provider provider, int64_t id)
{
	return ((size_t)id * 2 + (size_t)provider) % REREAD_SLOTS;
}

bool connection_cache_may_reread(struct connection_cache *cache, enum provider provider, int64_t id)
{
	pthread_mutex_lock(&cache->reread_lock);
	int64_t read_ms = cache->reread_ms[slot_of(provider, id)];
	pthread_mutex_unlock(&cache->reread_lock);
	return read_ms == 0 || sysclock_monotonic_ms() - read_ms >= REREAD_PAUSE_MS;
}

void connection_cache_note_reread(struct connection_cache *cache, enum provider provider, int64_t id)
{
	pthread_mutex_lock(&cache->reread_lock);
	cache->reread_ms[slot_of(provider, id)] = sysclock_monotonic_ms();
	pthread_mutex_unlock(&cache->reread_lock);
}
