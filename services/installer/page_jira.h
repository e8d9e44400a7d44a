#ifndef OHDC_INSTALLER_PAGE_JIRA_H
#define OHDC_INSTALLER_PAGE_JIRA_H

/* Setting up Jira on our own page: automatic or by hand, with OAuth or e-mail; pause, resume, a new secret, removal. */

#include "services/installer/page.h"

/** The connection, or the form that makes one. */
page_fn page_jira;

/** What to enter in Jira: address and secret of a pending connection, the secret once. */
page_fn page_jira_webhook;

/** Forms: set up or update, with an administrator's token or by hand. */
page_fn page_jira_save;
page_fn page_jira_pause;
page_fn page_jira_resume;
page_fn page_jira_rotate;
page_fn page_jira_remove;

#endif
