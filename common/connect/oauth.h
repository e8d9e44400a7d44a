#ifndef OHDC_CONNECT_OAUTH_H
#define OHDC_CONNECT_OAUTH_H

/*
 * Jira's OAuth 2.0: sends the browser to Jira, exchanges the code, renews tokens. PKCE S256, scope WRITE, redirect address from the
 * configuration, client credentials only to JIRA_DC_BASE_URL.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/connect/oauth_state.h"
#include "common/io/config.h"
#include "common/io/http_client.h"
#include "common/io/web.h"

#include <stdbool.h>
#include <stdint.h>

#define OAUTH_COOKIE \
	"__Host-ohdc-oauth" /* binds a flow to the browser that began it; Lax, because OHE's own cookie may be Strict */

/** What the flows need; borrowed. */
struct oauth {
	struct oauth_states states;
	struct config *config; /**< JIRA_DC_*, WEB_HOST */
	struct http_client *client;
};

/** Why the browser goes to Jira; borrowed. */
struct oauth_intent {
	const char *user_id; /**< of OHE */
	const char *email;
	const char *org_id;
	int64_t connection_id; /**< jira/N */
	const char *landing; /**< own path after the confirmation: "/settings/integrations?jira_dc_webhook=installed" */
	const char *cookie; /**< web_cookie(request, OAUTH_COOKIE): kept, so that flows begun side by side all end well */
};

/** Whether all settings that linking needs are there. ERR_INPUT with their names. */
NODISCARD bool oauth_is_set_up(const struct oauth *oauth, struct err *err);

/**
 * Begin: a state with verifier, cookie digest and intent is stored, the cookie is set on `reply`, `ret_url` (new) is Jira's
 * authorize address with client_id, scope, redirect_uri, state, response_type, code_challenge, code_challenge_method. The state's
 * content: user_id, email, org_id, connection_id, landing, base_url, verifier, cookie (digest). ERR_INPUT: OAuth is not configured.
 */
NODISCARD bool oauth_begin(const struct oauth *oauth, const struct oauth_intent *intent, struct web_reply *reply,
			   char **ret_url, struct err *err);

/**
 * The digest by which a flow knows its browser: of the cookie's value, 64 hex digits. False (and no digest): there is none, or it
 * is not one of ours.
 */
NODISCARD bool oauth_cookie_digest(const char *cookie, char ret[CRYPTO_DIGEST_TEXT_SIZE]);

/** Tokens of a person; `expires_in_s` 0: not said. */
struct oauth_tokens {
	struct secret access;
	struct secret refresh;
	int64_t expires_in_s;
};

/** Wipe, free, zero. */
void oauth_tokens_done(struct oauth_tokens *tokens);

/** Exchange a code, once (an unsafe call). With `err->http_status` set the message is Jira's words on why not, else it is unreachable. */
NODISCARD bool oauth_exchange(const struct oauth *oauth, const char *code, const char *verifier,
			      struct oauth_tokens *ret, struct err *err);

/** Renew: both old tokens are void afterwards. ERR_AUTH: invalid_grant, the person has to link again. */
NODISCARD bool oauth_renew(const struct oauth *oauth, const struct secret *refresh, struct oauth_tokens *ret,
			   struct err *err);

#endif
