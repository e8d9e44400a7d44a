/* The table of paths: one line each, sorted by path. */

#include "services/installer/routes.h"

#include "common/io/pages.h"
#include "services/installer/page.h"
#include "services/installer/page_health.h"
#include "services/installer/repo_endpoints.h"
#include "services/installer/workspaces.h"

#include "common/base/banned.h"

/* Where Jira or Bitbucket hangs, pages and states are still shown. */
enum lane { FREE, JIRA, BITBUCKET };

static const struct web_route routes[] = {
	{"POST", "/integration/bitbucket-dc/enroll-webhook", repo_endpoint_enroll, BITBUCKET},
	{"POST", "/integration/bitbucket-dc/reinstall-webhook", repo_endpoint_install, BITBUCKET},
	{"GET", "/integration/bitbucket-dc/resources", repo_endpoint_resources, FREE},
	{"POST", "/integration/bitbucket-dc/uninstall-webhook", repo_endpoint_uninstall, BITBUCKET},
	{"PATCH", "/integration/bitbucket-dc/webhook-id", repo_endpoint_note_hook, BITBUCKET},
	{"GET", "/integration/dc", page_get, FREE},
	{"GET", "/integration/dc/", page_get, FREE},
	{"GET", "/integration/dc/access/{}", page_get, FREE},
	{"POST", "/integration/dc/access/{}", page_post, FREE},
	{"GET", "/integration/dc/assets/{}", pages_asset, FREE},
	{"GET", "/integration/dc/health/status", page_health_status, FREE},
	{"GET", "/integration/dc/jira/{}", page_get, FREE},
	{"POST", "/integration/dc/jira/{}", page_post, JIRA},
	{"GET", "/integration/dc/repositories/{}", page_get, FREE},
	{"POST", "/integration/dc/repositories/{}", page_post, BITBUCKET},
	{"GET", "/integration/dc/{}", page_get, FREE},
	{"POST", "/integration/dc/{}", page_post, JIRA},
	{"POST", "/integration/jira-dc/workspaces", workspaces_save, JIRA},
	{"GET", "/integration/jira-dc/workspaces/status", workspaces_get_status, FREE},
	{"POST", "/integration/jira-dc/workspaces/status", workspaces_set_status, JIRA},
	{"POST", "/integration/jira-dc/workspaces/unlink", workspaces_unlink, JIRA},
	{"GET", "/integration/jira-dc/workspaces/validate/{}*", workspaces_validate, FREE},
};

const struct web_route *installer_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes);
	return routes;
}
