/* The life of a job, as a pure transition function. */

#include "services/dispatcher/job_machine.h"

#include "common/base/text.h"

#include <assert.h>

#include "common/base/banned.h"

static const char *const phase_names[] = {
	[JOB_QUEUED] = "QUEUED",   [JOB_PREPARING] = "PREPARING", [JOB_STARTING] = "STARTING",
	[JOB_RUNNING] = "RUNNING", [JOB_ANSWERING] = "ANSWERING", [JOB_WAITING] = "WAITING",
	[JOB_DONE] = "DONE",       [JOB_REFUSED] = "REFUSED",     [JOB_FAILED] = "FAILED",
	[JOB_STOPPED] = "STOPPED",
};

static const char *const step_names[] = {
	[STEP_REREAD] = "reread",
	[STEP_KEY] = "key",
	[STEP_REACT] = "react",
	[STEP_REPOSITORY] = "repository",
	[STEP_START] = "start",
	[STEP_ACKNOWLEDGE] = "acknowledge",
	[STEP_FOLLOW_START] = "follow_start",
	[STEP_FOLLOW_RUN] = "follow_run",
	[STEP_RESULT] = "result",
	[STEP_GUIDANCE] = "guidance",
	[STEP_END] = "end",
};

static const char *const ending_names[] = {
	[ENDING_NONE] = "",
	[ENDING_FINISHED] = "finished",
	[ENDING_ERROR] = "error",
	[ENDING_STUCK] = "stuck",
	[ENDING_CONFIRMATION] = "confirmation",
	[ENDING_START_FAILED] = "start_failed",
	[ENDING_VANISHED] = "vanished",
	[ENDING_DEADLINE] = "deadline",
};

/* What is left to do when a step cannot be done: the next best thing, so that the asker still hears something. */
enum surrender { SURRENDER_GO_ON, SURRENDER_REFUSE, SURRENDER_TELL_VANISHED, SURRENDER_END };

/* The phase that people see while a step is being worked on, the step after it, and what giving it up means. */
static const struct {
	enum job_phase phase;
	enum job_step next;
	enum surrender surrender;
} order[] = {
	[STEP_REREAD] = {JOB_PREPARING, STEP_KEY, SURRENDER_REFUSE},
	[STEP_KEY] = {JOB_PREPARING, STEP_REACT, SURRENDER_REFUSE},
	[STEP_REACT] = {JOB_PREPARING, STEP_REPOSITORY, SURRENDER_GO_ON},
	[STEP_REPOSITORY] = {JOB_PREPARING, STEP_START, SURRENDER_REFUSE},
	[STEP_START] = {JOB_STARTING, STEP_ACKNOWLEDGE, SURRENDER_REFUSE},
	[STEP_ACKNOWLEDGE] = {JOB_STARTING, STEP_FOLLOW_START, SURRENDER_GO_ON},
	[STEP_FOLLOW_START] = {JOB_STARTING, STEP_FOLLOW_RUN, SURRENDER_TELL_VANISHED},
	[STEP_FOLLOW_RUN] = {JOB_RUNNING, STEP_RESULT, SURRENDER_TELL_VANISHED},
	[STEP_RESULT] = {JOB_ANSWERING, STEP_END, SURRENDER_END},
	[STEP_GUIDANCE] = {JOB_ANSWERING, STEP_END, SURRENDER_END},
	[STEP_END] = {JOB_DONE, STEP_END, SURRENDER_END},
};

const char *job_phase_name(enum job_phase phase)
{
	return phase_names[phase];
}

bool job_phase_parse(const char *name, enum job_phase *ret)
{
	return text_among(phase_names, ARRAY_LEN(phase_names), name, ret);
}

const char *job_step_name(enum job_step step)
{
	return step_names[step];
}

bool job_step_parse(const char *name, enum job_step *ret)
{
	return text_among(step_names, ARRAY_LEN(step_names), name, ret);
}

const char *job_ending_name(enum job_ending ending)
{
	return ending_names[ending];
}

