/* SQL of table job. */

#include "services/dispatcher/job_store.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

/* The columns say what the record says. */
static const char sql_intake[] =
	"insert into job (job_id, kind, event_key, start_attempt, provider, connection_id,"
	" instance_id, subject, user_id, org_id, record, progress, outcome)"
	" select (record->>'job_id')::uuid, record->>'kind', record->>'event_key',"
	" (record->>'start_attempt')::int, record->>'provider', (record->>'connection_id')::bigint,"
	" (record->>'instance_id')::bigint,"
	" coalesce(record->'ask'->>'subject', record->>'event_key'),"
	" record->>'user_id', record->>'org_id', record, progress, outcome"
	" from jsonb_to_recordset($1::jsonb) as r(record jsonb, progress jsonb, outcome text)"
	" on conflict (job_id) do nothing returning job_id";

static const char sql_started[] = "update trigger t set state = 'STARTED'"
				  " from jsonb_to_recordset($1::jsonb) as r(record jsonb)"
				  " where t.event_key = record->>'event_key' and t.job_id = (record->>'job_id')::uuid"
				  " and t.state = 'SENT' and record->>'kind' = 'start'";

static const char sql_position_set[] =
	"insert into consumer_offset (group_name, topic, topic_partition, next_offset) values ($1, "
	"$2, $3, $4)"
	" on conflict (group_name, topic, topic_partition)"
	" do update set next_offset = excluded.next_offset, updated_at = now()";

static const char sql_position[] = "select next_offset from consumer_offset where group_name = $1 "
				   "and topic = $2 and topic_partition = $3";

static const char sql_claim[] = "update job set lease_owner = $1, lease_until = clock_timestamp() "
				"+ $2 * interval '1 ms', epoch = epoch + 1,"
				" crashes = crashes + 1, updated_at = clock_timestamp()"
				" where job_id = (select job_id from job where ended_at is null "
				"and next_attempt_at <= clock_timestamp()"
				" and (lease_until is null or lease_until < clock_timestamp())"
				" order by next_attempt_at limit 1 for update skip locked)"
				" returning job_id, record, progress, epoch, crashes, user_id, "
				"org_id, repository, git_provider, start_task_id,"
				" (extract(epoch from clock_timestamp()) * 1000)::bigint";

/* $1 job, $2 epoch, then what a step may have changed. */
#define SAVE_COLUMNS                                                                               \
	"update job set state = $3, outcome = $4, detail = $5, progress = $6::jsonb, user_id = "   \
	"$7, org_id = $8,"                                                                         \
	" repository = $9, git_provider = $10, start_task_id = $11, conversation_id = $12::uuid, " \
	"attempts = $13,"                                                                          \
	" updated_at = clock_timestamp()"

static const char sql_save[] = SAVE_COLUMNS ", lease_until = clock_timestamp() + $14 * interval '1 ms', crashes = $15"
					    " where job_id = $1 and epoch = $2"
					    " returning (extract(epoch from clock_timestamp()) * 1000)::bigint";

static const char sql_release[] = SAVE_COLUMNS ", lease_owner = null, lease_until = null, crashes = 0,"
					       " next_attempt_at = to_timestamp($14::bigint / 1000.0),"
					       " ended_at = case when $15::boolean then clock_timestamp() end"
					       " where job_id = $1 and epoch = $2"
					       " returning (extract(epoch from clock_timestamp()) * 1000)::bigint";

/* What cannot be read ends here, so that it is not claimed for ever; what a newer program wrote is left to that one. */
static const char sql_set_aside[] = "update job set lease_owner = null, lease_until = null, crashes = 0, detail = $3,"
				    " next_attempt_at = clock_timestamp() + interval '1 minute',"
				    " state = case when $4::boolean then 'FAILED' else state end,"
				    " outcome = case when $4::boolean then 'QUARANTINED' else outcome end,"
				    " ended_at = case when $4::boolean then clock_timestamp() end"
				    " where job_id = $1 and epoch = $2";

/*
 * A job that ended without a start leaves its key unspent: the ask may be decided again, as the next attempt. Not when a start
 * may have happened all the same: then another one could run beside it.
 */
