#ifndef OHDC_INSTALLER_PAGE_HEALTH_H
#define OHDC_INSTALLER_PAGE_HEALTH_H

/* Connections as our pages show them, and how each is doing. */

#include "services/installer/page.h"

/**
 * Put the connections the caller may see under "connections" (`provider` NULL: of both products); at most 200, newest first. Without
 * `sees_all` of Bitbucket the caller's own alone, and what was asked nowhere else.
 */
void page_connections(struct page *page, const char *provider, bool sees_all);

/** Put the caller's own Jira connection under "connection": the one that waits for its webhook, else any; none: no such member. */
void page_own_jira(struct page *page);

/** The overview. */
page_fn page_home;

/** Every connection: its state, its deliveries, its last answers. */
page_fn page_health;

/** Route for GET …/health/status: the same as JSON, {"connections": […]}. */
web_handler page_health_status;

#endif