bool job_ending_parse(const char *name, enum job_ending *ret)
{
	return text_among(ending_names, ARRAY_LEN(ending_names), name, ret);
}

/* What the phase that a step opens may take; 0: the step goes on in its phase, with that one's deadline. */
static int64_t time_allowed_ms(enum job_step step, const struct job_rules *rules)
{
	if (step == STEP_ACKNOWLEDGE) return rules->start_deadline_ms;
	if (step == STEP_FOLLOW_RUN) return rules->run_deadline_ms;
	return order[step].phase == JOB_ANSWERING ? rules->answer_deadline_ms : 0;
}

static void go_to(struct job_machine *job, enum job_step step, int64_t now_ms, const struct job_rules *rules)
{
	int64_t allowed_ms = time_allowed_ms(step, rules);
	job->step = step;
	job->phase = order[step].phase;
	job->attempts = 0;
	job->polls = 0;
	job->next_ms = now_ms;
	if (allowed_ms > 0) job->deadline_ms = now_ms + allowed_ms;
}

static void end(struct job_machine *job, enum job_phase phase, enum reason outcome)
{
	job->step = STEP_END;
	job->phase = phase;
	job->outcome = outcome;
	job->deadline_ms = 0;
}

void job_machine_init(struct job_machine *job, enum job_kind kind, enum reason reason, int64_t now_ms,
		      const struct job_rules *rules)
{
	*job = (struct job_machine){.kind = kind, .queued_ms = now_ms};
	job->deadline_ms = now_ms + rules->horizon_ms;
	if (kind == JOB_ANSWER) job->outcome = reason;
	go_to(job, kind == JOB_ANSWER ? STEP_GUIDANCE : STEP_REREAD, now_ms, rules);
	job->phase = JOB_QUEUED;
}

bool job_machine_is_ended(const struct job_machine *job)
{
	return job->step == STEP_END;
}

static void apply_done(struct job_machine *job, int64_t now_ms, const struct job_rules *rules)
{
	/* The terminal answer is there: what the job has come to. */
	if (order[job->step].next == STEP_END) {
		bool is_good = job->step == STEP_RESULT && job->ending == ENDING_FINISHED;
		enum job_phase bad = job->step == STEP_GUIDANCE ? JOB_REFUSED : JOB_FAILED;
		end(job, is_good ? JOB_DONE : bad, job->outcome);
		return;
	}
	if (job->step == STEP_START) {
		job->is_started = true;
		job->outcome = REASON_JOB_STARTED;
	}
	if (job->step == STEP_FOLLOW_RUN) job->ending = ENDING_FINISHED;
	job->detail[0] = '\0';
	go_to(job, order[job->step].next, now_ms, rules);
}

static void refuse(struct job_machine *job, enum reason reason, int64_t now_ms, const struct job_rules *rules)
{
	job->outcome = reason;
	text_copy(job->detail, job->told, sizeof(job->told));
	go_to(job, STEP_GUIDANCE, now_ms, rules);
}

static void finish_as(struct job_machine *job, enum job_ending ending, int64_t now_ms, const struct job_rules *rules)
{
	job->ending = ending;
	text_copy(job->detail, job->told, sizeof(job->told));
	if (ending == ENDING_START_FAILED) job->outcome = REASON_UPSTREAM_FAILED;
	go_to(job, STEP_RESULT, now_ms, rules);
}

static void apply_give_up(struct job_machine *job, int64_t now_ms, const struct job_rules *rules)
{
	switch (order[job->step].surrender) {
	case SURRENDER_GO_ON: go_to(job, order[job->step].next, now_ms, rules); return;
	case SURRENDER_REFUSE: refuse(job, REASON_UPSTREAM_FAILED, now_ms, rules); return;
	case SURRENDER_TELL_VANISHED: finish_as(job, ENDING_VANISHED, now_ms, rules); return;
	case SURRENDER_END: end(job, JOB_FAILED, REASON_CANNOT_ANSWER); return;
	}
}

