#ifndef OHDC_INGRESS_CONNECTION_CACHE_H
#define OHDC_INGRESS_CONNECTION_CACHE_H

/* Connections as the database has them, in memory (common/io/table_cache.h), looked up by the HTTP threads without waiting. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/domain/mention.h"
#include "common/domain/provider.h"
#include "common/io/daemon.h"
#include "common/io/db.h"

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

struct connection_cache;

/** What the cache is made with; borrowed. */
struct connection_cache_options {
	struct db_pool *pool;
	const struct crypto_keyring *keys;
	struct daemon *daemon;
	const char *label; /**< OH_RESOLVER_LABEL */
};

/** New cache, loaded, and the thread that keeps it so. False: stopping was asked for (`err` is empty), or no thread. */
NODISCARD bool connection_cache_new(const struct connection_cache_options *options, struct connection_cache **ret,
				    struct err *err);

/** Stop the thread (the daemon is stopping) and free; NULL is fine. */
void connection_cache_free(struct connection_cache *cache);

/** The connection, borrowed until connection_cache_release(); NULL when unknown. Any thread; holds a read lock. */
NODISCARD const struct connection *connection_cache_acquire(struct connection_cache *cache, enum provider provider,
							    int64_t id);

/** Give up what connection_cache_acquire() gave (also after NULL). */
void connection_cache_release(struct connection_cache *cache);

/** Wait until everything acquired before this call is released; NULL is fine. */
void connection_cache_drain(struct connection_cache *cache);

/**
 * Whether this id may be read again now: not within a second of its last read, as connection_cache_note_reread() was told; until
 * that read is done, whoever asks shares it. Any thread.
 */
NODISCARD bool connection_cache_may_reread(struct connection_cache *cache, enum provider provider, int64_t id);

/** This id was read again just now. Any thread. */
void connection_cache_note_reread(struct connection_cache *cache, enum provider provider, int64_t id);

/** Load the whole table now (blocks on the database; not for the HTTP threads). */
NODISCARD bool connection_cache_reload(struct connection_cache *cache, struct err *err);

#endif
