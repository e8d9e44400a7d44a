#ifndef OHDC_LINKER_LINK_VIEW_H
#define OHDC_LINKER_LINK_VIEW_H

/* A person's link and the Jira it is on, read in one statement: what OHE's Settings and our account page show. */

#include "common/connect/caller.h"
#include "services/linker/linker.h"

#include <jansson.h>
#include <stdbool.h>

/** What is there for a person. */
enum link_view {
	LINK_VIEW_NONE,      /**< not linked */
	LINK_VIEW_ELSEWHERE, /**< linked on another Jira than JIRA_DC_BASE_URL */
	LINK_VIEW_BARE,      /**< linked, but there is no connection to that Jira */
	LINK_VIEW_LINKED,
};

/**
 * Read it. Unless NONE, `ret_json` is the contract's answer of GET …/workspaces/link (a new reference); `ret_account` (new) is the
 * account's name or key, NULL while it is not known. False: the database, `err` says why.
 */
NODISCARD bool link_view_read(const struct linker *linker, const struct caller *caller, enum link_view *ret,
			      json_t **ret_json, char **ret_account, struct err *err);

/** The Jira servers that can be linked to, as a list of {"id", "name", "base_url"}; a new reference. */
NODISCARD bool link_view_servers(const struct linker *linker, json_t **ret, struct err *err);

#endif
