/* Rows of table connection as the ingress needs them, with their secrets opened; and when each id was last read again. */

#include "services/ingress/connection_cache.h"

#include "common/base/mem.h"
#include "common/base/url.h"
#include "common/io/lock.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "common/io/table_cache.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum {
	REREAD_PAUSE_MS = 1000, /**< between two reads of one id */
	REREAD_SLOTS = 1024,    /**< ids whose last read is remembered; a collision only delays a read */
};

static const char sql_load[] =
	"select c.provider, c.id, c.instance_id, c.status, i.base_url, c.project_key, c.repo_slug, "
	"coalesce(c.repo_id, 0),"
	" encode(c.secret_sealed, 'hex'), encode(c.secret_next_sealed, 'hex'), "
	"encode(c.secret_previous_sealed, 'hex'),"
	" i.bot_id, i.bot_key, i.bot_name, i.bot_email"
	" from connection c join instance i on i.id = c.instance_id";

struct connection_cache {
	struct connection_cache_options options;
	struct table_cache *table;
	pthread_mutex_t reread_lock;
	int64_t reread_ms[REREAD_SLOTS];
};

static void connection_done(void *row)
{
	struct connection *connection = row;
	MEM_FREE_ALL(connection->host, connection->project_key, connection->repo_slug);
	for (size_t i = 0; i < CONNECTION_SECRETS_MAX; i++)
		secret_done(&connection->secrets[i]);
	for (size_t i = 0; i < ARRAY_LEN(connection->bot_names); i++)
		mem_free(connection->bot_names[i]);
}

static int compare(const void *a, const void *b)
{
	const struct connection *x = a;
	const struct connection *y = b;
	if (x->provider != y->provider) return x->provider < y->provider ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static void open_secret(const struct connection_cache *cache, const struct connection *connection,
			const struct db_rows *rows, int row, int column, struct secret *ret)
{
	uint8_t *sealed = NULL;
	size_t len = 0;
	if (!db_hex(rows, row, column, &sealed, &len)) return;
	char place[80];
	(void)snprintf(place, sizeof(place), "connection.secret:%s/%lld", provider_name(connection->provider),
		       (long long)connection->id);
	struct err err = {0};
	if (!crypto_open(cache->options.keys, place, bytes_of(sealed, len), ret, &err))
		LOG_WARN("webhook secret cannot be opened", LOG_TEXT("connection", place),
			 LOG_TEXT("error", err.message));
	mem_free(sealed);
}

static char *host_of(const char *base_url)
{
	CLEANUP(url_done) struct url url = {0};
	return url_parse(base_url, "https", &url, NULL) ? mem_dup(url.host) : mem_dup("");
}

static bool read_row(void *context, const struct db_rows *rows, int row, void *place)
{
	const struct connection_cache *cache = context;
	struct connection *ret = place;
	if (!provider_parse(db_text(rows, row, 0), &ret->provider)) return false;
	ret->id = db_int(rows, row, 1);
	ret->instance_id = db_int(rows, row, 2);
	const char *status = db_text(rows, row, 3);
	ret->is_on = strcmp(status, "active") == 0 || strcmp(status, "shadow") == 0;
	ret->host = host_of(db_text(rows, row, 4));
	ret->project_key = db_copy(rows, row, 5);
	ret->repo_slug = db_copy(rows, row, 6);
	ret->repo_id = db_int(rows, row, 7);
	for (int i = 0; i < CONNECTION_SECRETS_MAX; i++)
		open_secret(cache, ret, rows, row, 8 + i, &ret->secrets[i]);
	ret->bot.label = cache->options.label;
	for (int i = 0; i < (int)ARRAY_LEN(ret->bot_names); i++) {
		ret->bot_names[i] = db_copy(rows, row, 11 + i);
		ret->bot.names[i] = ret->bot_names[i];
	}
	return true;
}

/* ---- the cache --------------------------------------------------------------------------------------------------- */

bool connection_cache_new(const struct connection_cache_options *options, struct connection_cache **ret, struct err *err)
{
	struct connection_cache *cache = mem_zalloc(1, sizeof(*cache));
	cache->options = *options;
	pthread_mutex_init(&cache->reread_lock, NULL);
	const struct table_cache_options table = {
		.pool = options->pool,
		.daemon = options->daemon,
		.channel = "ohdc_connection",
		.sql = sql_load,
		.row_size = sizeof(struct connection),
		.read = read_row,
		.done = connection_done,
		.compare = compare,
		.context = cache,
	};
	if (!table_cache_new(&table, &cache->table, err)) {
		connection_cache_free(cache);
		return false;
	}
	*ret = cache;
	return true;
}

void connection_cache_free(struct connection_cache *cache)
{
	if (!cache) return;
	table_cache_free(cache->table);
	pthread_mutex_destroy(&cache->reread_lock);
	mem_free(cache);
}

bool connection_cache_reload(struct connection_cache *cache, struct err *err)
{
	return table_cache_reload(cache->table, err);
}

const struct connection *connection_cache_acquire(struct connection_cache *cache, enum provider provider, int64_t id)
{
	struct connection wanted = {.provider = provider, .id = id};
	table_cache_acquire(cache->table);
	return table_cache_find(cache->table, &wanted);
}

void connection_cache_release(struct connection_cache *cache)
{
	table_cache_release(cache->table);
}

void connection_cache_drain(struct connection_cache *cache)
{
	if (cache) table_cache_drain(cache->table);
}

/* ---- reading again ----------------------------------------------------------------------------------------------- */

static size_t slot_of(enum provider provider, int64_t id)
{
	return ((size_t)id * 2 + (size_t)provider) % REREAD_SLOTS;
}

bool connection_cache_may_reread(struct connection_cache *cache, enum provider provider, int64_t id)
{
	LOCK_HOLD(&cache->reread_lock);
	int64_t read_ms = cache->reread_ms[slot_of(provider, id)];
	return read_ms == 0 || sysclock_monotonic_ms() - read_ms >= REREAD_PAUSE_MS;
}

void connection_cache_note_reread(struct connection_cache *cache, enum provider provider, int64_t id)
{
	LOCK_HOLD(&cache->reread_lock);
	cache->reread_ms[slot_of(provider, id)] = sysclock_monotonic_ms();
}
