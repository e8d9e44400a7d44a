/* The table of paths: one line each, sorted by path. */

#include "services/installer/routes.h"

#include "common/base/banned.h"

static const struct web_route routes[] = {
	/* {"GET", "/integration/…", handler}, */
	{NULL, NULL, NULL},
};

const struct web_route *installer_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes) - 1;
	return routes;
}
