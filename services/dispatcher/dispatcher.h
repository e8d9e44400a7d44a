#ifndef OHDC_DISPATCHER_DISPATCHER_H
#define OHDC_DISPATCHER_DISPATCHER_H

/* What the workers share, and the steps of a job: each does one thing and says what came of it. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"
#include "common/connect/claim.h"
#include "common/io/config.h"
#include "common/io/kafka.h"
#include "common/io/metrics.h"
#include "services/dispatcher/job_machine.h"
#include "services/dispatcher/job_store.h"
#include "services/dispatcher/ledger.h"
#include "services/dispatcher/openhands.h"
#include "services/dispatcher/peer.h"
#include "services/dispatcher/prompt.h"
#include "services/dispatcher/reply.h"

#include <stdbool.h>

enum { DISPATCHER_GIT_PROVIDERS_MAX = 8, DISPATCHER_OWNER_SIZE = 96 };

/** The service: made in main, read by all workers. Everything borrowed unless said otherwise. */
struct dispatcher {
	struct config *config;
	struct db_pool *pool;
	struct kafka_producer *producer; /**< status feed and dead letters */
	struct claim *claim;
	struct metrics *metrics;
	struct openhands *openhands; /**< owned */
	struct peer_source peers;
	struct ledger ledger;
	struct job_rules rules;
	struct uuid installation;
	char owner[DISPATCHER_OWNER_SIZE]; /**< of leases: program, host, random */
	char *provider_list;               /**< owned; git_providers point into it */
	const char *git_providers[DISPATCHER_GIT_PROVIDERS_MAX];
	size_t git_provider_count;
	const char *app_host;
	const char *app_url;
	const char *topic_prefix;
};

/** One claimed job in a worker's hands. */
struct task {
	const struct dispatcher *dispatcher;
	struct job job;
	struct peer peer;
	const char *issue; /**< Jira: id or key of the issue it is about; borrows from job, as what follows */
	struct pull_request_ref pull_request; /**< Bitbucket: the one it is about */
	struct openhands_user user;
};

/**
 * Do the current step of the job. True: `ret` says what came of it. False: the database or the lease failed; the job is left to
 * whoever claims it next.
 */
NODISCARD bool step_do(struct task *task, struct job_event *ret, struct err *err);

/* The steps, by file. Same contract; texts in `ret->detail` borrow from `err`. */
NODISCARD bool step_reread(struct task *task, struct job_event *ret, struct err *err); /* step_prepare.c */
NODISCARD bool step_key(struct task *task, struct job_event *ret, struct err *err);
NODISCARD bool step_react(struct task *task, struct job_event *ret, struct err *err);
NODISCARD bool step_repository(struct task *task, struct job_event *ret, struct err *err);   /* step_repository.c */
NODISCARD bool step_access(struct task *task, struct job_event *ret, struct err *err);       /* step_access.c */
NODISCARD bool step_start(struct task *task, struct job_event *ret, struct err *err);        /* step_start.c */
NODISCARD bool step_follow_start(struct task *task, struct job_event *ret, struct err *err); /* step_follow.c */
NODISCARD bool step_follow_run(struct task *task, struct job_event *ret, struct err *err);
NODISCARD bool step_acknowledge(struct task *task, struct job_event *ret, struct err *err); /* step_answer.c */
NODISCARD bool step_result(struct task *task, struct job_event *ret, struct err *err);
NODISCARD bool step_guidance(struct task *task, struct job_event *ret, struct err *err);

/** Say what came of a step; true. `detail` is borrowed. */
NODISCARD bool step_says(struct job_event *ret, enum job_event_kind kind, enum reason reason, const char *detail);

/** Say that a safe call failed: wait for limits and locked-out bots, retry what may pass, give up the rest; true. */
NODISCARD bool step_failed(const struct task *task, struct job_event *ret, const struct err *err);

/** Bring an effect as far as it goes and say what came of it; once confirmed, its remote id is put at `id` (may be NULL). */
NODISCARD bool step_carry_out(struct task *task, const struct ledger_effect *effect, char **id, struct job_event *ret,
			      struct err *err);

/** Whether we have a token of the bot for the peer; else ERR_INPUT. */
NODISCARD bool step_can_speak(const struct task *task, struct err *err);

/** The marker of an effect of this job. */
void step_marker(const struct task *task, enum effect_kind kind, char ret[]);

/** The asking comment as it now stands, NULL for a label. */
NODISCARD const char *task_asked_text(const struct task *task);

#endif
