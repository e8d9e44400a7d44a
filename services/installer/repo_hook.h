#ifndef OHDC_INSTALLER_REPO_HOOK_H
#define OHDC_INSTALLER_REPO_HOOK_H

/* The webhook of a repository: what it should be, which of Bitbucket's is ours, made so and looked at afterwards. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "services/installer/repo_api.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define REPO_HOOK_NAME \
	"OpenHands Resolver" /* the contract's, so that OHE's own Reinstall finds it too */

/** What the webhook should be; borrowed. */
struct repo_hook {
	const char *url;             /**< of the connection */
	const char *known_id;        /**< as stored, NULL: none */
	const struct secret *secret; /**< not set where none is sent */
};

/** New list of the 16 events, in the contract's order. */
NODISCARD json_t *repo_hook_events(void);

/**
 * The place in `hooks` of ours, -1: none. Best first: the stored id, our URL however it is written, our name on our host with the
 * path of another connection or the older path without one, our name with our path on another host.
 */
NODISCARD int repo_hook_find(const json_t *hooks, const struct repo_hook *wanted);

/**
 * Make it so: replace ours or create one, look, remove doubles of ours; `hooks` is what is there now. `ret_id` (new) gets its id.
 * Not as wanted afterwards: ERR_INTERNAL.
 */
NODISCARD bool repo_hook_install(const struct bot_server *server, const struct bot_repository *name,
				 const struct repo_hook *wanted, json_t *hooks, char **ret_id,
				 struct err *err);

/** Delete all of ours in `hooks`; `ret_id` (new) gets the id of the best, NULL: there was none. */
NODISCARD bool repo_hook_remove(const struct bot_server *server, const struct bot_repository *name,
				const struct repo_hook *wanted, json_t *hooks, char **ret_id,
				struct err *err);

#endif
