#ifndef OHDC_CONNECT_CLAIM_H
#define OHDC_CONNECT_CLAIM_H

/*
 * One installation per cluster and prefix: its id stands beside the offsets that the linkers' group commits. Two of them would
 * take each other's records. A thread looks at start, until the brokers answer, and then ever more rarely.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/domain/topics.h"
#include "common/io/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/** What is claimed, by whom. */
struct claim_place {
	struct kafka_cluster cluster;
	const char *prefix;          /**< borrowed from the settings */
	char group[TOPIC_NAME_SIZE]; /**< the linkers' */
	char topic[TOPIC_NAME_SIZE];
	char own[UUID_TEXT_SIZE]; /**< this installation */
};

/** The place of the settings and an installation. */
NODISCARD struct claim_place claim_place(struct config *config, const char *client_id, const struct uuid *installation);

/** The look-out of one service. */
struct claim {
	struct claim_place place;
	struct daemon *daemon;
	_Atomic(bool) is_settled;
	pthread_t thread;
};

/** Start the thread, once service_wait_database() has returned. Where the prefix is another installation's the service stops with 2. */
NODISCARD bool claim_new(struct service *service, const char *client_id, struct claim **ret, struct err *err);

/** Whether (NULL: yes) the brokers have said that the prefix is ours, or nobody's, so that records may be taken; false after a short pause. */
NODISCARD bool claim_is_settled(const struct claim *claim);

/** Wait for the thread (the daemon is stopping), free; NULL is fine. */
void claim_free(struct claim *claim);

#endif
