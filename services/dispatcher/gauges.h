#ifndef OHDC_DISPATCHER_GAUGES_H
#define OHDC_DISPATCHER_GAUGES_H

/* Numbers that dashboards and autoscalers read: open jobs by state, records not yet taken in. */

#include "services/dispatcher/dispatcher.h"

#include <stdint.h>

enum { GAUGES_PAUSE_MS = 5000 };

/** Count and publish; `lag` -1: not known. What cannot be counted keeps its last value. */
void gauges_update(const struct dispatcher *dispatcher, int64_t lag);

#endif
