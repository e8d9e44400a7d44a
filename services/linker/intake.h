#ifndef OHDC_LINKER_INTAKE_H
#define OHDC_LINKER_INTAKE_H

/*
 * From the webhook topic into the database, batch by batch: read, decide, one transaction, then Kafka's commit. The database's
 * keys make every repetition harmless; what can never be used goes to the dead letters; a newer schema holds its partition.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/linker/linker.h"

#include <stdbool.h>

struct intake;

/** Join the consumer group and start the thread; `linker` is borrowed. */
NODISCARD bool intake_new(struct linker *linker, struct intake **ret, struct err *err);

/** Wait for the thread (the daemon is stopping), leave the group, free; NULL is fine. */
void intake_free(struct intake *intake);

#endif
