#ifndef OHDC_LINKER_SECRETS_TOKEN_H
#define OHDC_LINKER_SECRETS_TOKEN_H

/* Where a conversation's sandbox gets the Jira token of the person who asked. */

#include "common/io/web.h"

/**
 * GET /integration/jira-dc/secrets/token with a JWS under JWT_SECRET in X-Access-Token: claims user_id, integration "jira_dc",
 * secret_name "JIRA_DC_TOKEN", workspace_id (connection). 200 text/plain: an access token of now; 401 bad token or claims, or Jira has
 * ended the sign-in; 403 another integration or secret; 404 connection not there, paused or of another host, or not linked, and
 * always while OHDC_JIRA_TOKEN_IN_SANDBOX is off; 502 it cannot be renewed now.
 */
web_handler secrets_token_get;

#endif
