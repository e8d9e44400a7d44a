/* SQL of intake. A batch is a handful of statements over arrays of records. */

#include "services/linker/intake_store.h"

#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include "common/base/banned.h"

#define DAY_OF(alias) "(to_timestamp(" alias ".received_at_ms / 1000.0) at time zone 'UTC')::date"

static const char sql_position[] = "select coalesce(max(next_offset), -1) from consumer_offset"
				   " where group_name = $1 and topic = $2 and topic_partition = $3";

/* $3: [{topic_partition, first_offset}]. Stops at 3: only a record run alone counts further. */
static const char sql_count_batch[] =
	"with counted as (insert into intake_attempt (group_name, topic, topic_partition, first_offset, attempts)"
	" select $1, $2, r.topic_partition, r.first_offset, 1"
	" from jsonb_to_recordset($3::jsonb) as r(topic_partition int, first_offset bigint)"
	" order by r.topic_partition"
	" on conflict (group_name, topic, topic_partition) do update set attempts ="
	" case when intake_attempt.first_offset = excluded.first_offset"
	" then greatest(intake_attempt.attempts, least(intake_attempt.attempts + 1, 3)) else 1 end,"
	" first_offset = excluded.first_offset, updated_at = now() returning attempts)"
	" select coalesce(max(attempts), 0) from counted";

static const char sql_count_record[] =
	"insert into intake_attempt (group_name, topic, topic_partition, first_offset, attempts)"
	" values ($1, $2, $3, $4, 4)"
	" on conflict (group_name, topic, topic_partition) do update set attempts ="
	" case when intake_attempt.first_offset = excluded.first_offset"
	" then intake_attempt.attempts + 1 else 4 end,"
	" first_offset = excluded.first_offset, updated_at = now() returning attempts";

static const char sql_day[] = "select delivery_partition((to_timestamp($1::bigint / 1000.0) at time zone 'UTC')::date)";

static const char sql_deliveries[] =
	"insert into delivery (day, delivery_id, provider, connection_id, event, event_key, "
	"subject,"
	" source, verdict, request_id, detail, received_at, topic_partition, topic_offset,"
	" body_sha256, traceparent, secret_used)"
	" select " DAY_OF("r") ", r.delivery_id, r.provider, r.connection_id, r.event, r.event_key,"
			       " r.subject, r.source, r.verdict, r.request_id, r.detail,"
			       " to_timestamp(r.received_at_ms / 1000.0), r.topic_partition, r.topic_offset,"
			       " r.body_sha256, r.traceparent, r.secret_used"
			       " from jsonb_to_recordset($1::jsonb) as r(delivery_id uuid, provider text,"
			       " connection_id bigint, event text, event_key text, subject text, source text,"
			       " verdict text, request_id text, detail text, received_at_ms bigint, "
			       "topic_partition int,"
			       " topic_offset bigint, body_sha256 text, traceparent text, secret_used text)"
			       " order by r.delivery_id"
			       " on conflict (day, delivery_id) do nothing returning delivery_id::text";

#define ASK_COLUMNS                                                                              \
	"r(event_key text, alias_key text, provider text, connection_id bigint,"                 \
	" instance_id bigint, subject text, kind text, delivery_id uuid, received_at_ms bigint," \
	" ask jsonb)"

/* Ordered by key, so that two batches that meet cannot wait for each other in a circle. */
static const char sql_triggers[] =
	"insert into trigger (event_key, provider, connection_id, instance_id, subject, kind, day,"
	" delivery_id, received_at, ask)"
	" select distinct on (r.event_key) r.event_key, r.provider, r.connection_id, r.instance_id,"
	" r.subject, r.kind, " DAY_OF("r") ", r.delivery_id,"
					   " to_timestamp(r.received_at_ms / 1000.0), r.ask"
					   " from jsonb_to_recordset($1::jsonb) as " ASK_COLUMNS
					   " order by r.event_key, r.received_at_ms, r.delivery_id"
					   " on conflict (event_key) do nothing returning delivery_id::text";

static const char sql_aliases[] =
	"insert into trigger (event_key, alias_of, provider, connection_id, instance_id, subject,"
	" kind, day, delivery_id, received_at, ask, state)"
	" select distinct on (r.alias_key) r.alias_key, r.event_key, r.provider, r.connection_id,"
	" r.instance_id, r.subject, 'label', " DAY_OF(
		"r") ", r.delivery_id,"
		     " to_timestamp(r.received_at_ms / 1000.0), '{}'::jsonb, 'ALIAS'"
		     " from jsonb_to_recordset($1::jsonb) as " ASK_COLUMNS
		     " where r.alias_key is not null order by r.alias_key, r.received_at_ms, "
		     "r.delivery_id"
		     " on conflict (event_key) do nothing";

