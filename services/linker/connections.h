#ifndef OHDC_LINKER_CONNECTIONS_H
#define OHDC_LINKER_CONNECTIONS_H

/* What the linker needs to know of each connection, in memory (common/io/table_cache.h): its instance, its status, who the bot is there. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/domain/mention.h"
#include "common/domain/provider.h"
#include "common/io/config.h"
#include "common/io/daemon.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONNECTION_BOT_NAMES = 5 };

/** One connection; texts owned by its table. */
struct connection {
	enum provider provider;
	int64_t id;
	int64_t instance_id;
	bool is_shadow;          /**< decide and record, start nothing */
	int64_t activated_at_ms; /**< 0: never */
	char *base_url;          /**< of the instance, normalised */
	char *bot_names[CONNECTION_BOT_NAMES];
	struct bot bot; /**< borrows bot_names and the label setting */
};

struct connections;

/** Settings; everything borrowed for the life of the cache. */
struct connections_options {
	struct db_pool *pool;
	struct config *config;
	struct daemon *daemon;
};

/** New cache, loaded, and the thread that keeps it so. False: stopping was asked for (`err` is empty), or no thread. */
NODISCARD bool connections_new(const struct connections_options *options, struct connections **ret, struct err *err);

/** Stop the thread (the daemon is stopping), free; NULL is fine. */
void connections_free(struct connections *connections);

/** Take the table as it is now: pointers of connections_find() stay good until connections_release(). Any thread. */
void connections_acquire(struct connections *connections);

/** Give it back. */
void connections_release(struct connections *connections);

/** Connection of a product by id, NULL when unknown; only between acquire and release. */
NODISCARD const struct connection *connections_find(const struct connections *connections, enum provider provider,
						    int64_t id);

/** Read the table now (a record named a connection that is not known); not between acquire and release. */
NODISCARD bool connections_reload(struct connections *connections, struct err *err);

#endif
