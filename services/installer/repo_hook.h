#ifndef OHDC_INSTALLER_REPO_HOOK_H
#define OHDC_INSTALLER_REPO_HOOK_H

/* The webhook of a repository: what it should be, made so and looked at afterwards. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/domain/own_hook.h"
#include "services/installer/repo_api.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define REPO_HOOK_NAME "OpenHands Resolver" /* the contract's, so that OHE's own Reinstall finds it too */

/** What ours looks like; texts borrowed. */
NODISCARD struct own_hook repo_hook_own(const char *url, const char *known_id);

/**
 * Make it so: replace ours or create one, look, remove doubles of ours on our host; `hooks` is what is there now. `ret_id` (new)
 * gets its id. Not as wanted afterwards: ERR_INTERNAL.
 */
NODISCARD bool repo_hook_install(const struct bot_server *server, const struct bot_repository *name,
				 const struct own_hook *own, const struct secret *secret, json_t *hooks, char **ret_id,
				 struct err *err);

/** Delete all of ours in `hooks`; `ret_id` (new) gets the id of the best, NULL: there was none. */
NODISCARD bool repo_hook_remove(const struct bot_server *server, const struct bot_repository *name,
				const struct own_hook *own, json_t *hooks, char **ret_id, struct err *err);

#endif
