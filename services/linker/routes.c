/* The table of paths: one line each, sorted by path. */

#include "services/linker/routes.h"

#include "services/linker/secrets_token.h"
#include "services/linker/userinfo.h"

#include "common/base/banned.h"

static const struct web_route routes[] = {
	{"GET", "/bitbucket-dc-proxy/oauth2/userinfo", userinfo_get},
	{"GET", "/integration/jira-dc/secrets/token", secrets_token_get},
	{NULL, NULL, NULL},
};

const struct web_route *linker_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes) - 1;
	return routes;
}
