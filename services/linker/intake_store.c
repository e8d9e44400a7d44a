/* SQL of intake. A batch is a handful of statements over arrays of records. */

#include "services/linker/intake_store.h"

#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include "common/base/banned.h"

#define DAY_OF(alias) "(to_timestamp(" alias ".received_at_ms / 1000.0) at time zone 'UTC')::date"

static const char sql_position[] = "select next_offset from consumer_offset"
				   " where group_name = $1 and topic = $2 and topic_partition = $3";

/* $3: [{topic_partition, first_offset}]. Stops at 3: only a record run alone counts further. */
static const char sql_count_batch[] =
	"insert into intake_attempt (group_name, topic, topic_partition, first_offset, attempts)"
	" select $1, $2, r.topic_partition, r.first_offset, 1"
	" from jsonb_to_recordset($3::jsonb) as r(topic_partition int, first_offset bigint)"
	" order by r.topic_partition"
	" on conflict (group_name, topic, topic_partition) do update set attempts ="
	" case when intake_attempt.first_offset = excluded.first_offset"
	" then greatest(intake_attempt.attempts, least(intake_attempt.attempts + 1, 3)) else 1 end,"
	" first_offset = excluded.first_offset, updated_at = now() returning attempts";

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

bool intake_store_position(struct db_pool *pool, const struct intake_place *place, int32_t partition, int64_t *ret,
			   struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_position, DB_PARAMS(place->group, place->topic, partition), &rows, err))
		return err_wrap(err, "stored position");
	*ret = rows.count > 0 ? db_int(&rows, 0, 0) : -1;
	return true;
}

static char *spans_text(const struct intake_span *spans, size_t count)
{
	json_auto_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *item = json_object();
		json_put_int(item, "topic_partition", spans[i].partition);
		json_put_int(item, "first_offset", spans[i].first_offset);
		json_put_int(item, "next_offset", spans[i].next_offset);
		(void)json_array_append_new(list, item);
	}
	return json_compact(list);
}

bool intake_store_count_batch(struct db_pool *pool, const struct intake_place *place, const struct intake_span *spans,
			      size_t count, int64_t *ret_attempts, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CLEANUP(mem_free_text) char *text = spans_text(spans, count);
	if (!db_query(pool, sql_count_batch, DB_PARAMS(place->group, place->topic, text), &rows, err))
		return err_wrap(err, "count attempts");
	*ret_attempts = 0;
	for (int row = 0; row < rows.count; row++) {
		if (db_int(&rows, row, 0) > *ret_attempts) *ret_attempts = db_int(&rows, row, 0);
	}
	return true;
}

bool intake_store_count_record(struct db_pool *pool, const struct intake_place *place, int32_t partition,
			       int64_t offset, int64_t *ret_attempts, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_count_record, DB_PARAMS(place->group, place->topic, partition, offset), &rows, err))
		return err_wrap(err, "count attempts");
	*ret_attempts = db_int(&rows, 0, 0);
	return true;
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

static json_t *delivery_json(const struct intake_record *record)
{
	const struct delivery *delivery = &record->delivery;
	json_t *json = json_object();
	json_put_text(json, "delivery_id", delivery->id);
	json_put_text(json, "provider", provider_name(delivery->provider));
	json_put_int(json, "connection_id", delivery->connection_id);
	json_put_text(json, "event", delivery->event);
	json_put_text(json, "event_key", record->ask.event_key);
	json_put_text(json, "subject", record->ask.subject);
	json_put_text(json, "source", delivery->source);
	json_put_text(json, "verdict", reason_name(record->verdict));
	json_put_text(json, "request_id", delivery->request_id);
	json_put_text(json, "detail", record->detail[0] != '\0' ? record->detail : NULL);
	json_put_int(json, "received_at_ms", delivery->received_at_ms);
	json_put_int(json, "topic_partition", record->partition);
	json_put_int(json, "topic_offset", record->offset);
	json_put_text(json, "body_sha256", delivery->body_sha256);
	json_put_text(json, "traceparent", delivery->traceparent);
	json_put_text(json, "secret_used", delivery->secret_used);
	return json;
}

