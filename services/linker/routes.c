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

static const struct web_route routes[] = {
	{"GET", "/bitbucket-dc-proxy/oauth2/userinfo", userinfo_get},
	{"GET", "/integration/dc/link", link_account_get},
	{"GET", "/integration/dc/link/assets/{}", pages_asset},
	{"POST", "/integration/dc/link/begin", link_account_begin},
	{"POST", "/integration/dc/link/cancel", link_confirm_cancel},
	{"POST", "/integration/dc/link/confirm", link_confirm_post},
	{"POST", "/integration/dc/link/unlink", link_account_unlink},
	{"GET", "/integration/jira-dc/callback", callback_get},
	{"GET", "/integration/jira-dc/secrets/token", secrets_token_get},
	{"GET", "/integration/jira-dc/workspaces/link", link_api_get},
	{"POST", "/integration/jira-dc/workspaces/link", link_api_post},
	{NULL, NULL, NULL},
};

const struct web_route *linker_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes) - 1;
	return routes;
}
