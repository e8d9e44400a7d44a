#ifndef OHDC_INSTALLER_TEXTS_H
#define OHDC_INSTALLER_TEXTS_H

/* The sentences of the contract that OHE's screens show. */

#define TEXT_REPO_NEEDED "project_key and repo_slug are required"
#define TEXT_REPO_HOOK_NEEDED "project_key, repo_slug, and webhook_id are required"
#define TEXT_REPO_NOT_ADMIN "User does not have admin access to this repository"
#define TEXT_REPO_NO_CONNECTION "Bitbucket DC webhook enrollment not found"
#define TEXT_REPO_LIST_FAILED "Failed to retrieve Bitbucket DC resources"
#define TEXT_REPO_INSTALL_FAILED "Failed to install Bitbucket DC webhook"
#define TEXT_REPO_UNINSTALL_FAILED "Failed to uninstall Bitbucket DC webhook"
#define TEXT_REPO_ENROLL_FAILED "Failed to enroll Bitbucket DC webhook"
#define TEXT_REPO_NOTE_FAILED "Failed to update Bitbucket DC webhook id"

#define TEXT_OTHER_SITE "Another site's page sent this request"

#endif
