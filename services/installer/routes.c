/* The table of paths: one line each, sorted by path. */

#include "services/installer/routes.h"

#include "common/io/pages.h"
#include "services/installer/page.h"
#include "services/installer/page_health.h"
#include "services/installer/repo_endpoints.h"
#include "services/installer/workspaces.h"

#include "common/base/banned.h"

static const struct web_route routes[] = {
	{"POST", "/integration/bitbucket-dc/enroll-webhook", repo_endpoint_enroll},
	{"POST", "/integration/bitbucket-dc/reinstall-webhook", repo_endpoint_install},
	{"GET", "/integration/bitbucket-dc/resources", repo_endpoint_resources},
	{"POST", "/integration/bitbucket-dc/uninstall-webhook", repo_endpoint_uninstall},
	{"PATCH", "/integration/bitbucket-dc/webhook-id", repo_endpoint_note_hook},
	{"GET", "/integration/dc", page_get},
	{"GET", "/integration/dc/", page_get},
	{"GET", "/integration/dc/access/{}", page_get},
	{"POST", "/integration/dc/access/{}", page_post},
	{"GET", "/integration/dc/assets/{}", pages_asset},
	{"GET", "/integration/dc/health/status", page_health_status},
	{"GET", "/integration/dc/jira/{}", page_get},
	{"POST", "/integration/dc/jira/{}", page_post},
	{"GET", "/integration/dc/repositories/{}", page_get},
	{"POST", "/integration/dc/repositories/{}", page_post},
	{"GET", "/integration/dc/{}", page_get},
	{"POST", "/integration/dc/{}", page_post},
	{"POST", "/integration/jira-dc/workspaces", workspaces_save},
	{"GET", "/integration/jira-dc/workspaces/status", workspaces_get_status},
	{"POST", "/integration/jira-dc/workspaces/status", workspaces_set_status},
	{"POST", "/integration/jira-dc/workspaces/unlink", workspaces_unlink},
	{"GET", "/integration/jira-dc/workspaces/validate/{}*", workspaces_validate},
};

const struct web_route *installer_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes);
	return routes;
}
