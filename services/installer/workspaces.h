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
workspace_call workspaces_status_run;

/** Remove: {"admin_api_key"} or {}; our pages name it ("workspace_name"). The owner's connection is paused and all links end; others end their own link. */
workspace_call workspaces_unlink_run;

/** The handlers; `context` is the struct installer. */
web_handler workspaces_save;
web_handler workspaces_set_status;
web_handler workspaces_get_status;
web_handler workspaces_unlink;
web_handler workspaces_validate;

#endif
