/* The table of paths: one line each, sorted by path. */

#include "services/linker/routes.h"

#include "common/base/banned.h"

static const struct web_route routes[] = {
	/* {"GET", "/integration/…", handler}, */
	{NULL, NULL, NULL},
};

const struct web_route *linker_routes(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(routes) - 1;
	return routes;
}
