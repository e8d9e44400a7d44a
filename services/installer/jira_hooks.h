#ifndef OHDC_INSTALLER_JIRA_HOOKS_H
#define OHDC_INSTALLER_JIRA_HOOKS_H

/* Webhooks of a Jira, seen with a Jira administrator's token: ours is found, made or brought up to date, checked, removed. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/connect/bot_identity.h"

#include <stdbool.h>

/** Our webhook as it should be; borrowed. */
struct jira_hook {
	const char *events_url;
	const char *known_id; /**< as stored; NULL: none */
	const struct secret *secret;
};

/** What was done; texts owned. */
struct jira_hook_done {
	char *id;
	char *note; /**< further webhooks of this name or to our host, which an administrator should look at; NULL: none */
};

/** Free and zero. */
void jira_hook_done_free(struct jira_hook_done *done);

/** Whether the token's owner administers Jira. ERR_AUTH: no, or the token is refused. */
NODISCARD bool jira_hooks_may(const struct bot_server *server, struct err *err);

/**
 * Make our webhook, or bring the one that is there up to date in place: known by the stored id, else by its URL, else by our name
 * with our path on our host; of several the newest. Read back and compared. The error is Jira's reason.
 */
NODISCARD bool jira_hooks_install(const struct bot_server *server, const struct jira_hook *hook,
				  struct jira_hook_done *ret, struct err *err);

/** Delete every webhook with our URL. ERR_NOT_FOUND: there is none. */
NODISCARD bool jira_hooks_remove(const struct bot_server *server, const char *events_url, struct err *err);

#endif
