#ifndef OHDC_LINKER_ROUTES_H
#define OHDC_LINKER_ROUTES_H

/* What the linker serves. */

#include "common/io/web.h"

#include <stddef.h>

/** The routes, static; their handlers' context is the struct linker. */
NODISCARD const struct web_route *linker_routes(size_t *ret_count);

#endif
