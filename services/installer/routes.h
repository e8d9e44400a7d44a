#ifndef OHDC_INSTALLER_ROUTES_H
#define OHDC_INSTALLER_ROUTES_H

/* What the installer serves. */

#include "common/io/web.h"

#include <stddef.h>

/** The routes, static; their handlers' context is the struct installer. */
NODISCARD const struct web_route *installer_routes(size_t *ret_count);

#endif
