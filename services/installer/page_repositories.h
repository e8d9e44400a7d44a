#ifndef OHDC_INSTALLER_PAGE_REPOSITORIES_H
#define OHDC_INSTALLER_PAGE_REPOSITORIES_H

/* Bitbucket's repositories on our own page: search, pages, Install, Reinstall, Uninstall. */

#include "services/installer/page.h"

/** The repositories the caller administers, `q` and `start` of the query choose; without a sign-in a token is asked for. */
page_fn page_repositories;

/** Forms: read the list with a token given once; install; uninstall. */
page_fn page_repository_list;
page_fn page_repository_install;
page_fn page_repository_uninstall;

#endif
