#ifndef OHDC_INSTALLER_INSTALLER_H
#define OHDC_INSTALLER_INSTALLER_H

/* What the handlers of the installer share. Made in main; read by all. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/connect/bot_identity.h"
#include "common/connect/caller.h"
#include "common/connect/connection_store.h"
#include "common/connect/front.h"
#include "common/io/config.h"
#include "common/io/daemon.h"
#include "common/io/db.h"
#include "common/io/service.h"

#include <stdbool.h>

struct repo_lists;

/** The installer; everything borrowed. */
struct installer {
	struct config *config;
	struct daemon *daemon;
	struct db_pool *pool;
	const struct crypto_keyring *keys;
	struct peer_clients *peers; /**< peer_client_for(peers, base_url), peer_client_plain(peers) */
	struct callers *callers;
	const struct oauth *oauth;
	struct connection_store connections;
	struct repo_lists *repo_lists; /**< who administers which repositories */
	const char *origin;            /**< WEB_HOST: "https://app.example.com" */
};

/** Take what the service and its front have opened (after service_wait_database()). */
void installer_init(struct installer *installer, const struct service *service, const struct front *front);

/**
 * Who sends this call, which may change something: not another site's page, and (`permission`, NULL: any) somebody who may; else
 * `reply` is the refusal.
 */
NODISCARD bool installer_admit(const struct installer *installer, const struct web_request *request,
			       const char *permission, struct caller *ret, struct web_reply *reply);

/** The body of a request as JSON; else `reply` is a 422. */
NODISCARD bool installer_json(const struct web_request *request, json_t **ret, struct web_reply *reply);

/** A server that somebody named, or the configured one, with a token (NULL or not set: none); released with bot_server_done(). */
void installer_server(const struct installer *installer, enum provider provider, const char *base_url,
		      const struct secret *token, struct bot_server *ret);

#endif
