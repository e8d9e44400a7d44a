#ifndef OHDC_INSTALLER_REPO_API_H
#define OHDC_INSTALLER_REPO_API_H

/*
 * Bitbucket's REST API as the person who asks: repositories and their webhooks. Only to the configured base URL. A failure's
 * `http_status` says whose it is: 401 the token is not accepted, 403 the token's owner lacks the right (Bitbucket answers 401 to
 * both), any other Bitbucket's refusal in its own words; 0: Bitbucket did not answer.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/connect/bot_identity.h"
#include "services/installer/installer.h"
#include "services/installer/repo_set.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Prepare to act as a user of OHE: with `given` when set (NULL: none), else with the person's own token, which OpenHands keeps.
 * A failure names the way out and has `http_status` 0. `ret` is released with bot_server_done(). Blocks; any thread.
 */
NODISCARD bool repo_api_open(const struct installer *installer, const char *user_id, const struct secret *given,
			     struct bot_server *ret, struct err *err);

/** Read one repository by its name in any case. */
NODISCARD bool repo_api_read(const struct bot_server *server, const char *project_key, const char *slug,
			     struct bot_repository *ret, struct err *err);

/** Keep a token that was given; NULL or "": none was. */
void repo_token_set(struct secret *ret, const char *given);

/** Add the page of repositories on which the token's owner is admin that starts at `*start`; `*start` moves on, -1: it was the last. */
NODISCARD bool repo_api_list(const struct bot_server *server, int64_t *start, struct repo_set *ret, struct err *err);

/** All webhooks of a repository, which only its admins may read: with their secrets. `ret` is a new list. */
NODISCARD bool repo_api_hooks(const struct bot_server *server, const struct bot_repository *name, json_t **ret,
			      struct err *err);

/** Replace webhook `hook_id`, or create one (NULL). ERR_UNCERTAIN: look. */
NODISCARD bool repo_api_put_hook(const struct bot_server *server, const struct bot_repository *name,
				 const char *hook_id, const json_t *hook, struct err *err);

/** Delete a webhook; one that is gone already is success. */
NODISCARD bool repo_api_delete_hook(const struct bot_server *server, const struct bot_repository *name,
				    const char *hook_id, struct err *err);

#endif
