#ifndef OHDC_INSTALLER_PAGE_ACCESS_H
#define OHDC_INSTALLER_PAGE_ACCESS_H

/* The allow and deny lists and the organisations of projects on a page. */

#include "services/installer/page.h"

/** Both tables and their forms. */
page_fn page_access;

/** Forms: add and remove a rule; map a project to an organisation and undo it. */
page_fn page_access_add;
page_fn page_access_remove;
page_fn page_access_map;
page_fn page_access_unmap;

#endif
