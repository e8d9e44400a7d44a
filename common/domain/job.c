/* Job and status records as JSON, and the ids of jobs. */

#include "common/domain/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/limits.h"
#include "common/domain/record.h"
#include "common/domain/topics.h"

#include "common/base/banned.h"

static const char *const kind_names[] = {[JOB_START] = "start", [JOB_ANSWER] = "answer"};

const char *job_kind_name(enum job_kind kind)
{
	return kind_names[kind];
}

void job_record_done(struct job_record *record)
{
	if (!record) return;
	MEM_FREE_ALL(record->event_key, record->traceparent, record->user_id, record->org_id);
	ask_done(&record->ask);
	*record = (struct job_record){0};
}

static const char *reason_or_null(enum reason reason)
{
	return reason == REASON_NONE ? NULL : reason_name(reason);
}

/* What both records say of a job. */
static json_t *head(const struct job_record *record)
{
	json_t *json = json_object();
	JSON_PUT_TEXTS(json, "schema", RECORD_SCHEMA, "job_id", record->job_id, "kind", job_kind_name(record->kind),
		       "event_key", record->event_key, "provider", provider_name(record->provider), "user_id",
		       record->user_id, "org_id", record->org_id, "traceparent", record->traceparent);
	json_put_int(json, "connection_id", record->connection_id);
	return json;
}

char *job_record_text(const struct job_record *record)
{
	json_auto_t *json = head(record);
	JSON_PUT_TEXTS(json, "reason", reason_or_null(record->reason), "delivery_id", record->delivery_id);
	json_put_int(json, "start_attempt", record->start_attempt);
	json_put_int(json, "instance_id", record->instance_id);
	json_put_int(json, "received_at_ms", record->received_at_ms);
	(void)json_object_set_new(json, "ask", ask_to_json(&record->ask));
	return json_compact(json);
}

static bool read_uuid(const json_t *json, const char *name, char ret[UUID_TEXT_SIZE], struct err *err)
{
	const char *text;
	if (!json_need_text(json, name, LIMIT_ID_BYTES, &text, err)) return false;
	return uuid_normalise(text, ret) || err_set(err, ERR_INPUT, "'%s' is no UUID: '%.60s'", name, text);
}

static bool read_kind(const json_t *json, struct job_record *record, struct err *err)
{
	const char *kind;
	const char *reason = json_text_at(json, "reason");
	if (!json_need_text(json, "kind", LIMIT_ID_BYTES, &kind, err)) return false;
	if (!text_among(kind_names, ARRAY_LEN(kind_names), kind, &record->kind))
		return err_set(err, ERR_INPUT, "kind of a job is not known: '%.40s'", kind);
	if (reason && !reason_parse(reason, &record->reason))
		return err_set(err, ERR_INPUT, "reason of a job is not known: '%.40s'", reason);
	if (record->kind == JOB_ANSWER && record->reason == REASON_NONE)
		return err_set(err, ERR_INPUT, "a job of kind answer has no reason");
	return true;
}

static bool read_place(const json_t *json, struct job_record *record, struct err *err)
{
	const char *provider;
	const char *event_key;
	if (!json_need_text(json, "provider", LIMIT_ID_BYTES, &provider, err) ||
	    !json_need_text(json, "event_key", LIMIT_EVENT_KEY_BYTES, &event_key, err) ||
	    !json_need_int(json, "connection_id", 0, INT64_MAX, &record->connection_id, err) ||
	    !json_need_int(json, "instance_id", 0, INT64_MAX, &record->instance_id, err))
		return false;
	if (!provider_parse(provider, &record->provider))
		return err_set(err, ERR_INPUT, "provider of a job is not known: '%.40s'", provider);
	record->event_key = mem_dup(event_key);
	record->start_attempt = json_int_at(json, "start_attempt", 0);
	record->received_at_ms = json_int_at(json, "received_at_ms", 0);
	return true;
}

/* A start without a user could only run as nobody. */
static bool read_user(const json_t *json, struct job_record *record, struct err *err)
{
	record->traceparent = mem_dup(json_text_at(json, "traceparent"));
	record->user_id = mem_dup(json_text_at(json, "user_id"));
	record->org_id = mem_dup(json_text_at(json, "org_id"));
	if (record->kind == JOB_START && text_is_empty(record->user_id))
		return err_set(err, ERR_INPUT, "a job of kind start has no user");
	return true;
}

static bool read_schema(const json_t *json, struct err *err)
{
	const char *schema;
	return json_need_text(json, "schema", LIMIT_ID_BYTES, &schema, err) && record_schema_ok(schema, err);
}

bool job_record_read(struct bytes text, struct job_record *ret, struct err *err)
{
	json_auto_t *json = NULL;
	CLEANUP(job_record_done) struct job_record record = {0};
	if (!json_read(text, LIMIT_JOB_RECORD_BYTES, LIMIT_JSON_DEPTH, &json, err) || !read_schema(json, err) ||
	    !read_uuid(json, "job_id", record.job_id, err) || !read_uuid(json, "delivery_id", record.delivery_id, err) ||
	    !read_kind(json, &record, err) || !read_place(json, &record, err) || !read_user(json, &record, err) ||
	    !ask_from_json(json_at(json, "ask"), &record.ask, err))
		return err_wrap(err, "job record");
	if (text_is_empty(record.ask.subject)) return err_set(err, ERR_INPUT, "job record: the ask has no subject");
	return MOVE(ret, record);
}

void job_id_make(const struct uuid *installation, enum job_kind kind, const char *event_key, int64_t number,
		 char ret[UUID_TEXT_SIZE])
{
	char name[LIMIT_EVENT_KEY_BYTES + 64];
	(void)snprintf(name, sizeof(name), "%s:%s:%" PRId64, job_kind_name(kind), event_key, number);
	struct uuid id = uuid_v5(installation, bytes_text(name));
	uuid_text(&id, ret);
}

char *status_record_text(const struct job_record *record, const char *state, enum reason reason, const char *detail,
			 const char *conversation_id, int64_t at_ms)
{
	json_auto_t *json = head(record);
	JSON_PUT_TEXTS(json, "subject", record->ask.subject, "state", state, "reason", reason_or_null(reason), "detail",
		       detail, "conversation_id", conversation_id);
	json_put_int(json, "at_ms", at_ms);
	return json_compact(json);
}
