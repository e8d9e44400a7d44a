#ifndef OHDC_INSTALLER_PAGE_HEALTH_H
#define OHDC_INSTALLER_PAGE_HEALTH_H

/* Connections as our pages show them, and how each is doing. */

#include "services/installer/page.h"

/** Put the connections the caller may see under "connections" (`provider` NULL: of both products); at most 200, newest first. */
void page_connections(struct page *page, const char *provider);

/** The overview. */
page_fn page_home;

/** Every connection: its state, its deliveries, its last answers. */
page_fn page_health;

/** Route for GET …/health/status: the same as JSON, {"connections": […]}. */
web_handler page_health_status;

#endif
