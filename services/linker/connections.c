/* Rows of table connection as the linker needs them. */

#include "services/linker/connections.h"

#include <string.h>

#include "common/base/mem.h"

#include "common/base/banned.h"

static const char sql_load[] = "select c.provider, c.id, c.instance_id, c.status,"
			       " coalesce((extract(epoch from c.activated_at) * 1000)::bigint, 0), i.base_url,"
			       " i.bot_id, i.bot_key, i.bot_name, i.bot_email"
			       " from connection c join instance i on i.id = c.instance_id";

static void connection_done(void *row)
{
	struct connection *connection = row;
	mem_free(connection->base_url);
	for (size_t i = 0; i < CONNECTION_BOT_NAMES; i++)
		mem_free(connection->bot_names[i]);
}

static int compare(const void *a, const void *b)
{
	const struct connection *x = a;
	const struct connection *y = b;
	if (x->provider != y->provider) return x->provider < y->provider ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* The bot that the environment names belongs to the server that the environment names. */
static char *bot_of_environment(const struct config *config, const struct connection *connection)
{
	bool is_jira = connection->provider == PROVIDER_JIRA;
	const char *base_url = config_text(config, is_jira ? "JIRA_DC_BASE_URL" : "BITBUCKET_DATA_CENTER_HOST");
	if (!base_url || strcmp(base_url, connection->base_url) != 0) return NULL;
	return mem_dup(
		config_text(config, is_jira ? "JIRA_DC_SERVICE_ACCOUNT_EMAIL" : "BITBUCKET_DATA_CENTER_BOT_USERNAME"));
}

static bool read_row(void *context, const struct db_rows *rows, int row, void *place)
{
	const struct config *config = context;
	struct connection *ret = place;
	if (!provider_parse(db_text(rows, row, 0), &ret->provider)) return false;
	ret->id = db_int(rows, row, 1);
	ret->instance_id = db_int(rows, row, 2);
	ret->is_shadow = strcmp(db_text(rows, row, 3), "shadow") == 0;
	ret->activated_at_ms = db_int(rows, row, 4);
	ret->base_url = db_copy(rows, row, 5);
	for (int i = 0; i < CONNECTION_BOT_NAMES - 1; i++)
		ret->bot_names[i] = db_copy(rows, row, 6 + i);
	ret->bot_names[CONNECTION_BOT_NAMES - 1] = bot_of_environment(config, ret);
	ret->bot.label = config_text(config, "OH_RESOLVER_LABEL");
	for (size_t i = 0; i < CONNECTION_BOT_NAMES; i++)
		ret->bot.names[i] = ret->bot_names[i];
	return true;
}

bool connections_new(struct db_pool *pool, struct config *config, struct daemon *daemon, struct table_cache **ret,
		     struct err *err)
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
		.context = config,
	};
	return table_cache_new(&options, ret, err);
}

const struct connection *connections_find(const struct table_cache *connections, enum provider provider, int64_t id)
{
	const struct connection wanted = {.provider = provider, .id = id};
	return table_cache_find(connections, &wanted);
}
