#ifndef OHDC_DISPATCHER_JOB_INTAKE_H
#define OHDC_DISPATCHER_JOB_INTAKE_H

/* From the job topic into table job, batch by batch. The topic may lose or repeat anything: the table's key decides. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/daemon.h"
#include "services/dispatcher/dispatcher.h"
#include "services/dispatcher/worker.h"

#include <stdbool.h>

struct job_intake;

/** Join the consumer group and start the thread; everything borrowed. */
NODISCARD bool job_intake_new(const struct dispatcher *dispatcher, const struct kafka_cluster *cluster,
			      struct daemon *daemon, struct workers *workers, struct job_intake **ret, struct err *err);

/** Wait for the thread (the daemon is stopping), leave the group, free; NULL is fine. */
void job_intake_free(struct job_intake *intake);

#endif
