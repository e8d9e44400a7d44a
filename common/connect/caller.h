#ifndef OHDC_CONNECT_CALLER_H
#define OHDC_CONNECT_CALLER_H

/*
 * Who calls us: Cookie, Authorization, X-Session-API-Key and X-Org-Id are passed on to GET {OHE}/api/v1/users/me; what it says
 * counts for 20 s (by the credentials' digest; at most 1024 callers in memory). Nothing else is known about sessions.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/config.h"
#include "common/io/http_client.h"
#include "common/io/web.h"

#include <stdbool.h>
#include <stdint.h>

#define CALLER_CONNECTS "manage_integration_providers" /* may connect Jira */
#define CALLER_MANAGES "manage_integrations"           /* may install repository hooks */

struct callers;

/** A caller; texts belong to `me`, "" where OHE does not say. */
struct caller {
	json_t *me; /**< owned: what of OHE's answer is kept */
	const char *user_id;
	const char *email;
	const char *org_id; /**< the effective organisation */
	const char *role;
};

/** Free and zero. */
void caller_done(struct caller *caller);

/** Milliseconds on a clock that never steps: sysclock_monotonic_ms(). */
typedef int64_t caller_clock(void);

/** New; `client` and `config` (OHDC_OPENHANDS_URL) are borrowed. */
NODISCARD struct callers *callers_new(struct http_client *client, const struct config *config, caller_clock *clock);

/** Free; NULL is fine. */
void callers_free(struct callers *callers);

/**
 * Who sends this request. False: nobody, or OHE cannot be asked, and `reply` is set: 401 {"error":"NoCredentialsError"} without
 * credentials, OHE's own 400, 401 and 403 with its body, 429 with Retry-After, 502 {"detail":…} otherwise. Blocks; any thread.
 */
NODISCARD bool callers_find(struct callers *callers, const struct web_request *request, struct caller *ret,
			    struct web_reply *reply);

/** Whether the caller has a permission. */
NODISCARD bool caller_may(const struct caller *caller, const char *permission);

/** Whether the caller has it; else `reply` is the contract's 403 "Requires … permission". */
NODISCARD bool caller_must(const struct caller *caller, const char *permission, struct web_reply *reply);

#endif