static json_t *ask_json(const struct intake_record *record)
{
	json_t *json = json_object();
	json_put_text(json, "event_key", record->ask.event_key);
	json_put_text(json, "alias_key", record->ask.alias_key);
	json_put_text(json, "provider", provider_name(record->delivery.provider));
	json_put_int(json, "connection_id", record->delivery.connection_id);
	json_put_int(json, "instance_id", record->instance_id);
	json_put_text(json, "subject", record->ask.subject);
	json_put_text(json, "kind", trigger_kind_name(record->ask.kind));
	json_put_text(json, "delivery_id", record->delivery.id);
	json_put_int(json, "received_at_ms", record->delivery.received_at_ms);
	(void)json_object_set_new(json, "ask", ask_to_json(&record->ask));
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

static bool run_list(const struct writing *writing, const char *sql, const json_t *list, bool *marks, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CLEANUP(mem_free_text) char *text = json_compact(list);
	if (!db_run(writing->db, sql, DB_PARAMS(text), &rows, err)) return false;
	if (marks) mark(writing, &rows, marks);
	return true;
}

static bool write_deliveries(const struct writing *writing, struct err *err)
{
	json_auto_t *list = json_array();
	for (size_t i = 0; i < writing->count; i++)
		(void)json_array_append_new(list, delivery_json(&writing->records[i]));
	if (json_array_size(list) == 0) return true;
	return run_list(writing, sql_deliveries, list, writing->is_new, err) || err_wrap(err, "deliveries");
}

/* Asks of deliveries seen for the first time; with `losers_only` those that did not make a trigger. */
static json_t *list_asks(const struct writing *writing, bool losers_only)
{
	json_t *list = json_array();
	for (size_t i = 0; i < writing->count; i++) {
		if (writing->records[i].is_ask && writing->is_new[i] && !(losers_only && writing->is_won[i]))
			(void)json_array_append_new(list, ask_json(&writing->records[i]));
	}
	return list;
}

static bool has_alias(const struct writing *writing)
{
	for (size_t i = 0; i < writing->count; i++) {
		if (writing->records[i].is_ask && writing->records[i].ask.alias_key) return true;
	}
	return false;
}

/* What neither made nor opened a trigger speaks of one that is there. */
static bool write_duplicates(const struct writing *writing, struct err *err)
{
	json_auto_t *list = json_array();
	for (size_t i = 0; i < writing->count; i++) {
		struct intake_record *record = &writing->records[i];
		json_t *item;
		if (!record->is_ask || !writing->is_new[i] || writing->is_won[i]) continue;
		record->verdict = REASON_DUPLICATE;
		item = json_object();
		json_put_text(item, "delivery_id", record->delivery.id);
		json_put_int(item, "received_at_ms", record->delivery.received_at_ms);
		(void)json_array_append_new(list, item);
	}
	return json_array_size(list) == 0 || run_list(writing, sql_duplicates, list, NULL, err) ||
	       err_wrap(err, "duplicates");
}

static bool write_asks(const struct writing *writing, struct err *err)
{
	json_auto_t *asks = list_asks(writing, false);
	json_auto_t *losers = NULL;
	if (json_array_size(asks) == 0) return true;
	if (!run_list(writing, sql_triggers, asks, writing->is_won, err) ||
	    (has_alias(writing) && !run_list(writing, sql_aliases, asks, NULL, err)))
		return err_wrap(err, "triggers");
	losers = list_asks(writing, true);
	if (json_array_size(losers) > 0 && !run_list(writing, sql_reopen, losers, writing->is_won, err))
		return err_wrap(err, "refused triggers");
	return write_duplicates(writing, err);
}

static bool write_positions(struct db *db, const struct intake_place *place, const struct intake_span *spans,
			    size_t count, struct err *err)
{
	CLEANUP(mem_free_text) char *text = spans_text(spans, count);
	return db_run(db, sql_positions, DB_PARAMS(place->group, place->topic, text), NULL, err) ||
	       err_wrap(err, "positions");
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
	if (!db_borrow(pool, BORROW_MS, &writing.db, err) || !db_begin(writing.db, err) ||
	    !write_deliveries(&writing, err) || !write_asks(&writing, err) ||
	    !write_positions(writing.db, place, spans, span_count, err) || !db_commit(writing.db, err))
		return err_wrap(err, "intake");
	for (size_t i = 0; i < count; i++)
		asks += writing.is_won[i] ? 1 : 0;
	*ret_asks = asks;
	return true;
}
