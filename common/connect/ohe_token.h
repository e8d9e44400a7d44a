#ifndef OHDC_CONNECT_OHE_TOKEN_H
#define OHDC_CONNECT_OHE_TOKEN_H

/* A person's own Bitbucket token, from OpenHands, which keeps and renews it: asked for when needed, never stored by us. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/io/config.h"
#include "common/io/http_client.h"

/**
 * Read the token of an OHE user: GET {OHDC_OPENHANDS_URL}/api/v1/webhooks/secrets with a token of one minute under JWT_SECRET.
 * ERR_INPUT: OHDC_OPENHANDS_URL or JWT_SECRET is not set here; ERR_NOT_FOUND: the person has not signed in with Bitbucket;
 * ERR_AUTH: OpenHands does not know the user or has another JWT_SECRET; else as http_result_ok() says. `ret` is released with
 * secret_done(). Blocks for at most 15 s; any thread.
 */
NODISCARD bool ohe_token_read(struct http_client *client, struct config *config, const char *user_id,
			      struct secret *ret, struct err *err);

#endif
