#ifndef OHDC_INGRESS_CONNECTION_CACHE_H
#define OHDC_INGRESS_CONNECTION_CACHE_H

/* Connections as the database has them, in a table_cache, looked up by the HTTP threads without waiting. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/domain/mention.h"
#include "common/domain/provider.h"
#include "common/io/table_cache.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONNECTION_SECRETS_MAX = 3 }; /**< current, next and previous of a rotation */

/** One connection; immutable once published. */
struct connection {
	enum provider provider;
	int64_t id;
	int64_t instance_id;
	bool is_on;        /**< active or shadow; else deliveries are kept with verdict INTEGRATION_OFF */
	char *host;        /**< of the instance */
	char *project_key; /**< Bitbucket, else NULL */
	char *repo_slug;
	int64_t repo_id; /**< 0: not known */
	struct secret secrets[CONNECTION_SECRETS_MAX];
	char *bot_names[4];
	struct bot bot; /**< borrows from bot_names and the cache's label */
};

/** What rows are read with; borrowed. */
struct connection_source {
	const struct crypto_keyring *keys;
	const char *label; /**< OH_RESOLVER_LABEL */
};

/** New cache of connections, as table_cache_new(); `source` is borrowed for its life. */
NODISCARD bool connection_cache_new(struct db_pool *pool, struct daemon *daemon, struct connection_source *source,
				    struct table_cache **ret, struct err *err);

/** The connection, borrowed until table_cache_release(), which is due also after NULL: unknown. Any thread; holds a read lock. */
NODISCARD const struct connection *connection_acquire(struct table_cache *cache, enum provider provider, int64_t id);

#endif
