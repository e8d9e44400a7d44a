#ifndef OHDC_INSTALLER_REPO_SETUP_H
#define OHDC_INSTALLER_REPO_SETUP_H

/*
 * Connects a repository and takes it off again, as a person whose own token shows that they administer it. All of it blocks for
 * at most half a minute. A failure's `http_status` says whose it is: 403 the person is no admin of the repository, any other
 * Bitbucket's refusal in its words, 0 ours.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/connect/caller.h"
#include "services/installer/installer.h"

#include <stdbool.h>
#include <stdint.h>

/** Who wants it for which repository; installer and caller borrowed, the rest owned. */
struct repo_ask {
	const struct installer *installer;
	const struct caller *caller;
	struct secret token; /**< given for this request; not set: OpenHands's */
	char *project_key;   /**< in any case; personal: ~name */
	char *repo_slug;
	char *hook_id; /**< of REPO_NOTE_HOOK alone */
};

/** Wipe, free and zero. */
void repo_ask_done(struct repo_ask *ask);

/** What there is afterwards; texts owned. */
struct repo_result {
	char *project_key; /**< as Bitbucket writes it */
	char *repo_slug;
	int64_t connection_id; /**< 0: there is none */
	char *hook_id;         /**< NULL: none is known */
	char *events_url;      /**< NULL: no connection */
	struct secret secret;  /**< of REPO_ENROLL alone */
};

/** Wipe, free and zero. */
void repo_result_done(struct repo_result *result);

/** What is wanted. */
enum repo_action {
	/**
	 * Install the webhook, or put it right: connection and next secret are stored first, then Bitbucket's webhook, then the
	 * secret comes into use; killed anywhere between, nothing authentic is refused and the next call repairs. What the bot
	 * lacks is kept in hook_error.
	 */
	REPO_INSTALL,
	/** Delete the webhook, pause the connection: its id stays for the next installation. Nothing there is success. */
	REPO_UNINSTALL,
	/** For a webhook made by hand: the connection with a new secret, which is accepted beside the one in use. */
	REPO_ENROLL,
	/** Note the id of a webhook made by hand. ERR_NOT_FOUND with `http_status` 0: no connection. */
	REPO_NOTE_HOOK,
};

/** Do it, and log what came of it. */
NODISCARD bool repo_change(enum repo_action action, const struct repo_ask *ask, struct repo_result *ret, struct err *err);

#endif
