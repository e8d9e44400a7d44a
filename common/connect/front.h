#ifndef OHDC_CONNECT_FRONT_H
#define OHDC_CONNECT_FRONT_H

/* What linker and installer need to answer people and OHE's screens, opened and closed in one place. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/connect/caller.h"
#include "common/connect/oauth.h"
#include "common/connect/peer_client.h"
#include "common/io/service.h"
#include "common/io/web.h"

#include <stdbool.h>
#include <stddef.h>

/** Clients, callers and OAuth of a service; zeroed means not open. */
struct front {
	struct peer_clients *peers;
	struct callers *callers;
	struct oauth oauth;
	struct web *web;
};

/** Open the clients; `service` is borrowed. ERR_INPUT: Jira's OAuth client is half there. The web comes last: front_listen(). */
NODISCARD bool front_open(struct front *front, struct service *service, const char *program, struct err *err);

/**
 * Serve the routes on OHDC_HTTP_LISTEN, without those that are switched off: Jira's with ENABLE_JIRA_DC, Bitbucket's without
 * BITBUCKET_DATA_CENTER_HOST. ERR_INPUT, ERR_BUSY as web_new().
 */
NODISCARD bool front_listen(struct front *front, const struct service *service, const struct web_route *routes,
			    size_t count, void *context, struct err *err);

/** Stop accepting and wait for the handlers: first of all, as they use everything else. */
void front_quiet(struct front *front);

/** Free the rest. */
void front_close(struct front *front);

#endif
