#ifndef OHDC_INSTALLER_REPO_ENDPOINTS_H
#define OHDC_INSTALLER_REPO_ENDPOINTS_H

/*
 * /integration/bitbucket-dc/…: what OHE's Settings > Integrations calls for Bitbucket. Header X-Bitbucket-Token: a token of a
 * repository admin, used for this request alone.
 */

#include "common/io/web.h"

/** GET …/resources: all repositories that the caller administers; with `query`, `start` or `limit` a page of them. */
web_handler repo_endpoint_resources;

/** POST …/reinstall-webhook, for Install and Reinstall. */
web_handler repo_endpoint_install;

/** POST …/uninstall-webhook. */
web_handler repo_endpoint_uninstall;

/** POST …/enroll-webhook: address and secret for a webhook made by hand. */
web_handler repo_endpoint_enroll;

/** PATCH …/webhook-id: the id of a webhook made by hand. */
web_handler repo_endpoint_note_hook;

#endif
