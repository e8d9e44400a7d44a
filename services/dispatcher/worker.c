/* Claim, carry, give back. A job whose worker dies is claimed by another when its lease ends. */

#include "services/dispatcher/worker.h"

#include "common/base/mem.h"
#include "common/io/entropy.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "common/io/wake.h"
#include "services/dispatcher/feed.h"

#include <pthread.h>
#include <stdio.h>

#include "common/base/banned.h"

enum {
	IDLE_WAIT_MS = 500,      /**< how long a job that another replica took in may lie unseen */
	FAILURE_PAUSE_MS = 1000, /**< after the database failed */
	FAILURE_LOG_MS = 10000,  /**< between two lines about it, of all workers */
	CRASHES_UNTIL_QUARANTINE = 3,
	STEPS_MAX = 64, /**< in one claim: more is a circle */
};

struct workers {
	const struct dispatcher *dispatcher;
	struct daemon *daemon;
	struct wake due; /**< rung when a job may be due */
	struct log_gap failing;
	size_t thread_count;
	pthread_t threads[];
};

/* ---- one job --------------------------------------------------------------------------------------------------- */

/* What of a job's state people and the feed are told about. */
static bool is_news(const struct job_machine *before, const struct job_machine *after)
{
	return before->phase != after->phase || before->outcome != after->outcome;
}

static void tell(const struct task *task)
{
	const struct job_machine *machine = &task->job.machine;
	struct err err = {0};
	if (!job_store_note(task->dispatcher->pool, &task->job, &err)) log_err("job history not written", &err);
	feed_publish(task->dispatcher, &task->job);
	if (job_machine_is_ended(machine))
		LOG_INFO("job ended", LOG_TEXT("state", job_phase_name(machine->phase)),
			 LOG_TEXT("reason", reason_name(machine->outcome)), LOG_TEXT("detail", machine->detail));
}

static void quarantine(struct task *task)
{
	task->job.machine.phase = JOB_FAILED;
	task->job.machine.step = STEP_END;
	task->job.machine.outcome = REASON_QUARANTINED;
	(void)snprintf(task->job.machine.detail, sizeof(task->job.machine.detail),
		       "%lld claims in a row ended without being given back", (long long)task->job.crashes - 1);
}

static void apply(struct task *task, const struct job_event *event)
{
	struct job_machine before = task->job.machine;
	job_machine_apply(&task->job.machine, event, task->job.now_ms, entropy_u32(), &task->dispatcher->rules);
	if (is_news(&before, &task->job.machine)) tell(task);
}

/*
 * After a finished step: a peer that is merely slow must not cost us the lease, and crashes count from the step that they
 * happen in.
 */
static bool hold(struct task *task, struct err *err)
{
	struct job *job = &task->job;
	const struct ledger *ledger = &task->dispatcher->ledger;
	int64_t left_ms = job->lease_until_mono_ms - sysclock_monotonic_ms();
	if (job->crashes <= 1 && left_ms > ledger->lease_ms / 2) return true;
	job->crashes = 1;
	return job_store_save(ledger->pool, job, ledger->lease_ms, err);
}

/* Step after step until the job waits, ends, or we are asked to stop. A claimed job is due, whatever our clock says. */
static bool carry(struct task *task, struct daemon *daemon, struct err *err)
{
	struct job *job = &task->job;
	int64_t offset_ms = job->now_ms - sysclock_monotonic_ms();
	for (int i = 0; i < STEPS_MAX && !job_machine_is_ended(&job->machine); i++) {
		job->now_ms = sysclock_monotonic_ms() + offset_ms;
		bool is_due = i == 0 || job->machine.next_ms <= job->now_ms;
		if (!is_due || daemon_is_stopping(daemon)) break;
		task->user = (struct openhands_user){job->user_id, job->org_id};
		struct job_event event = {0};
		*err = (struct err){0};
		if (!step_do(task, &event, err)) return false;
		job->now_ms = sysclock_monotonic_ms() + offset_ms;
		apply(task, &event);
		if (!job_machine_is_ended(&job->machine) && !hold(task, err)) return false;
	}
	return true;
}