/*
 * A refused ask is decided again when it is delivered after the refusal. Jira's second delivery of the same change (another
 * event, the same time of change) is no new ask, however late it comes within a minute.
 */
static const char sql_reopen[] =
	"update trigger t set state = 'NEW', ask = r.ask, connection_id = r.connection_id,"
	" day = r.day, delivery_id = r.delivery_id, received_at = r.received_at, outcome = null,"
	" detail = null, attempts = 0, crashes = 0, next_attempt_at = now(), opened_at = now()"
	" from (select distinct on (r.event_key) r.event_key, r.connection_id, r.delivery_id, "
	"r.ask,"
	" " DAY_OF("r") " as day, to_timestamp(r.received_at_ms / 1000.0) as received_at"
			" from jsonb_to_recordset($1::jsonb) as " ASK_COLUMNS
			" order by r.event_key, r.received_at_ms desc, r.delivery_id) r"
			" where t.event_key = r.event_key and t.state in ('REFUSED', 'FAILED')"
			" and t.delivery_id <> r.delivery_id and r.received_at > t.decided_at"
			" and not (t.ask->>'event' is distinct from r.ask->>'event'"
			" and t.ask->>'happened_at_ms' = r.ask->>'happened_at_ms'"
			" and r.received_at < t.received_at + interval '1 minute')"
			" returning t.delivery_id::text";

static const char sql_duplicates[] = "update delivery d set verdict = 'DUPLICATE'"
				     " from jsonb_to_recordset($1::jsonb) as r(delivery_id uuid, received_at_ms bigint)"
				     " where d.day = " DAY_OF("r") " and d.delivery_id = r.delivery_id";

/* $3: [{topic_partition, next_offset}]; the count of attempts starts anew. */
static const char sql_positions[] = "with p as (select * from jsonb_to_recordset($3::jsonb)"
				    " as r(topic_partition int, next_offset bigint)),"
				    " z as (update intake_attempt a set attempts = 0 from p where a.group_name = $1"
				    " and a.topic = $2 and a.topic_partition = p.topic_partition and a.attempts > 0)"
				    " insert into consumer_offset (group_name, topic, topic_partition, next_offset)"
				    " select $1, $2, p.topic_partition, p.next_offset from p order by p.topic_partition"
				    " on conflict (group_name, topic, topic_partition)"
				    " do update set next_offset = excluded.next_offset, updated_at = now()";

/* The number that a statement's only row holds. */
static bool read_number(struct db_pool *pool, const char *what, const char *sql, const struct db_params *params,
			int64_t *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql, params, &rows, err)) return err_wrap(err, "%s", what);
	*ret = db_int(&rows, 0, 0);
	return true;
}

bool intake_store_position(struct db_pool *pool, const struct intake_place *place, int32_t partition, int64_t *ret,
			   struct err *err)
{
	return read_number(pool, "stored position", sql_position, DB_PARAMS(place->group, place->topic, partition), ret,
			   err);
}

static char *spans_text(const struct intake_span *spans, size_t count)
{
	json_auto_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		(void)json_array_append_new(list, json_pack("{s:i, s:I, s:I}", "topic_partition", spans[i].partition,
							    "first_offset", spans[i].first_offset, "next_offset",
							    spans[i].next_offset));
	}
	return json_compact(list);
}

bool intake_store_count_batch(struct db_pool *pool, const struct intake_place *place, const struct intake_span *spans,
			      size_t count, int64_t *ret_attempts, struct err *err)
{
	CLEANUP(mem_free_text) char *text = spans_text(spans, count);
	return read_number(pool, "count attempts", sql_count_batch, DB_PARAMS(place->group, place->topic, text),
			   ret_attempts, err);
}

bool intake_store_count_record(struct db_pool *pool, const struct intake_place *place, int32_t partition,
			       int64_t offset, int64_t *ret_attempts, struct err *err)
{
	return read_number(pool, "count attempts", sql_count_record,
			   DB_PARAMS(place->group, place->topic, partition, offset), ret_attempts, err);
}

bool intake_store_day(struct db_pool *pool, int64_t received_at_ms, struct err *err)
{
	return db_query(pool, sql_day, DB_PARAMS(received_at_ms), NULL, err) || err_wrap(err, "partition of a day");
}

/* --- one batch ------------------------------------------------------------------------------------ */

/* A batch on its way through the transaction. */
struct writing {
	struct db *db;
	struct intake_record *records;
	size_t count;
	bool *is_new; /* deliveries that were not there */
	bool *is_won; /* of these, asks that made or opened a trigger */
};

/* Which records a statement is about. */
enum which {
	ALL,
	ASKS,   /* of deliveries seen for the first time */
	LOSERS, /* of these, those that neither made nor opened a trigger */
};

