#ifndef OHDC_INSTALLER_INSTALLER_H
#define OHDC_INSTALLER_INSTALLER_H

/* What the handlers of the installer share. Made in main; read by all. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/connect/connection_store.h"
#include "common/connect/front.h"
#include "common/io/config.h"
#include "common/io/daemon.h"
#include "common/io/db.h"
#include "common/io/metrics.h"
#include "common/io/service.h"

#include <stdbool.h>

struct repo_lists;

/** The installer; everything borrowed. */
struct installer {
	struct config *config;
	struct daemon *daemon;
	struct metrics *metrics;
	struct db_pool *pool;
	const struct crypto_keyring *keys;
	struct uuid installation;
	struct peer_clients *peers; /**< peer_client_for(peers, base_url), peer_client_plain(peers) */
	struct callers *callers;
	const struct oauth *oauth;
	struct connection_store connections;
	struct repo_lists *repo_lists; /**< who administers which repositories */
	const char *origin;            /**< WEB_HOST: "https://app.example.com" */
};

/** Take what the service and its front have opened (after service_wait_database()). */
void installer_init(struct installer *installer, const struct service *service, const struct front *front);

#endif
