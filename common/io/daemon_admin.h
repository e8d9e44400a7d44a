#ifndef OHDC_IO_DAEMON_ADMIN_H
#define OHDC_IO_DAEMON_ADMIN_H

/* The admin listener of a service: /livez, /readyz, /metrics. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>

/** The listener, part of a daemon; zeroed means not listening. */
struct daemon_admin {
	struct http_server *server;
	struct metrics *metrics; /**< borrowed, NULL: there are none */
	atomic_bool is_ready;    /**< what /readyz answers; any thread */
	atomic_bool is_stopping; /**< unready for good; any thread */
	struct http_route routes[3];
};

/** Listen on address:port, not ready, at a place that stays; http_server_free() its server. ERR_BUSY: address in use. */
NODISCARD bool daemon_admin_init(struct daemon_admin *admin, const char *listen, struct metrics *metrics,
				 struct err *err);

#endif
