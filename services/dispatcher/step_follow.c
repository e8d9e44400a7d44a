/* Follow a start task, then its conversation, to an end. All through OpenHands' API. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "common/io/log.h"
#include "services/dispatcher/marker.h"
#include "services/dispatcher/openhands_follow.h"

#include "common/base/banned.h"

/* Polls in a row after which what should be there counts as gone, and a finished run without a text as silent. */
enum { POLLS_UNTIL_GONE = 5, POLLS_FOR_TEXT = 3 };

static bool ended(struct job_event *ret, enum job_ending ending, const char *detail)
{
	*ret = (struct job_event){.kind = EVENT_ENDED, .ending = ending, .detail = detail};
	return true;
}

static bool failed(const struct task *task, struct job_event *ret, const struct err *err)
{
	bool is_said = step_failed(task, ret, err);
	/* A question that OpenHands refuses today may be answered tomorrow: the phase's deadline decides. */
	if (ret->kind == EVENT_GIVE_UP) ret->kind = EVENT_RETRY;
	return is_said;
}

static bool read_conversation(const struct task *task, struct openhands_conversation *ret, struct err *err)
{
	return openhands_read_conversation(task->dispatcher->openhands, &task->user, task->job.record.job_id, ret, err);
}

/* ---- start task ------------------------------------------------------------------------------------------------ */

/*
 * No task says that it is ready: the conversation is the proof. A start that reads ERROR may have lost a race against itself,
 * and then it runs.
 */
static bool judge_start(const struct task *task, const struct openhands_task *start, struct job_event *ret,
			struct err *err)
{
	bool is_error = start->status == OPENHANDS_TASK_ERROR;
	struct openhands_conversation conversation = {0};
	if (!read_conversation(task, &conversation, err)) return failed(task, ret, err);
	if (conversation.exists && (!is_error || conversation.sandbox == OPENHANDS_SANDBOX_RUNNING))
		return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
	if (!is_error) return step_says(ret, EVENT_PENDING, REASON_NONE, "OpenHands does not know the start task");
	err_set(err, ERR_INTERNAL, "%s", start->detail);
	return ended(ret, ENDING_START_FAILED, err->message);
}

/* OpenHands ignores the title of a start; it can be set once there is a conversation. Best effort. */
static bool ready(const struct task *task, struct job_event *ret)
{
	struct err ignored = {0};
	if (task->job.title && !openhands_rename(task->dispatcher->openhands, &task->user, task->job.record.job_id,
						 task->job.title, &ignored))
		LOG_DEBUG("conversation keeps its own title", LOG_TEXT("error", ignored.message));
	return step_says(ret, EVENT_DONE, REASON_NONE, NULL);
}

bool step_follow_start(struct task *task, struct job_event *ret, struct err *err)
{
	const char *id = task->job.start_task_id;
	struct openhands_task start = {0};
	if (id && !openhands_read_task(task->dispatcher->openhands, &task->user, id, &start, err))
		return failed(task, ret, err);
	switch (start.status) {
	case OPENHANDS_TASK_READY: return ready(task, ret);
	case OPENHANDS_TASK_ERROR:
	case OPENHANDS_TASK_MISSING: return judge_start(task, &start, ret, err);
	case OPENHANDS_TASK_WORKING:
		err_set(err, ERR_NONE, "start task: %s", start.phase);
		return step_says(ret, EVENT_PENDING, REASON_NONE, err->message);
	}
	return step_says(ret, EVENT_PENDING, REASON_NONE, NULL);
}

/* ---- conversation ---------------------------------------------------------------------------------------------- */

/* What a state of the agent means for the job. */
static const enum job_ending endings[] = {
	[OPENHANDS_EXECUTION_NONE] = ENDING_NONE,
	[OPENHANDS_EXECUTION_IDLE] = ENDING_NONE,
	[OPENHANDS_EXECUTION_RUNNING] = ENDING_NONE,
	[OPENHANDS_EXECUTION_PAUSED] = ENDING_NONE,
	[OPENHANDS_EXECUTION_CONFIRMATION] = ENDING_CONFIRMATION,
	[OPENHANDS_EXECUTION_FINISHED] = ENDING_FINISHED,
	[OPENHANDS_EXECUTION_ERROR] = ENDING_ERROR,
	[OPENHANDS_EXECUTION_STUCK] = ENDING_STUCK,
	[OPENHANDS_EXECUTION_DELETING] = ENDING_VANISHED,
};

/* The conversation says so itself, or, once its sandbox sleeps or is gone, its events do. */
static enum job_ending pick_ending(const struct openhands_conversation *conversation,
				   const struct openhands_outcome *outcome)
{
	bool is_silent = conversation->execution == OPENHANDS_EXECUTION_NONE ||
			 conversation->execution == OPENHANDS_EXECUTION_PAUSED;
	return endings[is_silent && outcome->is_message_seen ? outcome->execution : conversation->execution];
}

static bool is_lost(const struct openhands_conversation *conversation)
{
	return !conversation->exists || conversation->sandbox == OPENHANDS_SANDBOX_MISSING ||
	       conversation->sandbox == OPENHANDS_SANDBOX_ERROR;
}

static bool judge_run(struct task *task, const struct openhands_conversation *conversation,
		      struct openhands_outcome *outcome, struct job_event *ret, struct err *err)
{
	enum job_ending ending = pick_ending(conversation, outcome);
	bool is_gone = ending == ENDING_NONE && is_lost(conversation);
	bool is_text_due = ending == ENDING_FINISHED && !outcome->final_text;
	task->job.doubts = is_gone || is_text_due ? task->job.doubts + 1 : 0;
	if (is_gone && task->job.doubts > POLLS_UNTIL_GONE)
		return ended(ret, ENDING_VANISHED, "conversation or sandbox are gone");
	if (ending == ENDING_NONE) return step_says(ret, EVENT_PENDING, REASON_NONE, NULL);
	if (is_text_due && task->job.doubts <= POLLS_FOR_TEXT)
		return step_says(ret, EVENT_PENDING, REASON_NONE, "finished; its last words are not there yet");
	mem_set(&task->job.final_text, outcome->final_text);
	err_set(err, ERR_NONE, "%s%s%s", outcome->error_code, outcome->error_code[0] ? ": " : "", outcome->error_detail);
	return ended(ret, ending, err->message);
}

bool step_follow_run(struct task *task, struct job_event *ret, struct err *err)
{
	struct openhands_conversation conversation = {0};
	if (!read_conversation(task, &conversation, err)) return failed(task, ret, err);
	CLEANUP(openhands_outcome_done) struct openhands_outcome outcome = {0};
	char reference[MARKER_SIZE];
	step_marker(task, EFFECT_START, reference);
	/* The events cost a call: they are read only when the conversation has something to say, or nothing any more. */
	bool is_busy = conversation.execution == OPENHANDS_EXECUTION_RUNNING ||
		       conversation.execution == OPENHANDS_EXECUTION_IDLE;
	if (!is_busy && !openhands_read_outcome(task->dispatcher->openhands, &task->user, task->job.record.job_id,
						reference, &outcome, err))
		return failed(task, ret, err);
	return judge_run(task, &conversation, &outcome, ret, err);
}
