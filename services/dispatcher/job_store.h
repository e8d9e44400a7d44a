#ifndef OHDC_DISPATCHER_JOB_STORE_H
#define OHDC_DISPATCHER_JOB_STORE_H

/* Table job: taken in from Kafka, claimed under a lease with an epoch, saved after each step. Times are PostgreSQL's. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/domain/job.h"
#include "common/io/db.h"
#include "services/dispatcher/job_machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A claimed job: its record, its state, and what its steps found out. Texts owned. */
struct job {
	struct job_record record;
	struct job_machine machine;
	char *user_id;       /**< NULL until known */
	char *org_id;        /**< NULL until decided */
	char *org_name;      /**< NULL: the personal one */
	char *repository;    /**< full name, NULL until decided */
	char *git_provider;  /**< NULL until decided */
	char *start_task_id; /**< NULL until the start was accepted */
	char *title;         /**< for the conversation, NULL until it was started by us */
	char *final_text;    /**< the agent's last words, NULL until read */
	char *asked_text;    /**< the asking comment as it stands now, NULL: as in the record */
	int64_t doubts;      /**< polls in a row that saw an end without proof: gone, or finished without words */
	int64_t epoch;       /**< of our lease; every write says it */
	int64_t lease_until_mono_ms; /**< on our own clock, never later than in the database */
	int64_t now_ms;              /**< the database's time at the last exchange */
	int64_t crashes; /**< claims in a row that neither finished a step nor were given back, this one included */
};

/** Free and zero. */
void job_done(struct job *job);

/** Note the asking comment as it stands now and who may read it (both NULL: everybody); answers keep to that. Texts are copied. */
void job_take_asked(struct job *job, const char *text, const char *visibility_type, const char *visibility_value);

/** Positions that a batch brings its partitions to. */
struct job_position {
	const char *group;
	const char *topic;
	int32_t partition;
	int64_t next_offset;
};

/**
 * Insert new jobs (known ids change nothing), mark their triggers STARTED, store the positions: one transaction.
 * `ret_new` is the number of jobs that were new. ERR_INPUT: the database cannot take one of the records.
 */
NODISCARD bool job_store_intake(struct db_pool *pool, const struct job_record *records, size_t count,
				const struct job_position *positions, size_t position_count,
				const struct job_rules *rules, int64_t now_ms, size_t *ret_new, struct err *err);

/** The stored position of a partition, -1 when there is none. */
NODISCARD bool job_store_position(struct db_pool *pool, const char *group, const char *topic, int32_t partition,
				  int64_t *ret, struct err *err);

/**
 * Claim the due job that waits longest, for `lease_ms`. True with `*ret_found` false: nothing is due. A job that cannot be read
 * is an error once: it is quarantined, or put off when a newer program wrote it.
 */
NODISCARD bool job_store_claim(struct db_pool *pool, const char *owner, int64_t lease_ms, struct job *ret,
			       bool *ret_found, struct err *err);

/** Save state and findings and renew the lease. ERR_CONFLICT: the lease is lost, touch the job no more. */
NODISCARD bool job_store_save(struct db_pool *pool, struct job *job, int64_t lease_ms, struct err *err);

/** Save, note the end's consequences for the trigger, and give the lease back. ERR_CONFLICT as above. */
NODISCARD bool job_store_release(struct db_pool *pool, struct job *job, struct err *err);

/** Add a line to the job's history. */
NODISCARD bool job_store_note(struct db_pool *pool, const struct job *job, struct err *err);

/** Numbers of open jobs by state, for metrics: fills `ret[phase]`; and of those that are due and that no worker holds. */
NODISCARD bool job_store_count(struct db_pool *pool, int64_t ret[JOB_STOPPED + 1], int64_t *ret_waiting, struct err *err);

#endif
