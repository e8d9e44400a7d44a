#ifndef OHDC_INSTALLER_WORKSPACE_SETUP_H
#define OHDC_INSTALLER_WORKSPACE_SETUP_H

/*
 * Connecting a Jira, or changing a connection: everything is asked first (account, version, rights), then the connection and its
 * secret are stored, then the webhook is installed, then it counts.
 */

#include "common/connect/caller.h"
#include "common/io/web.h"
#include "services/installer/installer.h"

#include <jansson.h>

/** What a call does once its caller and its JSON (NULL: none) are known. True: done. False: `reply` is the refusal. */
typedef bool workspace_call(const struct installer *installer, const struct web_request *request,
			    const struct caller *caller, const json_t *body, struct web_reply *reply);

/**
 * Do what the body asks for; `reply` is the answer of `POST …/workspaces`. `body` may hold "rotate_secret": true beside
 * "workspace_name" and "admin_api_key" (our own pages): the connection gets a new random secret and stays as it is otherwise;
 * without a PAT the new secret can be shown once. Blocks for seconds.
 */
workspace_call workspaces_save_run;

#endif
