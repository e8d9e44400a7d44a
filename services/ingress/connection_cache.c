/* Rows of table connection as the ingress needs them, with their secrets opened. */

#include "services/ingress/connection_cache.h"

#include "common/base/mem.h"
#include "common/base/url.h"
#include "common/io/log.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static const char sql_load[] =
	"select c.provider, c.id, c.instance_id, c.status, i.base_url, c.project_key, c.repo_slug, "
	"coalesce(c.repo_id, 0),"
	" encode(c.secret_sealed, 'hex'), encode(c.secret_next_sealed, 'hex'), "
	"encode(c.secret_previous_sealed, 'hex'),"
	" i.bot_id, i.bot_key, i.bot_name, i.bot_email"
	" from connection c join instance i on i.id = c.instance_id";

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

static void open_secret(const struct connection_source *source, const struct connection *connection,
			const struct db_rows *rows, int row, int column, struct secret *ret)
{
	uint8_t *sealed = NULL;
	size_t len = 0;
	if (!db_hex(rows, row, column, &sealed, &len)) return;
	char place[80];
	(void)snprintf(place, sizeof(place), "connection.secret:%s/%lld", provider_name(connection->provider),
		       (long long)connection->id);
	struct err err = {0};
	if (!crypto_open(source->keys, place, bytes_of(sealed, len), ret, &err))
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
	const struct connection_source *source = context;
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
		open_secret(source, ret, rows, row, 8 + i, &ret->secrets[i]);
	ret->bot.label = source->label;
	for (int i = 0; i < (int)ARRAY_LEN(ret->bot_names); i++) {
		ret->bot_names[i] = db_copy(rows, row, 11 + i);
		ret->bot.names[i] = ret->bot_names[i];
	}
	return true;
}

/* ---- the cache --------------------------------------------------------------------------------------------------- */

bool connection_cache_new(struct db_pool *pool, struct daemon *daemon, struct connection_source *source,
			  struct table_cache **ret, struct err *err)
{
	const struct table_cache_options options = {
		.pool = pool,
		.daemon = daemon,
		.channel = "ohdc_connection",
		.sql = sql_load,
		.row_size = sizeof(struct connection),
		.read = read_row,
		.done = connection_done,
		.compare = compare,
		.context = source,
	};
	return table_cache_new(&options, ret, err);
}

const struct connection *connection_acquire(struct table_cache *cache, enum provider provider, int64_t id)
{
	table_cache_acquire(cache);
	return table_cache_find(cache, &(struct connection){.provider = provider, .id = id});
}
