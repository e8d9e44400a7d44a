#ifndef OHDC_DISPATCHER_WORKER_H
#define OHDC_DISPATCHER_WORKER_H

/* The workers: threads that claim due jobs and carry each as far as it goes now. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/daemon.h"
#include "services/dispatcher/dispatcher.h"

#include <stdbool.h>
#include <stddef.h>

struct workers;

/** Start `count` threads. `dispatcher` and `daemon` are borrowed. On failure `ret` may be set all the same and must be freed. */
NODISCARD bool workers_new(const struct dispatcher *dispatcher, struct daemon *daemon, size_t count,
			   struct workers **ret, struct err *err);

/** Wake as many as sleep, at most `count`: so many jobs may be due. Any thread. */
void workers_wake(struct workers *workers, size_t count);

/** Wait until all have given their jobs back (the daemon is stopping), then free; NULL is fine. */
void workers_free(struct workers *workers);

#endif
