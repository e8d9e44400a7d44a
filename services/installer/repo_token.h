#ifndef OHDC_INSTALLER_REPO_TOKEN_H
#define OHDC_INSTALLER_REPO_TOKEN_H

/* With which token somebody acts in Bitbucket: one given for this request, else the person's own, which OpenHands keeps. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "services/installer/installer.h"
#include "services/installer/repo_api.h"

#include <stdbool.h>

/**
 * Copy of `given` when set (NULL: none), else OpenHands's for the user; a failure names the way out and has `http_status` 0.
 * Blocks; any thread.
 */
NODISCARD bool repo_token_read(const struct installer *installer, const char *user_id,
			       const struct secret *given, struct secret *ret, struct err *err);

/** The configured Bitbucket with a token (borrowed). */
NODISCARD struct repo_api repo_token_api(const struct installer *installer,
					 const struct secret *token);

#endif
