#ifndef OHDC_INSTALLER_CONNECTION_CHANGE_H
#define OHDC_INSTALLER_CONNECTION_CHANGE_H

/* One change of a connection and all that belongs to it, stored all or nothing. */

#include "common/base/attr.h"
#include "common/base/secret.h"
#include "common/connect/caller.h"
#include "common/connect/connection_store.h"
#include "common/connect/link_store.h"
#include "common/domain/person.h"
#include "services/installer/installer.h"

#include <stdbool.h>

/** What becomes of a connection's webhook secrets; a new connection gets its first one with NEXT or KEPT. */
enum change_secrets {
	SECRETS_STAY,
	SECRETS_KEPT,    /**< the webhook is to have the one it has, or is about to get */
	SECRETS_NEXT,    /**< the webhook is to have another, accepted beside the one in use */
	SECRETS_PROMOTE, /**< the next one counts */
};

/** What belongs to a change; borrowed. */
struct connection_change {
	const char *action;             /**< for table audit: "connection.pause" */
	const struct person *bot;       /**< who the bot is there; NULL: not asked */
	const struct secret *bot_token; /**< NULL or not set: as it is */
	enum change_secrets secrets;
	const struct secret *given;    /**< wanted as the first or next secret; NULL or not set: a new random one */
	struct secret *hook;           /**< with KEPT and NEXT gets what the webhook is to be signed with */
	const struct link_draft *link; /**< to be made on the connection's server; NULL: none */
	bool ends_links;               /**< all people's */
};

/** Store the row (id 0: as a new one, gets its ids) and what belongs to it. Fails as connection_put() and connection_secret_next(). */
NODISCARD bool connection_change_store(const struct installer *installer, const struct caller *caller,
				       struct connection_row *row, const struct connection_change *change,
				       struct err *err);

#endif