static bool prepare(struct task *task, struct err *err)
{
	struct job *job = &task->job;
	const struct ask *ask = &job->record.ask;
	if (!job->user_id) job->user_id = mem_dup(job->record.user_id);
	task->issue = ask->issue_id ? ask->issue_id : ask->issue_key;
	task->pull_request = (struct pull_request_ref){ask->project_key, ask->repo_slug, ask->pull_request_id};
	if (peer_load(&task->dispatcher->peers, &job->record, &task->peer, err)) return true;
	if (err->code != ERR_NOT_FOUND && err->code != ERR_AUTH && err->code != ERR_INPUT) return false;
	/* The connection is gone or cannot be opened: nothing can be read or said there any more, and that is the end. */
	while (!job_machine_is_ended(&job->machine))
		apply(task, &(struct job_event){.kind = EVENT_GIVE_UP, .detail = err->message});
	*err = (struct err){0};
	return true;
}

static void task_done(struct task *task)
{
	job_done(&task->job);
	peer_done(&task->peer);
}

static bool run_job(struct task *task, struct daemon *daemon, struct err *err)
{
	CLEANUP(log_scope_leave) struct log_scope scope;
	log_scope_enter(&scope, LOG_TEXT("job_id", task->job.record.job_id));
	if (task->job.crashes > CRASHES_UNTIL_QUARANTINE) {
		quarantine(task);
		tell(task);
	} else if (!prepare(task, err) || !carry(task, daemon, err)) {
		return false;
	}
	return job_store_release(task->dispatcher->pool, &task->job, err);
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

static void work_once(struct workers *workers)
{
	const struct dispatcher *dispatcher = workers->dispatcher;
	CLEANUP(task_done) struct task task = {.dispatcher = dispatcher};
	struct err err = {0};
	bool is_found = false;
	if (!job_store_claim(dispatcher->pool, dispatcher->owner, dispatcher->ledger.lease_ms, &task.job, &is_found,
			     &err)) {
		if (log_gap_passed(&workers->failing, FAILURE_LOG_MS)) log_err("no job could be claimed", &err);
		daemon_pause(workers->daemon, FAILURE_PAUSE_MS);
		return;
	}
	if (!is_found) {
		wake_wait(&workers->due, IDLE_WAIT_MS);
		return;
	}
	if (!run_job(&task, workers->daemon, &err)) {
		log_err("job left to its next claim", &err);
		daemon_pause(workers->daemon, FAILURE_PAUSE_MS);
	}
}

static void *run(void *context)
{
	struct workers *workers = context;
	while (!daemon_is_stopping(workers->daemon))
		work_once(workers);
	return NULL;
}

bool workers_new(const struct dispatcher *dispatcher, struct daemon *daemon, size_t count, struct workers **ret,
		 struct err *err)
{
	struct workers *workers = mem_zalloc(1, sizeof(*workers) + count * sizeof(pthread_t));
	workers->dispatcher = dispatcher;
	workers->daemon = daemon;
	wake_init(&workers->due, count);
	*ret = workers;
	for (size_t i = 0; i < count; i++) {
		if (pthread_create(&workers->threads[i], NULL, run, workers) != 0)
			return err_set(err, ERR_BUSY, "no thread for worker %zu", i);
		workers->thread_count++;
	}
	return true;
}

void workers_wake(struct workers *workers, size_t count)
{
	wake_ring(&workers->due, count);
}

void workers_free(struct workers *workers)
{
	if (!workers) return;
	wake_ring(&workers->due, workers->thread_count);
	for (size_t i = 0; i < workers->thread_count; i++)
		pthread_join(workers->threads[i], NULL);
	wake_done(&workers->due);
	mem_free(workers);
}