static const char sql_unspent[] = "update trigger set state = 'REFUSED', outcome = $2, detail = "
				  "$3, start_attempt = start_attempt + 1,"
				  " decided_at = clock_timestamp() where event_key = $1 and job_id "
				  "= $4::uuid and state in ('SENT', 'STARTED')"
				  " and not exists (select 1 from effect e where e.job_id = "
				  "$4::uuid and e.kind = 'start' and (e.state = 'confirmed'"
				  " or e.state = 'attempting' and e.misses < 3))";

static const char sql_conversation[] =
	"insert into conversation (subject, user_id, conversation_id, job_id) values ($1, $2, $3, "
	"$3)"
	" on conflict (subject, user_id) do update set conversation_id = excluded.conversation_id,"
	" job_id = excluded.job_id, updated_at = now()";

static const char sql_note[] = "insert into job_step (job_id, state, reason, detail) values ($1, $2, $3, $4)";

/* By state, all and those that a free worker would claim. */
static const char sql_count[] = "select state, count(*), count(*) filter (where next_attempt_at <= clock_timestamp()"
				" and (lease_until is null or lease_until < clock_timestamp()))"
				" from job where ended_at is null group by state";

void job_done(struct job *job)
{
	if (!job) return;
	job_record_done(&job->record);
	MEM_FREE_ALL(job->user_id, job->org_id, job->org_name, job->repository, job->git_provider, job->start_task_id,
		     job->title, job->final_text, job->asked_text);
	*job = (struct job){0};
}

void job_take_asked(struct job *job, const char *text, const char *visibility_type, const char *visibility_value)
{
	mem_set(&job->asked_text, text);
	mem_set(&job->record.ask.visibility_type, visibility_type);
	mem_set(&job->record.ask.visibility_value, visibility_value);
}

/* ---- progress: the machine's state as JSON ------------------------------------------------------------------- */

static const char *outcome_of(const struct job_machine *machine)
{
	return machine->outcome == REASON_NONE ? NULL : reason_name(machine->outcome);
}

static json_t *progress_of(const struct job_machine *machine)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "phase", job_phase_name(machine->phase), "step",
				 job_step_name(machine->step), "outcome", reason_name(machine->outcome), "ending",
				 job_ending_name(machine->ending));
	json_object_set_new(json, "started", json_boolean(machine->is_started));
	json_put_int(json, "attempts", machine->attempts);
	json_put_int(json, "polls", machine->polls);
	json_put_int(json, "queued_ms", machine->queued_ms);
	json_put_int(json, "next_ms", machine->next_ms);
	json_put_int(json, "deadline_ms", machine->deadline_ms);
	json_put_text(json, "detail", machine->detail);
	json_put_text(json, "told", machine->told);
	return json;
}

static bool progress_read(const json_t *json, enum job_kind kind, struct job_machine *ret, struct err *err)
{
	struct job_machine machine = {.kind = kind};
	if (!job_phase_parse(json_text_at(json, "phase"), &machine.phase) ||
	    !job_step_parse(json_text_at(json, "step"), &machine.step))
		return err_set(err, ERR_INTERNAL, "job: stored progress has no known phase and step");
	const char *outcome = json_text_at(json, "outcome");
	if (outcome && !reason_parse(outcome, &machine.outcome)) machine.outcome = REASON_NONE;
	const char *ending = json_text_at(json, "ending");
	if (ending && !job_ending_parse(ending, &machine.ending)) machine.ending = ENDING_NONE;
	machine.is_started = json_bool_at(json, "started", false);
	machine.attempts = json_int_at(json, "attempts", 0);
	machine.polls = json_int_at(json, "polls", 0);
	machine.queued_ms = json_int_at(json, "queued_ms", 0);
	machine.next_ms = json_int_at(json, "next_ms", 0);
	machine.deadline_ms = json_int_at(json, "deadline_ms", 0);
	text_copy(json_text_at(json, "detail"), machine.detail, sizeof(machine.detail));
	text_copy(json_text_at(json, "told"), machine.told, sizeof(machine.told));
	*ret = machine;
	return true;
}

/* Findings of the steps ride in the same column. */
static char *findings_text(const struct job *job)
{
	json_auto_t *json = progress_of(&job->machine);
	json_put_text(json, "title", job->title);
	json_put_text(json, "org_name", job->org_name);
	json_put_text(json, "final_text", job->final_text);
	if (job->asked_text) {
		json_put_text(json, "asked_text", job->asked_text);
		json_put_text(json, "visibility_type", job->record.ask.visibility_type);
		json_put_text(json, "visibility_value", job->record.ask.visibility_value);
	}
	json_put_int(json, "doubts", job->doubts);
	return json_compact(json);
}

