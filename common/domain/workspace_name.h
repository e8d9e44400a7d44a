#ifndef OHDC_DOMAIN_WORKSPACE_NAME_H
#define OHDC_DOMAIN_WORKSPACE_NAME_H

/* Which Jira a person means by what they typed as its host ("workspace" is what OHE's screens call a connection). Pure. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>

/** A Jira server as people name it, and where it is; texts owned. */
struct workspace_name {
	char *name;     /**< host, and port where it is not the scheme's: "jira.example.com:8443" */
	char *base_url; /**< normalised, with its context path */
	bool is_own;    /**< it is the configured one: nothing is missing */
};

/** Free and zero. */
void workspace_name_done(struct workspace_name *name);

/** The name of a server by its base URL; new. "" for a URL that is none. */
NODISCARD char *workspace_name_of(const char *base_url);

/**
 * Read what was typed: spaces around it, schemes (also twice), capitals, slashes at the end, a port and a context path are
 * understood. `own_url` (JIRA_DC_BASE_URL; NULL: not configured) is the only server then, and what was typed may leave out its
 * port and path; without it the base URL is https:// and what was typed. ERR_INPUT: not a host, the message names the fix;
 * ERR_CONFLICT: another host than the configured one, the message names that.
 */
NODISCARD bool workspace_name_read(const char *typed, const char *own_url, struct workspace_name *ret, struct err *err);

#endif
