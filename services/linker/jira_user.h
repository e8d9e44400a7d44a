#ifndef OHDC_LINKER_JIRA_USER_H
#define OHDC_LINKER_JIRA_USER_H

/* The one thing the linker asks Jira: the e-mail address of a user whose webhook does not show it (e-mail mode). */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/linker/directory.h"

#include <stdbool.h>

/**
 * E-mail address of the actor, read with the bot's token from the server in the question. `ret` is new, NULL when there is no
 * token, no such user, or Jira hides the address. ERR_*: ask again later.
 */
NODISCARD bool jira_user_email(const struct directory_options *options, const struct lookup_question *question,
			       char **ret, struct err *err);

#endif
