#ifndef OHDC_LINKER_SWEEPER_H
#define OHDC_LINKER_SWEEPER_H

/* Repairs what the job hop lost, and opens again what a new link allows. One thread; replicas do not disturb each other. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/linker/linker.h"

#include <stdbool.h>

struct sweeper;

/** Start the thread; `linker` is borrowed. */
NODISCARD bool sweeper_new(struct linker *linker, struct sweeper **ret, struct err *err);

/** Wait for the thread (the daemon is stopping), free; NULL is fine. */
void sweeper_free(struct sweeper *sweeper);

#endif
