/* The table of paths: one line each, sorted by path. */

#include "services/linker/routes.h"

#include "common/io/pages.h"
#include "services/linker/callback.h"
#include "services/linker/link_account.h"
#include "services/linker/link_api.h"
#include "services/linker/link_confirm.h"
#include "services/linker/secrets_token.h"
#include "services/linker/userinfo.h"

#include "common/base/banned.h"

/* Where Jira or Bitbucket hangs, people still sign in and see their link. */
enum lane { FREE, JIRA, BITBUCKET };

static const struct web_route routes[] = {
	{"GET", "/bitbucket-dc-proxy/oauth2/userinfo", userinfo_get, BITBUCKET},
	{"GET", "/integration/dc/link", link_account_get, FREE},
	{"GET", "/integration/dc/link/assets/{}", pages_asset, FREE},
	{"POST", "/integration/dc/link/begin", link_account_begin, FREE},
	{"POST", "/integration/dc/link/cancel", link_confirm_cancel, FREE},
	{"POST", "/integration/dc/link/confirm", link_confirm_post, FREE},
	{"POST", "/integration/dc/link/unlink", link_account_unlink, FREE},
	{"GET", "/integration/jira-dc/callback", callback_get, JIRA},
	{"GET", "/integration/jira-dc/secrets/token", secrets_token_get, JIRA},
	{"GET", "/integration/jira-dc/workspaces/link", link_api_get, FREE},
	{"POST", "/integration/jira-dc/workspaces/link", link_api_post, FREE},
	{NULL, NULL, NULL, FREE},
};

const struct web_route *linker_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes) - 1;
	return routes;
}