/* Whether time is up for the current step. Before the start the whole job has one horizon. */
static bool is_overdue(const struct job_machine *job, int64_t now_ms)
{
	return job->deadline_ms > 0 && now_ms >= job->deadline_ms;
}

static bool is_followed(const struct job_machine *job)
{
	return order[job->step].surrender == SURRENDER_TELL_VANISHED;
}

/*
 * Stay at the step until a time, or go on without it when time is up. Never later than the deadline: what waits for something
 * else must still notice it.
 */
static void stay(struct job_machine *job, enum job_phase phase, int64_t at_ms, int64_t now_ms,
		 const struct job_rules *rules)
{
	if (is_overdue(job, now_ms) && is_followed(job)) {
		finish_as(job, ENDING_DEADLINE, now_ms, rules);
	} else if (is_overdue(job, now_ms)) {
		apply_give_up(job, now_ms, rules);
	} else {
		job->phase = phase;
		job->next_ms = job->deadline_ms > 0 && at_ms > job->deadline_ms ? job->deadline_ms : at_ms;
	}
}

static void apply_pending(struct job_machine *job, int64_t now_ms, uint32_t random, const struct job_rules *rules)
{
	job->attempts = 0;
	job->polls++;
	stay(job, order[job->step].phase, now_ms + backoff_delay_ms(&rules->poll, job->polls, random), now_ms, rules);
}

static void apply_retry(struct job_machine *job, const struct job_event *event, int64_t now_ms, uint32_t random,
			const struct job_rules *rules)
{
	job->attempts++;
	int64_t at_ms = now_ms + backoff_delay_ms(&rules->retry, job->attempts, random);
	bool is_decoration = order[job->step].surrender == SURRENDER_GO_ON;
	if (is_decoration && job->attempts >= JOB_ACKNOWLEDGE_ATTEMPTS)
		apply_give_up(job, now_ms, rules);
	else
		stay(job, order[job->step].phase, event->until_ms > at_ms ? event->until_ms : at_ms, now_ms, rules);
}

static void apply_wait(struct job_machine *job, const struct job_event *event, int64_t now_ms,
		       const struct job_rules *rules)
{
	stay(job, event->kind == EVENT_WAIT ? JOB_WAITING : order[job->step].phase,
	     event->until_ms > now_ms ? event->until_ms : now_ms, now_ms, rules);
}

/* What a step may say: nothing is refused once it runs, nothing ends that does not run. A step that says so cannot go on. */
static enum job_event_kind kind_that_fits(const struct job_machine *job, enum job_event_kind kind)
{
	bool fits = true;
	if (kind == EVENT_ENDED)
		fits = is_followed(job);
	else if (kind == EVENT_REFUSE)
		fits = !job->is_started && job->step != STEP_GUIDANCE;
	else if (kind == EVENT_DROP)
		fits = !job->is_started;
	return fits ? kind : EVENT_GIVE_UP;
}

void job_machine_apply(struct job_machine *job, const struct job_event *event, int64_t now_ms, uint32_t random,
		       const struct job_rules *rules)
{
	if (job_machine_is_ended(job)) return;
	if (event->detail) text_copy(event->detail, job->detail, sizeof(job->detail));

	switch (kind_that_fits(job, event->kind)) {
	case EVENT_DONE: apply_done(job, now_ms, rules); return;
	case EVENT_PENDING: apply_pending(job, now_ms, random, rules); return;
	case EVENT_RETRY: apply_retry(job, event, now_ms, random, rules); return;
	case EVENT_WAIT:
	case EVENT_LATER: apply_wait(job, event, now_ms, rules); return;
	case EVENT_REFUSE: refuse(job, event->reason, now_ms, rules); return;
	case EVENT_DROP: end(job, JOB_REFUSED, event->reason); return;
	case EVENT_ENDED: finish_as(job, event->ending, now_ms, rules); return;
	case EVENT_GIVE_UP: apply_give_up(job, now_ms, rules); return;
	}
}
