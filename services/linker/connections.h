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
#include "common/io/table_cache.h"

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

/**
 * New cache of connections, loaded and kept so; everything is borrowed for its life. False: stopping was asked for (`err` is
 * empty), or no thread.
 */
NODISCARD bool connections_new(struct db_pool *pool, struct config *config, struct daemon *daemon,
			       struct table_cache **ret, struct err *err);

/** Connection of a product by id, NULL when unknown; only between acquire and release. */
NODISCARD const struct connection *connections_find(const struct table_cache *connections, enum provider provider,
						    int64_t id);

#endif
