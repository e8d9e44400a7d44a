#ifndef OHDC_LINKER_LINK_API_H
#define OHDC_LINKER_LINK_API_H

/* What OHE's Settings call about a person's link: /integration/jira-dc/workspaces/link. */

#include "common/io/web.h"

/** GET: the link, its connection, and whether the caller may edit that. */
web_handler link_api_get;

/** POST {"workspace_name"}: link, at once or by way of Jira. */
web_handler link_api_post;

#endif
