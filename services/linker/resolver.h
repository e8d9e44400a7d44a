#ifndef OHDC_LINKER_RESOLVER_H
#define OHDC_LINKER_RESOLVER_H

/* The workers: each claims a due trigger, finds out who asked, and writes the decision with its job record. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/linker/linker.h"

#include <stdbool.h>

struct resolver;

/** Start OHDC_WORKERS threads; `linker` is borrowed. */
NODISCARD bool resolver_new(struct linker *linker, struct resolver **ret, struct err *err);

/** Wait until all have given their triggers back (the daemon is stopping), free; NULL is fine. */
void resolver_free(struct resolver *resolver);

#endif
