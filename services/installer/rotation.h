#ifndef OHDC_INSTALLER_ROTATION_H
#define OHDC_INSTALLER_ROTATION_H

/*
 * What deliveries prove about webhook secrets: a next secret that is in use becomes the current one, also when the webhook was
 * changed by hand or the program died in between; a former one ends an hour after its successor was seen at work.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/daemon.h"
#include "common/io/db.h"

#include <stdbool.h>

struct rotation;

/** Start the thread that looks every five seconds; of several programs one does. ERR_BUSY: no thread. */
NODISCARD bool rotation_new(struct db_pool *pool, struct daemon *daemon, struct rotation **ret, struct err *err);

/** Join it (the daemon is stopping) and free; NULL is fine. */
void rotation_free(struct rotation *rotation);

/** One look; `ret_changes`: how many secrets were promoted or ended. What the thread calls. */
NODISCARD bool rotation_look(struct db_pool *pool, int *ret_changes, struct err *err);

#endif
