#ifndef OHDC_DISPATCHER_SETUP_H
#define OHDC_DISPATCHER_SETUP_H

/* From settings to the struct that the workers share. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/service.h"
#include "services/dispatcher/dispatcher.h"

#include <stdbool.h>

/** Fill `ret`; service, clients and producer are borrowed. ERR_INPUT names the setting that is wrong. */
NODISCARD bool dispatcher_init(struct dispatcher *ret, struct service *service, struct peer_clients *clients,
			       struct kafka_producer *producer, struct err *err);

/** Free what dispatcher_init() made. */
void dispatcher_done(struct dispatcher *dispatcher);

#endif
