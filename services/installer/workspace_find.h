#ifndef OHDC_INSTALLER_WORKSPACE_FIND_H
#define OHDC_INSTALLER_WORKSPACE_FIND_H

/* Which connection a person means, and whether it is theirs to change. */

#include "common/base/attr.h"
#include "common/connect/caller.h"
#include "common/connect/connection_store.h"
#include "common/io/web.h"
#include "services/installer/installer.h"

#include <stdbool.h>

/** Whether OHE says who the caller is; else `reply` is the contract's 401. */
NODISCARD bool workspace_has_user(const struct caller *caller, struct web_reply *reply);

/** Whether the connection is install-wide, of its owner's personal organisation, or of the caller's. */
NODISCARD bool workspace_is_visible(const struct connection_row *row, const struct caller *caller);

/** Whether the connection is the caller's; one without an owner is everybody's who sees it and may connect. */
bool workspace_is_owner(const struct caller *caller, const struct connection_row *row);

/**
 * Whether the caller owns the connection and is linked to no other Jira; else `reply` is the contract's 403. A connection without an
 * owner goes to whoever sees it and may connect servers (in `row`; stored with it).
 */
NODISCARD bool workspace_may_edit(const struct installer *installer, const struct caller *caller,
				  struct connection_row *row, struct web_reply *reply);

/** A failure of ours: 500 with the contract's sentence and the reason; ERR_LIMIT: 429, so that it is tried again later. Logged. False. */
bool workspace_fail(struct web_reply *reply, const char *sentence, const struct err *failure);

#endif
