#ifndef OHDC_LINKER_TEXTS_H
#define OHDC_LINKER_TEXTS_H

/* Sentences of the HTTP contract that the linker answers with, word for word. What our own pages say is in pages/. */

#define TEXT_NO_SESSION "No active integration session found."
#define TEXT_STATE_MISMATCH "State mismatch. Possible CSRF attack."
#define TEXT_TARGET_MISMATCH "Target workspace mismatch."
#define TEXT_TOKEN_REFUSED "Error fetching token: %s"
#define TEXT_TOKEN_UNREACHABLE                                                          \
	"Could not reach the Jira Data Center token endpoint (%s): %s. Check that the " \
	"Jira Base URL uses the correct https scheme and that %s can reach the Jira server."
#define TEXT_USER_REFUSED "Error fetching user info: %s"
#define TEXT_USER_UNREACHABLE                                                                 \
	"Could not reach the Jira Data Center server (%s): %s. Check that the Jira Base URL " \
	"and network egress are correct."

#define TEXT_BAD_NAME "workspace can only contain alphanumeric characters, hyphens, underscores, and periods"
#define TEXT_WORKSPACE_UNKNOWN "Workspace \"%s\" not found"
#define TEXT_WORKSPACE_INACTIVE "Workspace \"%s\" is not active"
#define TEXT_LINKED_ELSEWHERE                                                                   \
	"You already have an active workspace link. Please unlink from your current workspace " \
	"before linking to a different one."
#define TEXT_LINK_FAILED "Failed to register user"
#define TEXT_SESSION_FAILED "Failed to create integration session"

#define TEXT_NOT_LINKED "User is not registered for Jira DC integration"
#define TEXT_NOT_LINKED_HERE "User is not registered for the configured Jira DC integration"
#define TEXT_NO_WORKSPACE "Workspace not found for the user"
#define TEXT_READ_FAILED "Failed to retrieve user"

#define TEXT_CROSS_SITE "Cross-site request refused"

/* For Keycloak; the name or the status follows where the word ends so. */
#define TEXT_MISSING_TOKEN "missing_token"
#define TEXT_NOT_AUTHENTICATED "not_authenticated"
#define TEXT_USER_NOT_FOUND "user_not_found: "
#define TEXT_BITBUCKET_ERROR "bitbucket_error: "
#define TEXT_BITBUCKET_TIMEOUT "bitbucket_timeout"
#define TEXT_BITBUCKET_AWAY "bitbucket_unavailable"

#endif