/* ---- intake -------------------------------------------------------------------------------------------------- */

static json_t *arrival_row(const struct job_record *record, const struct job_rules *rules, int64_t now_ms)
{
	struct job_machine machine;
	job_machine_init(&machine, record->kind, record->reason, now_ms, rules);
	/* As we read it, not as it came: the database takes no NUL and no lone surrogate. */
	CLEANUP(mem_free_text) char *text = job_record_text(record);
	return json_pack("{s:o, s:o, s:s?}", "record", json_loads(text, 0, NULL), "progress", progress_of(&machine),
			 "outcome", outcome_of(&machine));
}

static bool store_positions(struct db *db, const struct job_position *positions, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!db_run(db, sql_position_set,
			    DB_PARAMS(positions[i].group, positions[i].topic, positions[i].partition,
				      positions[i].next_offset),
			    NULL, err))
			return false;
	}
	return true;
}

bool job_store_intake(struct db_pool *pool, const struct job_record *records, size_t count,
		      const struct job_position *positions, size_t position_count, const struct job_rules *rules,
		      int64_t now_ms, size_t *ret_new, struct err *err)
{
	json_auto_t *rows = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows, arrival_row(&records[i], rules, now_ms));
	CLEANUP(mem_free_text) char *text = json_compact(rows);

	CLEANUP(db_return) struct db *db = NULL;
	if (!db_borrow(pool, 5000, &db, err) || !db_begin(db, err)) return err_wrap(err, "job intake");
	const struct db_params *params = DB_PARAMS(text);
	CLEANUP(db_rows_done) struct db_rows inserted = {0};
	if (!db_run(db, sql_intake, params, &inserted, err) || !db_run(db, sql_started, params, NULL, err) ||
	    !store_positions(db, positions, position_count, err) || !db_commit(db, err))
		return err_wrap(err, "job intake");
	*ret_new = (size_t)inserted.count;
	return true;
}

bool job_store_position(struct db_pool *pool, const char *group, const char *topic, int32_t partition, int64_t *ret,
			struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_position, DB_PARAMS(group, topic, partition), &rows, err))
		return err_wrap(err, "stored position");
	*ret = rows.count > 0 ? db_int(&rows, 0, 0) : -1;
	return true;
}

/* ---- claim, save, release ------------------------------------------------------------------------------------ */

static bool job_from_row(const struct db_rows *rows, struct job *ret, struct err *err)
{
	CLEANUP(job_done) struct job job = {0};
	if (!job_record_read(bytes_text(db_text(rows, 0, 1)), &job.record, err))
		return err_wrap(err, "job '%s'", db_text(rows, 0, 0));
	json_auto_t *progress = json_loads(db_text(rows, 0, 2), JSON_ALLOW_NUL, NULL);
	if (!progress_read(progress, job.record.kind, &job.machine, err))
		return err_wrap(err, "job '%s'", db_text(rows, 0, 0));
	job.title = mem_dup(json_text_at(progress, "title"));
	job.org_name = mem_dup(json_text_at(progress, "org_name"));
	job.final_text = mem_dup(json_text_at(progress, "final_text"));
	if (json_text_at(progress, "asked_text"))
		job_take_asked(&job, json_text_at(progress, "asked_text"), json_text_at(progress, "visibility_type"),
			       json_text_at(progress, "visibility_value"));
	job.doubts = json_int_at(progress, "doubts", 0);
	job.epoch = db_int(rows, 0, 3);
	job.crashes = db_int(rows, 0, 4);
	job.user_id = db_copy(rows, 0, 5);
	job.org_id = db_copy(rows, 0, 6);
	job.repository = db_copy(rows, 0, 7);
	job.git_provider = db_copy(rows, 0, 8);
	job.start_task_id = db_copy(rows, 0, 9);
	job.now_ms = db_int(rows, 0, 10);
	return MOVE(ret, job);
}

static bool set_unreadable_aside(struct db_pool *pool, const struct db_rows *rows, struct err *err)
{
	struct err failure = {0};
	if (!db_query(pool, sql_set_aside,
		      DB_PARAMS(db_text(rows, 0, 0), db_int(rows, 0, 3), err->message, err->code != ERR_CONFLICT), NULL,
		      &failure))
		return err_wrap(err, "not set aside (%s)", failure.message);
	return false;
}

