#ifndef OHDC_DISPATCHER_FEED_H
#define OHDC_DISPATCHER_FEED_H

/* Topic status: one record for each change of a job, for dashboards and notifications. Nothing of ours depends on it. */

#include "services/dispatcher/dispatcher.h"

/** Publish the job's state; what cannot be sent is counted and left out. */
void feed_publish(const struct dispatcher *dispatcher, const struct job *job);

#endif
