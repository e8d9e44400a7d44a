/* SQL of triggers and of the way into the outbox. */

#include "services/linker/trigger_store.h"

#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/limits.h"

#include "common/base/banned.h"

/* What of a row a job record needs. */
#define ROW_COLUMNS                                                                             \
	" t.event_key, t.provider, t.connection_id, t.instance_id, t.delivery_id::text,"        \
	" (extract(epoch from t.received_at) * 1000)::bigint, t.start_attempt, t.answer_count," \
	" t.ask::text, t.user_id, t.org_id, t.outcome, t.state, t.job_id::text,"                \
	" (select d.traceparent from delivery d"                                                \
	" where d.day = t.day and d.delivery_id = t.delivery_id),"                              \
	" (select i.base_url from instance i where i.id = t.instance_id),"                      \
	" t.attempts, t.crashes, t.epoch,"                                                      \
	" (extract(epoch from clock_timestamp() - t.opened_at) * 1000)::bigint"

static const char sql_claim[] = "update trigger t set lease_owner = $1,"
				" lease_until = clock_timestamp() + $2 * interval '1 ms', epoch = epoch + 1,"
				" crashes = crashes + 1"
				" where t.event_key = (select event_key from trigger where state = 'NEW'"
				" and next_attempt_at <= clock_timestamp()"
				" and (lease_until is null or lease_until < clock_timestamp())"
				" order by next_attempt_at limit 1 for update skip locked)"
				" returning" ROW_COLUMNS;

/* $7: why it was refused, null for what is to be started. */
static const char sql_decide[] = "update trigger set state = case when $7::text is null then 'SENT' else 'REFUSED' end,"
				 " job_id = $3::uuid, user_id = $4, org_id = $5, detail = $6, outcome = $7,"
				 " answer_count = answer_count + ($7::text is not null)::int,"
				 " decided_at = clock_timestamp(), sent_at = clock_timestamp(), lease_owner = null,"
				 " lease_until = null, crashes = 0"
				 " where event_key = $1 and epoch = $2 and state = 'NEW'";

static const char sql_retry[] = "update trigger set attempts = attempts + 1, detail = $3,"
				" next_attempt_at = clock_timestamp() + $4 * interval '1 ms', lease_owner = null,"
				" lease_until = null, crashes = 0"
				" where event_key = $1 and epoch = $2 and state = 'NEW'";

static const char sql_quarantine[] = "update trigger set state = 'FAILED', outcome = 'QUARANTINED', detail = $3,"
				     " decided_at = clock_timestamp(), lease_owner = null, lease_until = null"
				     " where event_key = $1 and epoch = $2 and state = 'NEW'";

/* The bucket is the writer's own, which it is likely to hold: no other process is waited for. */
static const char sql_outbox[] = "insert into job_outbox (bucket, job_id, event_key, record_key, record, traceparent)"
				 " values (abs(hashtext($6)::bigint) % 16, $1::uuid, $2, $3, $4, $5)";

/* Job rows that came: nothing is on its way any more. */
static const char sql_arrived[] =
	"update trigger t set sent_at = null,"
	" state = case when t.state = 'SENT' and j.kind = 'start' then 'STARTED' else t.state end"
	" from job j where j.job_id = t.job_id and t.sent_at is not null"
	" and t.sent_at < clock_timestamp() - $1 * interval '1 ms'";

static const char sql_overdue[] = "update trigger t set sent_at = clock_timestamp()"
				  " where t.event_key in (select event_key from trigger x where x.sent_at is not null"
				  " and x.sent_at < clock_timestamp() - $1 * interval '1 ms'"
				  " and x.state in ('SENT', 'REFUSED')"
				  " and not exists (select 1 from job j where j.job_id = x.job_id)"
				  " and not exists (select 1 from job_outbox o where o.job_id = x.job_id)"
				  " order by x.sent_at limit 100 for update skip locked)"
				  " returning" ROW_COLUMNS;

static const char sql_open_linked[] =
	"update trigger t set state = 'NEW', outcome = null, detail = 'the account was linked',"
	" attempts = 0, crashes = 0, next_attempt_at = clock_timestamp(),"
	" opened_at = clock_timestamp()"
	" where t.state = 'REFUSED' and t.outcome in ('USER_NOT_LINKED', 'USER_UNKNOWN',"
	" 'LOGIN_NEEDED')"
	" and t.decided_at > clock_timestamp() - interval '24 hours'"
	" and exists (select 1 from user_link l where l.instance_id = t.instance_id"
	" and l.status = 'active' and l.updated_at > t.decided_at"
	" and (l.account_key in (t.ask->'actor'->>'key', t.ask->'actor'->>'id',"
	" t.ask->'actor'->>'name') or l.account_key like 'unavailable:%'"
	" and lower(l.account_name) = lower(t.ask->'actor'->>'email')))";

void trigger_row_done(struct trigger_row *row)
{
	if (!row) return;
	job_record_done(&row->record);
	mem_free(row->base_url);
	*row = (struct trigger_row){0};
}

static bool read_ask(const struct db_rows *rows, int row, struct ask *ret, struct err *err)
{
	const char *text = db_text(rows, row, 8);
	json_auto_t *json = NULL;
	return json_read(bytes_text(text), LIMIT_JOB_RECORD_BYTES, LIMIT_JSON_DEPTH, &json, err) &&
	       ask_from_json(json, ret, err);
}