static bool is_meant(const struct writing *writing, size_t i, enum which which)
{
	return which == ALL ||
	       (writing->records[i].is_ask && writing->is_new[i] && (which == ASKS || !writing->is_won[i]));
}

/* What the statements read of a record, each its part. */
static json_t *record_json(const struct intake_record *record)
{
	const struct delivery *delivery = &record->delivery;
	const struct ask *ask = &record->ask;
	json_t *json = json_pack("{s:I, s:I, s:I, s:i, s:I}", "connection_id", delivery->connection_id, "instance_id",
				 record->instance_id, "received_at_ms", delivery->received_at_ms, "topic_partition",
				 record->partition, "topic_offset", record->offset);
	JSON_PUT_TEXTS(json, "delivery_id", delivery->id, "provider", provider_name(delivery->provider), "event",
		       delivery->event, "event_key", ask->event_key, "alias_key", ask->alias_key, "subject",
		       ask->subject, "source", delivery->source, "verdict", reason_name(record->verdict), "request_id",
		       delivery->request_id, "detail", record->detail[0] != '\0' ? record->detail : NULL, "body_sha256",
		       delivery->body_sha256, "traceparent", delivery->traceparent, "secret_used", delivery->secret_used);
	if (!record->is_ask) return json;
	json_put_text(json, "kind", trigger_kind_name(ask->kind));
	(void)json_object_set_new(json, "ask", ask_to_json(ask));
	return json;
}

/* Set the mark of each record whose delivery id is among the rows; two copies of one id: only the first. */
static void mark(const struct writing *writing, const struct db_rows *rows, bool *marks)
{
	for (int row = 0; row < rows->count; row++) {
		const char *id = db_text(rows, row, 0);
		bool is_found = false;
		for (size_t i = 0; i < writing->count && !is_found; i++) {
			is_found = strcmp(writing->records[i].delivery.id, id) == 0;
			marks[i] = marks[i] || is_found;
		}
	}
}

/* Runs a statement over the records that are meant, if any; the rows it returns are marked. */
static bool write_records(const struct writing *writing, const char *what, const char *sql, enum which which,
			  bool *marks, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	json_auto_t *list = json_array();
	for (size_t i = 0; i < writing->count; i++) {
		if (is_meant(writing, i, which)) (void)json_array_append_new(list, record_json(&writing->records[i]));
	}
	if (json_array_size(list) == 0) return true;
	CLEANUP(mem_free_text) char *text = json_compact(list);
	if (!db_run(writing->db, sql, DB_PARAMS(text), &rows, err)) return err_wrap(err, "%s", what);
	if (marks) mark(writing, &rows, marks);
	return true;
}

static bool write_positions(struct db *db, const struct intake_place *place, const struct intake_span *spans,
			    size_t count, struct err *err)
{
	CLEANUP(mem_free_text) char *text = spans_text(spans, count);
	return db_run(db, sql_positions, DB_PARAMS(place->group, place->topic, text), NULL, err) ||
	       err_wrap(err, "positions");
}

/* What neither made nor opened a trigger speaks of one that is there. */
static bool write_batch(const struct writing *writing, struct err *err)
{
	return write_records(writing, "deliveries", sql_deliveries, ALL, writing->is_new, err) &&
	       write_records(writing, "triggers", sql_triggers, ASKS, writing->is_won, err) &&
	       write_records(writing, "triggers", sql_aliases, ASKS, NULL, err) &&
	       write_records(writing, "refused triggers", sql_reopen, LOSERS, writing->is_won, err) &&
	       write_records(writing, "duplicates", sql_duplicates, LOSERS, NULL, err);
}

static void writing_done(struct writing *writing)
{
	db_return(&writing->db);
	MEM_FREE_ALL(writing->is_new, writing->is_won);
}

bool intake_store_batch(struct db_pool *pool, const struct intake_place *place, struct intake_record *records,
			size_t count, const struct intake_span *spans, size_t span_count, size_t *ret_asks,
			struct err *err)
{
	enum { BORROW_MS = 5000 };
	CLEANUP(writing_done) struct writing writing = {
		.records = records,
		.count = count,
		.is_new = mem_zalloc(count + 1, sizeof(bool)),
		.is_won = mem_zalloc(count + 1, sizeof(bool)),
	};
	size_t asks = 0;
	if (!db_borrow(pool, BORROW_MS, &writing.db, err) || !db_begin(writing.db, err) || !write_batch(&writing, err) ||
	    !write_positions(writing.db, place, spans, span_count, err) || !db_commit(writing.db, err))
		return err_wrap(err, "intake");
	for (size_t i = 0; i < count; i++) {
		if (is_meant(&writing, i, LOSERS)) records[i].verdict = REASON_DUPLICATE;
		asks += writing.is_won[i] ? 1 : 0;
	}
	*ret_asks = asks;
	return true;
}
