#ifndef OHDC_DOMAIN_TOPICS_H
#define OHDC_DOMAIN_TOPICS_H

/* Names of topics, groups and headers, and the schema versions of records. The contract is docs/topics.md. */

#include "common/base/attr.h"

#include <stddef.h>

/** The topics of one installation; each name is prefix + suffix. */
enum topic { TOPIC_WEBHOOK, TOPIC_JOB, TOPIC_STATUS, TOPIC_DLQ };

enum { TOPIC_COUNT = 4, TOPIC_NAME_SIZE = 200 };

/** Write the full name ("ohdc.webhook.v1"). */
void topic_name(enum topic topic, const char *prefix, char ret[TOPIC_NAME_SIZE]);

/** Consumer groups: prefix + name. */
#define GROUP_LINKER "linker"
#define GROUP_DISPATCHER "dispatcher"

/** Write prefix + group name. */
void group_name(const char *group, const char *prefix, char ret[TOPIC_NAME_SIZE]);

/** What the Kafka user of one program may do with one topic or group; nothing else is needed. */
struct topic_access {
	const char *service; /**< "ingress" …; "topics": who makes them */
	const char *group;   /**< NULL: it is about `topic` */
	enum topic topic;
	const char *operations[4]; /**< in Kafka's words; NULL ends */
};

/** The table of them; static. */
NODISCARD const struct topic_access *topic_accesses(size_t *ret_count);

#define HEADER_SCHEMA "ohdc-schema"
#define HEADER_DELIVERY_ID "ohdc-delivery-id"
#define HEADER_PROVIDER "ohdc-provider"
#define HEADER_CONNECTION_ID "ohdc-connection-id"
#define HEADER_EVENT "ohdc-event"
#define HEADER_REQUEST_ID "ohdc-request-id"
#define HEADER_RECEIVED_AT "ohdc-received-at"
#define HEADER_SOURCE "ohdc-source"
#define HEADER_VERDICT "ohdc-verdict"
#define HEADER_BODY_SHA256 "ohdc-body-sha256"
#define HEADER_SECRET "ohdc-secret"
#define HEADER_TRACEPARENT "traceparent"

/* Headers of dead letters. */
#define HEADER_DLQ_TOPIC "ohdc-dlq-topic"
#define HEADER_DLQ_PARTITION "ohdc-dlq-partition"
#define HEADER_DLQ_OFFSET "ohdc-dlq-offset"
#define HEADER_DLQ_ERROR "ohdc-dlq-error"
#define HEADER_DLQ_ATTEMPTS "ohdc-dlq-attempts"

/** Major version written today ("1", "1.1" are read; another major pauses the partition). */
#define RECORD_SCHEMA "1"

#endif
