#ifndef OHDC_DISPATCHER_JOB_MACHINE_H
#define OHDC_DISPATCHER_JOB_MACHINE_H

/*
 * How a job goes on: a pure function from (state, event, time) to the next state. It decides what is done next, how long
 * is waited and when it is over; it does nothing itself. The worker does the step and brings back what happened.
 *
 *   QUEUED → PREPARING → STARTING → RUNNING → ANSWERING → DONE | REFUSED | FAILED | STOPPED;  WAITING from anywhere
 */

#include "common/base/attr.h"
#include "common/base/backoff.h"
#include "common/domain/job.h"
#include "common/domain/reason.h"

#include <stdbool.h>
#include <stdint.h>

/** Where a job is, as people see it (column job.state). */
enum job_phase {
	JOB_QUEUED,
	JOB_PREPARING,
	JOB_STARTING,
	JOB_RUNNING,
	JOB_ANSWERING,
	JOB_WAITING,
	JOB_DONE,
	JOB_REFUSED,
	JOB_FAILED,
	JOB_STOPPED,
};

/** What is to be done next. */
enum job_step {
	STEP_REREAD,       /**< read the comment or the label's history again: still asked, by the same person? */
	STEP_KEY,          /**< get the asker's key */
	STEP_REACT,        /**< reaction on the asking comment */
	STEP_REPOSITORY,   /**< which repository, with the asker's own access */
	STEP_START,        /**< start the conversation */
	STEP_ACKNOWLEDGE,  /**< comment with the link */
	STEP_FOLLOW_START, /**< poll the start task */
	STEP_FOLLOW_RUN,   /**< poll the conversation */
	STEP_RESULT,       /**< post the terminal answer */
	STEP_GUIDANCE,     /**< post why nothing was started, and what to do */
	STEP_END,          /**< nothing more */
};

/** How a started job ended; picks the text of the terminal answer. */
enum job_ending {
	ENDING_NONE,
	ENDING_FINISHED,
	ENDING_ERROR,        /**< the conversation reports an error */
	ENDING_STUCK,        /**< the agent goes round in circles */
	ENDING_CONFIRMATION, /**< the agent waits for a person to confirm */
	ENDING_START_FAILED, /**< the start task ended in ERROR */
	ENDING_VANISHED,     /**< conversation or sandbox are gone without a result */
	ENDING_DEADLINE,     /**< a phase took longer than allowed */
};

/** What came of a step. */
enum job_event_kind {
	EVENT_DONE,    /**< the step is done */
	EVENT_PENDING, /**< polled: not there yet */
	EVENT_RETRY,   /**< failed for now */
	EVENT_LATER,   /**< not failed, but nothing can be done before `until_ms` */
	EVENT_WAIT,    /**< a limit or a locked-out bot: go on at `until_ms`, no attempt burnt */
	EVENT_REFUSE,  /**< nothing will be started; the asker is told `reason` */
	EVENT_DROP,    /**< nothing will be started and nobody is told (`reason`: withdrawn …) */
	EVENT_ENDED,   /**< a started job is over: `ending` */
	EVENT_GIVE_UP, /**< the step can never succeed */
};

/** An event; `detail` is borrowed, for people. */
struct job_event {
	enum job_event_kind kind;
	enum reason reason;
	enum job_ending ending;
	int64_t until_ms; /**< EVENT_WAIT, EVENT_LATER: when to go on; EVENT_RETRY: not before (0: back-off decides) */
	const char *detail;
};

/** Times that rule a job. */
struct job_rules {
	struct backoff retry;       /**< between attempts at a failing step */
	struct backoff poll;        /**< between polls */
	int64_t horizon_ms;         /**< a failing step is given up this long after the job was queued */
	int64_t start_deadline_ms;  /**< from the accepted start to a running conversation */
	int64_t run_deadline_ms;    /**< from the running conversation to its end */
	int64_t answer_deadline_ms; /**< from the decision on an answer to its confirmation */
};

enum { JOB_DETAIL_SIZE = 240, JOB_ACKNOWLEDGE_ATTEMPTS = 5 };

/** A job's state: all that is stored between two steps. Copying it is fine. */
struct job_machine {
	enum job_kind kind;
	enum job_phase phase;
	enum job_step step;
	enum reason outcome; /**< REASON_NONE until decided */
	enum job_ending ending;
	bool is_started;              /**< the start was accepted: the event key is spent */
	int64_t attempts;             /**< failures of the current step in a row */
	int64_t polls;                /**< pending polls in a row */
	int64_t queued_ms;            /**< when the job came */
	int64_t next_ms;              /**< nothing is done before */
	int64_t deadline_ms;          /**< of the current phase, 0: none */
	char detail[JOB_DETAIL_SIZE]; /**< last failure or reason, for operators */
	char told[JOB_DETAIL_SIZE];   /**< what the answer quotes: names of repositories, a peer's words */
};

/** A new job: JOB_START begins with STEP_REREAD, JOB_ANSWER with STEP_GUIDANCE for `reason`. */
void job_machine_init(struct job_machine *job, enum job_kind kind, enum reason reason, int64_t now_ms,
		      const struct job_rules *rules);

/**
 * Take what came of the current step. `random` spreads the waits. Events for an ended job change nothing. A refusal after the
 * start and an end before it count as EVENT_GIVE_UP: so a started job is always answered, and only a started one has a result.
 */
void job_machine_apply(struct job_machine *job, const struct job_event *event, int64_t now_ms, uint32_t random,
		       const struct job_rules *rules);

/** Whether the job is over. */
NODISCARD bool job_machine_is_ended(const struct job_machine *job);

/** "PREPARING"; static. */
NODISCARD const char *job_phase_name(enum job_phase phase);
NODISCARD bool job_phase_parse(const char *name, enum job_phase *ret);

/** "reread"; static. */
NODISCARD const char *job_step_name(enum job_step step);
NODISCARD bool job_step_parse(const char *name, enum job_step *ret);

/** "finished"; static. */
NODISCARD const char *job_ending_name(enum job_ending ending);
NODISCARD bool job_ending_parse(const char *name, enum job_ending *ret);

#endif
