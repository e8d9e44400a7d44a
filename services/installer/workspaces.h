#ifndef OHDC_INSTALLER_WORKSPACES_H
#define OHDC_INSTALLER_WORKSPACES_H

/*
 * The calls of OHE's screens about a Jira connection ("workspace"): contract 1.2 (2), (3), (4), (7), (8). What changes something
 * comes in two: the handler finds the caller and reads the JSON; …_run does the work and is what our own pages call too.
 */

#include "common/connect/caller.h"
#include "common/io/web.h"
#include "services/installer/installer.h"
#include "services/installer/workspace_setup.h"

#include <jansson.h>

/** Pause or resume: {"workspace_name", "is_active"}. */
void workspaces_status_run(const struct installer *installer, const struct web_request *request,
			   const struct caller *caller, const json_t *body, struct web_reply *reply);

/** Remove: {"admin_api_key"} or {}; our pages name it ("workspace_name"). The owner's connection is paused and all links end; others end their own link. */
void workspaces_unlink_run(const struct installer *installer, const struct web_request *request,
			   const struct caller *caller, const json_t *body, struct web_reply *reply);

/** The handlers; `context` is the struct installer. */
void workspaces_save(void *context, const struct web_request *request, struct web_reply *reply);
void workspaces_set_status(void *context, const struct web_request *request, struct web_reply *reply);
void workspaces_get_status(void *context, const struct web_request *request, struct web_reply *reply);
void workspaces_unlink(void *context, const struct web_request *request, struct web_reply *reply);
void workspaces_validate(void *context, const struct web_request *request, struct web_reply *reply);

#endif
