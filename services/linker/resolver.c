/* Claim, look up, decide. A trigger whose worker dies is claimed again when its lease ends. */

#include "services/linker/resolver.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/backoff.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/entropy.h"
#include "common/io/log.h"
#include "services/linker/trigger_store.h"

#include "common/base/banned.h"

enum {
	IDLE_WAIT_MS = 500, /* how long a trigger of another replica may lie unseen */
	FAILURE_PAUSE_MS = 1000,
	FAILURE_LOG_MS = 10000, /* between two lines about it, of all threads */
	CRASHES_MAX = 3,
	RETRY_FIRST_MS = 1000,
	RETRY_MAX_MS = 60 * 1000, /* a directory that is back is noticed within a minute */
};

struct resolver {
	struct linker *linker;
	int64_t lease_ms;
	int64_t horizon_ms;
	struct log_gap failing;
	size_t thread_count;
	pthread_t threads[];
};

static void count_outcome(const struct linker *linker, const char *outcome)
{
	char labels[64];
	(void)snprintf(labels, sizeof(labels), "outcome=\"%s\"", outcome);
	metric_add(metrics_cell(linker->metrics, METRIC_COUNTER, "ohdc_triggers_decided_total", labels,
				"Asks decided, by outcome"),
		   1);
}

/* --- one trigger ---------------------------------------------------------------------------------- */

/* With a user it is started, else refused. */
static bool decide(const struct resolver *resolver, struct trigger_row *row, const struct lookup_answer *answer,
		   const char *detail, struct err *err)
{
	struct linker *linker = resolver->linker;
	struct job_record *record = &row->record;
	bool is_start = answer->user_id != NULL;
	const char *outcome = is_start ? "SENT" : reason_name(answer->reason);
	int64_t number = is_start ? record->start_attempt : row->answer_count + 1;
	bool is_held = false;
	record->kind = is_start ? JOB_START : JOB_ANSWER;
	record->reason = is_start ? REASON_NONE : answer->reason;
	mem_set(&record->user_id, answer->user_id);
	mem_set(&record->org_id, answer->org_id);
	job_id_make(&linker->installation, record->kind, record->event_key, number, record->job_id);
	if (!trigger_store_decide(linker->pool, linker->owner, row, detail, &is_held, err)) return false;
	if (!is_held) {
		LOG_INFO("lease lost, the decision is another's", LOG_TEXT("event_key", record->event_key));
		return true;
	}
	wake_ring(&linker->to_send, 1);
	count_outcome(linker, outcome);
	LOG_INFO("ask decided", LOG_TEXT("event_key", record->event_key), LOG_TEXT("outcome", outcome),
		 LOG_TEXT("job_id", record->job_id), LOG_TEXT("detail", detail));
	return true;
}

/* A directory that cannot be asked is asked again, until people are told that it does not answer. */
static bool put_off(const struct resolver *resolver, struct trigger_row *row, const struct err *why, struct err *err)
{
	static const struct backoff backoff = {RETRY_FIRST_MS, RETRY_MAX_MS};
	static const struct lookup_answer nobody = {.reason = REASON_UPSTREAM_FAILED};
	int64_t delay_ms = backoff_delay_ms(&backoff, row->attempts + 1, entropy_u32());
	if (row->open_ms + delay_ms > resolver->horizon_ms) return decide(resolver, row, &nobody, why->message, err);
	if (why->retry_after_ms > delay_ms) delay_ms = why->retry_after_ms;
	LOG_WARN("directory cannot be asked, later again", LOG_TEXT("event_key", row->record.event_key),
		 LOG_TEXT("error", why->message), LOG_INT("attempts", row->attempts + 1), LOG_INT("delay_ms", delay_ms));
	return trigger_store_retry(resolver->linker->pool, row, delay_ms, why->message, err);
}

static bool resolve(const struct resolver *resolver, struct trigger_row *row, struct err *err)
{
	const struct lookup_question question = {
		.provider = row->record.provider,
		.instance_id = row->record.instance_id,
		.base_url = row->base_url ? row->base_url : "",
		.actor = &row->record.ask.actor,
	};
	CLEANUP(lookup_answer_done) struct lookup_answer answer = {0};
	struct err why = {0};
	switch (directories_find(resolver->linker->directories, &question, &answer, &why)) {
	case LOOKUP_HIT: return decide(resolver, row, &answer, NULL, err);
	case LOOKUP_MISS:
	case LOOKUP_REFUSED: return decide(resolver, row, &answer, answer.detail, err);
	case LOOKUP_FAILED: return put_off(resolver, row, &why, err);
	}
	return true;
}

static bool quarantine(const struct resolver *resolver, const struct trigger_row *row, struct err *err)
{
	LOG_ERROR("ask set aside: its look-ups ended the process", LOG_TEXT("event_key", row->record.event_key),
		  LOG_INT("crashes", row->crashes - 1));
	count_outcome(resolver->linker, reason_name(REASON_QUARANTINED));
	return trigger_store_quarantine(resolver->linker->pool, row, "three look-ups in a row did not come back", err);
}

static bool work_once(const struct resolver *resolver, struct err *err)
{
	struct linker *linker = resolver->linker;
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	bool is_found = false;
	if (!trigger_store_claim(linker->pool, linker->owner, resolver->lease_ms, &row, &is_found, err)) return false;
	if (!is_found) {
		wake_wait(&linker->to_decide, IDLE_WAIT_MS);
		return true;
	}
	CLEANUP(log_scope_leave) struct log_scope scope;
	log_scope_enter(&scope, LOG_TEXT("delivery_id", row.record.delivery_id));
	if (row.crashes > CRASHES_MAX) return quarantine(resolver, &row, err);
	return resolve(resolver, &row, err);
}

/* --- threads -------------------------------------------------------------------------------------- */

static void *run(void *context)
{
	struct resolver *resolver = context;
	while (!daemon_is_stopping(resolver->linker->daemon)) {
		struct err err = {0};
		if (work_once(resolver, &err)) continue;
		if (log_gap_passed(&resolver->failing, FAILURE_LOG_MS)) log_err("asks cannot be decided", &err);
		daemon_pause(resolver->linker->daemon, FAILURE_PAUSE_MS);
	}
	return NULL;
}

bool resolver_new(struct linker *linker, struct resolver **ret, struct err *err)
{
	size_t count = (size_t)config_int(linker->config, "OHDC_WORKERS");
	struct resolver *resolver = mem_zalloc(1, sizeof(*resolver) + count * sizeof(pthread_t));
	resolver->linker = linker;
	resolver->lease_ms = config_int(linker->config, "OHDC_LEASE_MS");
	resolver->horizon_ms = config_int(linker->config, "OHDC_RETRY_HORIZON_S") * 1000;
	*ret = resolver;
	for (size_t i = 0; i < count; i++) {
		if (pthread_create(&resolver->threads[i], NULL, run, resolver) != 0)
			return err_set(err, ERR_BUSY, "no thread for worker %zu", i);
		resolver->thread_count++;
	}
	return true;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver) return;
	wake_ring(&resolver->linker->to_decide, resolver->thread_count);
	for (size_t i = 0; i < resolver->thread_count; i++)
		pthread_join(resolver->threads[i], NULL);
	mem_free(resolver);
}
