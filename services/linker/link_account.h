#ifndef OHDC_LINKER_LINK_ACCOUNT_H
#define OHDC_LINKER_LINK_ACCOUNT_H

/* The page of a person's own Jira account: linked as whom, link, disconnect. */

#include "common/io/web.h"

/** GET /integration/dc/link. */
web_handler link_account_get;

/** POST …/begin, field "connection": link, at once or by way of Jira. */
web_handler link_account_begin;

/** POST …/unlink: disconnect. */
web_handler link_account_unlink;

#endif
