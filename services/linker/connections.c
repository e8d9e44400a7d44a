/* A sorted table behind a read-write lock; the next one is built aside and swapped in. */

#include "services/linker/connections.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum {
	RELOAD_MS = 30000,
	WAIT_MS = 500,   /* longest wait for a notification, and so for a stop */
	RETRY_MS = 1000, /* after the database failed */
	BORROW_MS = 5000,
};

static const char sql_load[] =
	"select c.provider, c.id, c.instance_id, c.status,"
	" coalesce((extract(epoch from c.activated_at) * 1000)::bigint, 0), i.base_url,"
	" i.bot_id, i.bot_key, i.bot_name, i.bot_email"
	" from connection c join instance i on i.id = c.instance_id";

struct table {
	struct connection *list;
	size_t count;
};

struct connections {
	struct connections_options options;
	pthread_rwlock_t lock;
	struct table table;
	_Atomic bool is_loaded;
	pthread_t thread;
	bool is_running;
};

static void table_done(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		mem_free(table->list[i].base_url);
		for (size_t k = 0; k < CONNECTION_BOT_NAMES; k++)
			mem_free(table->list[i].bot_names[k]);
	}
	mem_free(table->list);
	*table = (struct table){0};
}

static int compare(const void *a, const void *b)
{
	const struct connection *x = a;
	const struct connection *y = b;

	if (x->provider != y->provider)
		return x->provider < y->provider ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static char *dup_cell(const struct db_rows *rows, int row, int column)
{
	return db_is_null(rows, row, column) ? NULL : mem_dup(db_text(rows, row, column));
}

/* The bot that the environment names belongs to the server that the environment names. */
static char *bot_of_environment(const struct config *config, const struct connection *connection)
{
	bool is_jira = connection->provider == PROVIDER_JIRA;
	const char *base_url = config_text(config, is_jira ? "JIRA_DC_BASE_URL"
							   : "BITBUCKET_DATA_CENTER_HOST");

	if (base_url == NULL || strcmp(base_url, connection->base_url) != 0)
		return NULL;
	return mem_dup(config_text(config, is_jira ? "JIRA_DC_SERVICE_ACCOUNT_EMAIL"
						   : "BITBUCKET_DATA_CENTER_BOT_USERNAME"));
}

static bool read_row(const struct connections *connections, const struct db_rows *rows, int row,
		     struct connection *ret)
{
	const struct config *config = connections->options.config;

	if (!provider_parse(db_text(rows, row, 0), &ret->provider))
		return false;
	ret->id = db_int(rows, row, 1);
	ret->instance_id = db_int(rows, row, 2);
	ret->is_shadow = strcmp(db_text(rows, row, 3), "shadow") == 0;
	ret->activated_at_ms = db_int(rows, row, 4);
	ret->base_url = dup_cell(rows, row, 5);
	for (int i = 0; i < CONNECTION_BOT_NAMES - 1; i++)
		ret->bot_names[i] = dup_cell(rows, row, 6 + i);
	ret->bot_names[CONNECTION_BOT_NAMES - 1] = bot_of_environment(config, ret);
	ret->bot.label = config_text(config, "OH_RESOLVER_LABEL");
	for (size_t i = 0; i < CONNECTION_BOT_NAMES; i++)
		ret->bot.names[i] = ret->bot_names[i];
	return true;
}

bool connections_reload(struct connections *connections, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	struct table next = {0};
	struct table old;

	if (!db_query(connections->options.pool, sql_load, NULL, &rows, err))
		return err_wrap(err, "load connections");
	next.list = mem_zalloc((size_t)rows.count + 1, sizeof(*next.list));
	for (int row = 0; row < rows.count; row++) {
		if (read_row(connections, &rows, row, &next.list[next.count]))
			next.count++;
	}
	qsort(next.list, next.count, sizeof(*next.list), compare);
	pthread_rwlock_wrlock(&connections->lock);
	old = connections->table;
	connections->table = next;
	pthread_rwlock_unlock(&connections->lock);
	table_done(&old);
	atomic_store(&connections->is_loaded, true);
	return true;
}

/* Listen first, then load: a change in between is heard. Returns when stopping begins or the database fails. */
static bool follow(struct connections *connections, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	int64_t loaded_ms = 0;

	if (!db_borrow(connections->options.pool, BORROW_MS, &db, err) ||
	    !db_listen(db, "ohdc_connection", err))
		return false;
	while (!daemon_is_stopping(connections->options.daemon)) {
		CLEANUP(mem_free_text) char *payload = NULL;

		if (loaded_ms == 0 || sysclock_monotonic_ms() - loaded_ms >= RELOAD_MS) {
			if (!connections_reload(connections, err))
				return false;
			loaded_ms = sysclock_monotonic_ms();
		}
		if (!db_wait_notification(db, WAIT_MS, &payload, err))
			return false;
		loaded_ms = payload != NULL ? 0 : loaded_ms;
	}
	return true;
}

static void *run(void *context)
{
	struct connections *connections = context;

	while (!daemon_is_stopping(connections->options.daemon)) {
		struct err err = {0};

		if (follow(connections, &err))
			break;
		log_err("connections are served as last read", &err);
		daemon_pause(connections->options.daemon, RETRY_MS);
	}
	return NULL;
}

bool connections_new(const struct connections_options *options, struct connections **ret,
		     struct err *err)
{
	struct connections *connections = mem_zalloc(1, sizeof(*connections));

	connections->options = *options;
	pthread_rwlock_init(&connections->lock, NULL);
	connections->is_running = pthread_create(&connections->thread, NULL, run, connections) == 0;
	if (!connections->is_running) {
		connections_free(connections);
		return err_set(err, ERR_BUSY, "no thread for the connections");
	}
	*ret = connections;
	return true;
}

void connections_free(struct connections *connections)
{
	if (connections == NULL)
		return;
	if (connections->is_running)
		pthread_join(connections->thread, NULL);
	table_done(&connections->table);
	pthread_rwlock_destroy(&connections->lock);
	mem_free(connections);
}

bool connections_wait(struct connections *connections)
{
	enum { LOOK_MS = 10 };

	while (!atomic_load(&connections->is_loaded)) {
		if (daemon_pause(connections->options.daemon, LOOK_MS))
			return false;
	}
	return true;
}

void connections_acquire(struct connections *connections)
{
	pthread_rwlock_rdlock(&connections->lock);
}

void connections_release(struct connections *connections)
{
	pthread_rwlock_unlock(&connections->lock);
}

const struct connection *connections_find(const struct connections *connections,
					  enum provider provider, int64_t id)
{
	const struct connection wanted = {.provider = provider, .id = id};

	if (connections->table.count == 0)
		return NULL;
	return bsearch(&wanted, connections->table.list, connections->table.count, sizeof(wanted),
		       compare);
}
