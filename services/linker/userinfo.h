#ifndef OHDC_LINKER_USERINFO_H
#define OHDC_LINKER_USERINFO_H

/* Keycloak's userinfo address for Bitbucket, which is no OpenID provider. Everybody's sign-in depends on it: no state, no database. */

#include "common/io/web.h"

/**
 * GET /bitbucket-dc-proxy/oauth2/userinfo with Bitbucket's access token as Bearer: asks BITBUCKET_DATA_CENTER_HOST, and nobody else,
 * whose it is. 200 {"sub", "preferred_username", "name", "email"}; failures {"error": …}: 401 missing_token, not_authenticated;
 * 404 user_not_found: NAME; Bitbucket's own status bitbucket_error: STATUS; 503 bitbucket_unavailable; 504 bitbucket_timeout.
 */
web_handler userinfo_get;

#endif
