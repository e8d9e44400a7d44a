#ifndef OHDC_LINKER_LINKER_H
#define OHDC_LINKER_LINKER_H

/* What the threads of the linker share. Made in main; read by all. */

#include "common/base/attr.h"
#include "common/base/uuid.h"
#include "common/connect/claim.h"
#include "common/connect/connection_store.h"
#include "common/connect/front.h"
#include "common/io/config.h"
#include "common/io/daemon.h"
#include "common/io/db.h"
#include "common/io/kafka.h"
#include "common/io/metrics.h"
#include "common/io/service.h"
#include "common/io/wake.h"
#include "services/linker/connections.h"
#include "services/linker/directory.h"

enum { LINKER_OWNER_SIZE = 96 };

/** The linker; everything borrowed unless said otherwise. */
struct linker {
	struct config *config;
	struct daemon *daemon;
	struct metrics *metrics;
	struct db_pool *pool;
	struct kafka_cluster cluster;
	struct kafka_producer *producer; /**< made with kafka_wait_report */
	struct claim *claim;
	struct table_cache *connections;
	struct directories *directories;
	struct uuid installation;      /**< once the database has answered */
	char owner[LINKER_OWNER_SIZE]; /**< of leases: program, host, process, random */
	struct wake to_decide;         /**< rung when a trigger may be due */
	struct wake to_send;           /**< rung when the outbox has something */
	const struct crypto_keyring *keys;
	struct peer_clients *peers; /**< peer_client_for(peers, base_url), peer_client_plain(peers) */
	struct callers *callers;
	const struct oauth *oauth;
	struct connection_store connection_store;
	const char *origin; /**< WEB_HOST: "https://app.example.com" */
};

/** Take what the service and its front have opened; the rest is set in main. */
void linker_init(struct linker *linker, const struct service *service, const struct front *front);

/** Free what linker_init() made; zeroed is fine. */
void linker_done(struct linker *linker);

/** Deadline of one call to a directory, so that all calls of one look-up fit into a lease. */
NODISCARD int64_t linker_call_deadline_ms(const struct config *config);

#endif