static void read_record(const struct db_rows *rows, int row, struct job_record *ret)
{
	ret->event_key = db_copy(rows, row, 0);
	(void)!provider_parse(db_text(rows, row, 1), &ret->provider);
	ret->connection_id = db_int(rows, row, 2);
	ret->instance_id = db_int(rows, row, 3);
	(void)snprintf(ret->delivery_id, sizeof(ret->delivery_id), "%s", db_text(rows, row, 4));
	ret->received_at_ms = db_int(rows, row, 5);
	ret->start_attempt = db_int(rows, row, 6);
	ret->user_id = db_copy(rows, row, 9);
	ret->org_id = db_copy(rows, row, 10);
	(void)!reason_parse(db_text(rows, row, 11), &ret->reason);
	ret->kind = strcmp(db_text(rows, row, 12), "REFUSED") == 0 ? JOB_ANSWER : JOB_START;
	(void)snprintf(ret->job_id, sizeof(ret->job_id), "%s", db_text(rows, row, 13));
	ret->traceparent = db_copy(rows, row, 14);
}

static bool read_row(const struct db_rows *rows, int row, struct trigger_row *ret, struct err *err)
{
	CLEANUP(trigger_row_done) struct trigger_row read = {0};
	if (!read_ask(rows, row, &read.record.ask, err)) return err_wrap(err, "trigger '%s'", db_text(rows, row, 0));
	read_record(rows, row, &read.record);
	read.answer_count = db_int(rows, row, 7);
	read.base_url = db_copy(rows, row, 15);
	read.attempts = db_int(rows, row, 16);
	read.crashes = db_int(rows, row, 17);
	read.epoch = db_int(rows, row, 18);
	read.open_ms = db_int(rows, row, 19);
	return MOVE(ret, read);
}

bool trigger_store_claim(struct db_pool *pool, const char *owner, int64_t lease_ms, struct trigger_row *ret,
			 bool *ret_found, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_claim, DB_PARAMS(owner, lease_ms), &rows, err)) return err_wrap(err, "claim a trigger");
	*ret_found = rows.count > 0;
	if (rows.count > 0 && !read_row(&rows, 0, ret, err)) {
		/* What cannot be read never will be: it goes the way of what keeps crashing. */
		*err = (struct err){0};
		ret->record.event_key = db_copy(&rows, 0, 0);
		ret->epoch = db_int(&rows, 0, 18);
		ret->crashes = INT32_MAX;
	}
	return true;
}

static bool put_outbox(struct db *db, const struct job_record *record, const char *owner, struct err *err)
{
	CLEANUP(mem_free_text) char *text = job_record_text(record);
	return db_run(db, sql_outbox,
		      DB_PARAMS(record->job_id, record->event_key, record->ask.subject, text, record->traceparent, owner),
		      NULL, err) ||
	       err_wrap(err, "outbox");
}

static bool write_state(struct db *db, const struct trigger_row *row, const char *detail, bool *ret_held, struct err *err)
{
	const struct job_record *record = &row->record;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	const char *reason = record->kind == JOB_START ? NULL : reason_name(record->reason);
	if (!db_run(db, sql_decide,
		    DB_PARAMS(record->event_key, row->epoch, record->job_id, record->user_id, record->org_id, detail,
			      reason),
		    &rows, err))
		return err_wrap(err, "decide a trigger");
	*ret_held = rows.count > 0;
	return true;
}

enum { BORROW_MS = 5000 };

bool trigger_store_decide(struct db_pool *pool, const char *owner, const struct trigger_row *row, const char *detail,
			  bool *ret_held, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	bool is_held = false;
	if (!db_borrow(pool, BORROW_MS, &db, err) || !db_begin(db, err) || !write_state(db, row, detail, &is_held, err))
		return false;
	if (is_held && (!put_outbox(db, &row->record, owner, err) || !db_commit(db, err))) return false;
	*ret_held = is_held;
	return true;
}

bool trigger_store_retry(struct db_pool *pool, const struct trigger_row *row, int64_t delay_ms, const char *detail,
			 struct err *err)
{
	return db_query(pool, sql_retry, DB_PARAMS(row->record.event_key, row->epoch, detail, delay_ms), NULL, err) ||
	       err_wrap(err, "put a trigger off");
}

bool trigger_store_quarantine(struct db_pool *pool, const struct trigger_row *row, const char *detail, struct err *err)
{
	return db_query(pool, sql_quarantine, DB_PARAMS(row->record.event_key, row->epoch, detail), NULL, err) ||
	       err_wrap(err, "quarantine a trigger");
}

/* --- sweeping ------------------------------------------------------------------------------------- */

static bool send_again(struct db *db, const char *owner, const struct db_rows *rows, struct err *err)
{
	for (int i = 0; i < rows->count; i++) {
		CLEANUP(trigger_row_done) struct trigger_row row = {0};
		if (!read_row(rows, i, &row, err) || !put_outbox(db, &row.record, owner, err)) return false;
	}
	return true;
}

bool trigger_store_sweep(struct db_pool *pool, const char *owner, int64_t age_ms, int64_t *ret_again, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	const struct db_params *params = DB_PARAMS(age_ms);
	if (!db_borrow(pool, BORROW_MS, &db, err) || !db_begin(db, err) || !db_run(db, sql_arrived, params, NULL, err) ||
	    !db_run(db, sql_overdue, params, &rows, err) || !send_again(db, owner, &rows, err) || !db_commit(db, err))
		return err_wrap(err, "sweep");
	*ret_again = rows.count;
	return true;
}

bool trigger_store_open_linked(struct db_pool *pool, int64_t *ret_count, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_open_linked, NULL, &rows, err)) return err_wrap(err, "open what was linked");
	*ret_count = rows.count;
	return true;
}