bool job_store_claim(struct db_pool *pool, const char *owner, int64_t lease_ms, struct job *ret, bool *ret_found,
		     struct err *err)
{
	int64_t asked_mono_ms = sysclock_monotonic_ms();
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_claim, DB_PARAMS(owner, lease_ms), &rows, err)) return err_wrap(err, "claim a job");
	*ret_found = rows.count > 0;
	if (rows.count == 0) return true;
	if (!job_from_row(&rows, ret, err)) return set_unreadable_aside(pool, &rows, err);
	ret->lease_until_mono_ms = asked_mono_ms + lease_ms;
	return true;
}

/* Parameters of sql_save and sql_release, which differ in the last two. */
static struct db_params saved(const struct job *job, const char *progress, int64_t last_but_one, int64_t last)
{
	const struct job_machine *machine = &job->machine;
	return *DB_PARAMS(job->record.job_id, job->epoch, job_phase_name(machine->phase), outcome_of(machine),
			  machine->detail[0] ? machine->detail : NULL, progress, job->user_id, job->org_id,
			  job->repository, job->git_provider, job->start_task_id,
			  machine->is_started ? job->record.job_id : NULL, machine->attempts, last_but_one, last);
}

static bool take_time(const struct db_rows *rows, struct job *job, struct err *err)
{
	if (rows->count == 0)
		return err_set(err, ERR_CONFLICT, "job '%s': the lease went to somebody else", job->record.job_id);
	job->now_ms = db_int(rows, 0, 0);
	return true;
}

bool job_store_save(struct db_pool *pool, struct job *job, int64_t lease_ms, struct err *err)
{
	int64_t asked_mono_ms = sysclock_monotonic_ms();
	CLEANUP(mem_free_text) char *progress = findings_text(job);
	struct db_params params = saved(job, progress, lease_ms, job->crashes);
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_save, &params, &rows, err) || !take_time(&rows, job, err))
		return err_wrap(err, "save job");
	job->lease_until_mono_ms = asked_mono_ms + lease_ms;
	return true;
}

static bool note_unspent(struct db *db, const struct job *job, struct err *err)
{
	if (job->machine.is_started || job->record.kind != JOB_START || !job_machine_is_ended(&job->machine))
		return true;
	return db_run(db, sql_unspent,
		      DB_PARAMS(job->record.event_key, reason_name(job->machine.outcome), job->machine.detail,
				job->record.job_id),
		      NULL, err);
}

static bool note_conversation(struct db *db, const struct job *job, struct err *err)
{
	if (!job->machine.is_started || !job->user_id || !job->record.ask.subject) return true;
	return db_run(db, sql_conversation, DB_PARAMS(job->record.ask.subject, job->user_id, job->record.job_id), NULL,
		      err);
}

bool job_store_release(struct db_pool *pool, struct job *job, struct err *err)
{
	CLEANUP(mem_free_text) char *progress = findings_text(job);
	struct db_params params = saved(job, progress, job->machine.next_ms, job_machine_is_ended(&job->machine));
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_borrow(pool, 5000, &db, err) || !db_begin(db, err) || !db_run(db, sql_release, &params, &rows, err) ||
	    !take_time(&rows, job, err) || !note_unspent(db, job, err) || !note_conversation(db, job, err) ||
	    !db_commit(db, err))
		return err_wrap(err, "release job");
	return true;
}

bool job_store_note(struct db_pool *pool, const struct job *job, struct err *err)
{
	const struct job_machine *machine = &job->machine;
	return db_query(pool, sql_note,
			DB_PARAMS(job->record.job_id, job_phase_name(machine->phase), outcome_of(machine),
				  machine->detail[0] ? machine->detail : NULL),
			NULL, err);
}

bool job_store_count(struct db_pool *pool, int64_t ret[JOB_STOPPED + 1], int64_t *ret_waiting, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_count, NULL, &rows, err)) return err_wrap(err, "count jobs");
	(void)memset(ret, 0, (JOB_STOPPED + 1) * sizeof(*ret));
	*ret_waiting = 0;
	for (int i = 0; i < rows.count; i++) {
		enum job_phase phase;
		if (job_phase_parse(db_text(&rows, i, 0), &phase)) ret[phase] = db_int(&rows, i, 1);
		*ret_waiting += db_int(&rows, i, 2);
	}
	return true;
}
