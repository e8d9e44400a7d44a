#ifndef OHDC_IO_DAEMON_ADMIN_H
#define OHDC_IO_DAEMON_ADMIN_H

/* The admin listener of a service: /livez, /readyz, /metrics. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct daemon_admin;

/** Listen on address:port, not ready; `metrics` is borrowed, NULL: there are none. ERR_BUSY: address in use. `ret` is new. */
NODISCARD bool daemon_admin_new(const char *listen, struct metrics *metrics, struct daemon_admin **ret, struct err *err);

/** Stop listening and free; NULL is fine. */
void daemon_admin_free(struct daemon_admin *admin);

/** The port in use. */
NODISCARD uint16_t daemon_admin_listens_on(const struct daemon_admin *admin);

/** What /readyz answers from now on; returns what it answered before; any thread. */
bool daemon_admin_set_ready(struct daemon_admin *admin, bool ready);

/** Unready for good; any thread. */
void daemon_admin_stop(struct daemon_admin *admin);

#endif
