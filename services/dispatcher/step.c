/* What all steps share: from errors and ledger outcomes to events. */

#include "services/dispatcher/dispatcher.h"

#include "common/base/mem.h"
#include "services/dispatcher/marker.h"

#include <stdio.h>

#include "common/base/banned.h"

/* How long a job waits for a bot that is locked out, and for a limit that names no time. */
enum { WAIT_LOCKED_OUT_MS = 60 * 1000, WAIT_LIMIT_MS = 30 * 1000 };

typedef bool step_fn(struct task *task, struct job_event *ret, struct err *err);

static step_fn *const steps[] = {
	[STEP_REREAD] = step_reread,
	[STEP_KEY] = step_key,
	[STEP_REACT] = step_react,
	[STEP_REPOSITORY] = step_repository,
	[STEP_START] = step_start,
	[STEP_ACKNOWLEDGE] = step_acknowledge,
	[STEP_FOLLOW_START] = step_follow_start,
	[STEP_FOLLOW_RUN] = step_follow_run,
	[STEP_RESULT] = step_result,
	[STEP_GUIDANCE] = step_guidance,
	[STEP_END] = NULL,
};

bool step_do(struct task *task, struct job_event *ret, struct err *err)
{
	step_fn *step = steps[task->job.machine.step];
	if (!step) return err_set(err, ERR_INTERNAL, "job '%s' has no step to do", task->job.record.job_id);
	return step(task, ret, err);
}

bool step_says(struct job_event *ret, enum job_event_kind kind, enum reason reason, const char *detail)
{
	*ret = (struct job_event){.kind = kind, .reason = reason, .detail = detail};
	return true;
}

bool step_failed(const struct task *task, struct job_event *ret, const struct err *err)
{
	struct job_event event = {.kind = EVENT_RETRY, .detail = err->message};
	int64_t wait_ms = err->retry_after_ms;
	if (err->code == ERR_LIMIT || err->code == ERR_AUTH) {
		event.kind = EVENT_WAIT;
		if (wait_ms <= 0) wait_ms = err->code == ERR_AUTH ? WAIT_LOCKED_OUT_MS : WAIT_LIMIT_MS;
	} else if (err_verdict(err) == VERDICT_DROP) {
		event.kind = EVENT_GIVE_UP;
	}
	if (wait_ms > 0) event.until_ms = task->job.now_ms + wait_ms;
	*ret = event;
	return true;
}

bool step_carry_out(struct task *task, const struct ledger_effect *effect, char **id, struct job_event *ret,
		    struct err *err)
{
	struct ledger_result result;
	if (!ledger_carry_out(&task->dispatcher->ledger, &task->job, effect, &result, err)) return false;
	*ret = (struct job_event){.kind = EVENT_DONE};
	switch (result.outcome) {
	case LEDGER_CONFIRMED:
		if (id) mem_set(id, result.remote_id);
		return true;
	case LEDGER_SKIPPED: return true;
	case LEDGER_REFUSED: return step_says(ret, EVENT_GIVE_UP, REASON_NONE, err->message);
	case LEDGER_LATER: *ret = (struct job_event){.kind = EVENT_LATER, .until_ms = result.until_ms}; return true;
	case LEDGER_AGAIN: return step_failed(task, ret, err);
	}
	return true;
}

bool step_can_speak(const struct task *task, struct err *err)
{
	return secret_is_set(&task->peer.server.token) ||
	       err_set(err, ERR_INPUT, "no bot token for '%s'", task->peer.base_url);
}

void step_marker(const struct task *task, enum effect_kind kind, char ret[])
{
	char effect_id[UUID_TEXT_SIZE + 16];
	(void)snprintf(effect_id, sizeof(effect_id), "%s:%s", task->job.record.job_id, effect_kind_name(kind));
	marker_make(bytes_of(task->dispatcher->installation.bytes, sizeof(task->dispatcher->installation.bytes)),
		    effect_id, ret);
}

const char *task_asked_text(const struct task *task)
{
	return task->job.asked_text ? task->job.asked_text : task->job.record.ask.comment_text;
}
