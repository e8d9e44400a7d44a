#ifndef OHDC_DOMAIN_JOB_H
#define OHDC_DOMAIN_JOB_H

/* The job record: who asked for what, from the linker to the dispatcher (topic job, table job, columns record). */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"
#include "common/domain/trigger.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** What the dispatcher is to do. */
enum job_kind {
	JOB_START,  /**< start a conversation, follow it, answer */
	JOB_ANSWER, /**< only tell the asker why nothing starts */
};

/** "start" or "answer"; static. */
NODISCARD const char *job_kind_name(enum job_kind kind);

/** A job record; texts owned. */
struct job_record {
	char job_id[UUID_TEXT_SIZE];
	enum job_kind kind;
	enum reason reason;    /**< for JOB_ANSWER: what to tell */
	int64_t start_attempt; /**< 0 for the first */
	char *event_key;
	enum provider provider;
	int64_t connection_id;
	int64_t instance_id;
	char delivery_id[UUID_TEXT_SIZE];
	int64_t received_at_ms;
	char *traceparent; /**< NULL when there is none */
	char *user_id;     /**< OpenHands user, NULL for JOB_ANSWER of somebody unknown */
	char *org_id;      /**< NULL: the dispatcher decides */
	struct ask ask;
};

/** Free and zero. */
void job_record_done(struct job_record *record);

/** New compact JSON text of a record (schema 1). */
NODISCARD char *job_record_text(const struct job_record *record);

/** Read one. ERR_INPUT: never usable, dead-letter it. ERR_CONFLICT: unknown major schema, pause. Unknown fields are ignored. */
NODISCARD bool job_record_read(struct bytes text, struct job_record *ret, struct err *err);

/** Id of the job and of its conversation: UUIDv5(installation, "{kind}:{event key}:{number}"). */
void job_id_make(const struct uuid *installation, enum job_kind kind, const char *event_key, int64_t number,
		 char ret[UUID_TEXT_SIZE]);

/** New compact JSON text for topic status: one per change of a job. */
NODISCARD char *status_record_text(const struct job_record *record, const char *state, enum reason reason,
				   const char *detail, const char *conversation_id, int64_t at_ms);

#endif
