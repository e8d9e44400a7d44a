#ifndef OHDC_LINKER_LINK_START_H
#define OHDC_LINKER_LINK_START_H

/* Links a person to a Jira: at once where accounts are matched by e-mail, else by sending the browser to Jira. */

#include "common/connect/connection_store.h"
#include "common/connect/link_store.h"
#include "services/linker/link_page.h"

#include <stdbool.h>

/** Whether people prove who they are in Jira (JIRA_DC_ENABLE_OAUTH). */
NODISCARD bool link_is_oauth(const struct linker *linker);

/**
 * Begin or do it for a connection. OAuth: `ret_url` (new) is where the browser goes, the cookie is set on the answer, `landing` is
 * where the person ends. By e-mail: it is done, `ret_url` NULL. The outcome is logged.
 */
NODISCARD bool link_start(const struct visit *visit, const struct connection_row *connection, const char *landing,
			  char **ret_url, struct err *err);

/** Store a link. */
NODISCARD bool link_save(const struct linker *linker, const struct link_draft *draft, struct err *err);

/** End the person's own link; none is fine. The outcome is logged. `err` is needed. */
NODISCARD bool link_end(struct linker *linker, const struct caller *caller, struct err *err);

#endif
