#ifndef OHDC_LINKER_OUTBOX_H
#define OHDC_LINKER_OUTBOX_H

/* From table job_outbox to the job topic: claimed by bucket leases, deleted when Kafka has the record. May repeat, never loses. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/linker/linker.h"

#include <stdbool.h>

struct outbox;

/** Start the thread; `linker` is borrowed. */
NODISCARD bool outbox_new(struct linker *linker, struct outbox **ret, struct err *err);

/** Wait for the thread (the daemon is stopping), give the buckets back, free; NULL is fine. */
void outbox_free(struct outbox *outbox);

#endif
