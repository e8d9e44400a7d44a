#ifndef OHDC_INSTALLER_WORKSPACE_INPUT_H
#define OHDC_INSTALLER_WORKSPACE_INPUT_H

/* What people send to connect a Jira: read, normalised, or refused with the fix in the text. */

#include "common/base/attr.h"
#include "common/base/secret.h"
#include "common/domain/workspace_name.h"
#include "common/io/config.h"
#include "common/io/web.h"

#include <jansson.h>
#include <stdbool.h>

/** The body of `POST …/workspaces`; texts owned. */
struct workspace_input {
	struct workspace_name place;
	struct secret webhook_secret; /**< not set: none was given */
	struct secret bot_token;      /**< svc_acc_api_key */
	struct secret admin_token;    /**< admin_api_key, for this request alone */
	char *bot_email;              /**< svc_acc_email, NULL when blank */
	bool is_active;
	bool rotates; /**< "rotate_secret", of our own pages: a new secret is wanted, all else stays */
};

/** Wipe, free and zero. */
void workspace_input_done(struct workspace_input *input);

/** Read the body; false: `reply` is the refusal (422, or 400 for another Jira than the configured one). */
NODISCARD bool workspace_input_read(const struct config *config, const json_t *body, struct workspace_input *ret,
				    struct web_reply *reply);

/** Read `workspace_name` alone; false: `reply` is a 422. A Jira that is not the configured one is read as it stands. */
NODISCARD bool workspace_input_place(const struct config *config, const json_t *body, struct workspace_name *ret,
				     struct web_reply *reply);

/** Read `admin_api_key` alone, which may be absent; false: `reply` is a 422. */
NODISCARD bool workspace_input_admin(const json_t *body, struct secret *ret, struct web_reply *reply);

/** Whether a text looks like an e-mail address. */
NODISCARD bool workspace_input_is_email(const char *text);

#endif
