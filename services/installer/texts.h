#ifndef OHDC_INSTALLER_TEXTS_H
#define OHDC_INSTALLER_TEXTS_H

/* The sentences of the contract that OHE's screens show. */

#define TEXT_REPO_NEEDED "project_key and repo_slug are required"
#define TEXT_REPO_HOOK_NEEDED "project_key, repo_slug, and webhook_id are required"
#define TEXT_REPO_NOT_ADMIN "User does not have admin access to this repository"
#define TEXT_REPO_NO_CONNECTION "Bitbucket DC webhook enrollment not found"
#define TEXT_REPO_LIST_FAILED "Failed to retrieve Bitbucket DC resources"
#define TEXT_REPO_INSTALL_FAILED "Failed to install Bitbucket DC webhook"
#define TEXT_REPO_UNINSTALL_FAILED "Failed to uninstall Bitbucket DC webhook"
#define TEXT_REPO_ENROLL_FAILED "Failed to enroll Bitbucket DC webhook"
#define TEXT_REPO_NOTE_FAILED "Failed to update Bitbucket DC webhook id"

#define TEXT_JIRA_BAD_NAME                                                                \
	"workspace_name can only contain alphanumeric characters, hyphens, underscores, " \
	"and periods"
#define TEXT_JIRA_SECRET_SPACES "webhook_secret cannot contain spaces"
#define TEXT_JIRA_SECRET_SIZE "webhook_secret must have 16 to 512 characters"
#define TEXT_JIRA_BAD_EMAIL "svc_acc_email must be a valid email address"
#define TEXT_JIRA_TOKEN_SPACES "svc_acc_api_key cannot contain spaces"
#define TEXT_JIRA_ADMIN_SPACES "admin_api_key cannot contain spaces"
#define TEXT_JIRA_ACCOUNT_HALF                                                             \
	"Jira DC service account is partially configured. Set both "                       \
	"JIRA_DC_SERVICE_ACCOUNT_EMAIL and JIRA_DC_SERVICE_ACCOUNT_PAT, or clear both to " \
	"configure service accounts in OpenHands."
#define TEXT_JIRA_ACCOUNT_EMAIL "JIRA_DC_SERVICE_ACCOUNT_EMAIL must be a valid email address."
#define TEXT_JIRA_ACCOUNT_SPACES "JIRA_DC_SERVICE_ACCOUNT_PAT cannot contain whitespace."
#define TEXT_JIRA_NO_USER "User ID not found"
#define TEXT_JIRA_EMAIL_NEEDED "A service account email is required when configuring Jira DC in OpenHands."
#define TEXT_JIRA_TOKEN_NEEDED "A service account PAT is required when configuring a new workspace."
#define TEXT_JIRA_MISMATCH "Target workspace mismatch."
#define TEXT_JIRA_SESSION_FAILED "Failed to create integration session"
#define TEXT_JIRA_SAVE_FAILED "Failed to create workspace"
#define TEXT_JIRA_STATUS_FAILED "Failed to update workspace status"
#define TEXT_JIRA_UNLINK_FAILED "Failed to unlink user"
#define TEXT_JIRA_VALIDATE_FAILED "Failed to validate workspace"
#define TEXT_JIRA_UNKNOWN "Workspace \"%s\" not found"
#define TEXT_JIRA_NOT_OWNER "You do not have permission to update this workspace"
#define TEXT_JIRA_OTHER_LINK "You can only update the workspace you are currently linked to"
#define TEXT_JIRA_NOT_LINKED "User is not registered for Jira DC integration"
#define TEXT_JIRA_NO_CONNECTION "Workspace not found for the user"
#define TEXT_JIRA_NAME_UNKNOWN "Workspace with name '%s' not found"
#define TEXT_JIRA_NAME_INACTIVE "Workspace '%s' is not active"
#define TEXT_JIRA_NAME_ACTIVE "Workspace integration is active"

/* Ours, where the contract has none: what is asked before anything is stored. OHE's screens show the reason alone, so a
 * reason says what it is about. */
#define TEXT_JIRA_COPY " has spaces, line breaks or letters that are not ASCII: copy it again without them."
#define TEXT_JIRA_TOO_OLD "This Jira cannot be connected."
#define TEXT_JIRA_BOT_REFUSED "The service account PAT was not accepted."
#define TEXT_JIRA_ADMIN_REFUSED "The Jira admin PAT was not accepted."

#define TEXT_IN_SHADOW "this connection only watches until the take-over from OpenHands's own integration is committed"
#define TEXT_OTHER_SITE "Another site's page sent this request"

#endif
