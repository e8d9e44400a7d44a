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
#include "common/io/http_client.h"
#include "services/installer/repo_set.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** A Bitbucket and somebody's token; everything borrowed; made on the stack for a piece of work. Calls are thread-safe. */
struct repo_api {
	struct http_client *client;
	const char *base_url;
	const struct secret *token;
};

/** A repository as Bitbucket names it; texts owned. */
struct repo_name {
	char *project_key;
	char *slug;
	int64_t id;
};

/** Free and zero. */
void repo_name_done(struct repo_name *name);

/** Read one repository by its name in any case. */
NODISCARD bool repo_api_read(const struct repo_api *api, const char *project_key, const char *slug,
			     struct repo_name *ret, struct err *err);

/** Add the page of repositories on which the token's owner is admin that starts at `*start`; `*start` moves on, -1: it was the last. */
NODISCARD bool repo_api_list(const struct repo_api *api, int64_t *start, struct repo_set *ret,
			     struct err *err);

/** All webhooks of a repository, which only its admins may read: with their secrets. `ret` is a new list. */
NODISCARD bool repo_api_hooks(const struct repo_api *api, const struct repo_name *name,
			      json_t **ret, struct err *err);

/** Replace webhook `hook_id`, or create one (0). ERR_UNCERTAIN: look. */
NODISCARD bool repo_api_put_hook(const struct repo_api *api, const struct repo_name *name,
				 int64_t hook_id, const json_t *hook, struct err *err);

/** Delete a webhook; one that is gone already is success. */
NODISCARD bool repo_api_delete_hook(const struct repo_api *api, const struct repo_name *name,
				    int64_t hook_id, struct err *err);

#endif
