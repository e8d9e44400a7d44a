/* From headers and body to a verdict. */

#include "services/linker/intake_record.h"

#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include "common/base/banned.h"

/* Times that a calendar of PostgreSQL can hold, and that no clock of ours has: 2000 to 2200. */
static const int64_t earliest_ms = INT64_C(946684800000);
static const int64_t latest_ms = INT64_C(7258118400000);

void intake_record_done(struct intake_record *record)
{
	if (!record) return;
	delivery_done(&record->delivery);
	ask_done(&record->ask);
	*record = (struct intake_record){0};
}

static struct bytes header_of(const void *record, const char *name)
{
	return kafka_record_header(record, name);
}

static void conclude(struct intake_record *record, enum reason verdict, const char *detail)
{
	record->verdict = verdict;
	(void)snprintf(record->detail, sizeof(record->detail), "%.*s", (int)sizeof(record->detail) - 1, detail);
}

static void decide_body(const struct trigger_context *context, const json_t *body, struct intake_record *record)
{
	trigger_decide(context, body, &record->ask);
	conclude(record, record->ask.verdict, record->ask.detail);
	if (record->verdict == REASON_TRIGGERED && !record->ask.subject)
		conclude(record, REASON_MALFORMED, "the body names no issue or pull request");
}

static void decide(struct bytes body, const struct connection *connection, int64_t max_age_ms,
		   struct intake_record *record)
{
	const struct trigger_context context = {
		.provider = connection->provider,
		.instance_id = connection->instance_id,
		.event = record->delivery.event,
		.bot = &connection->bot,
		.received_at_ms = record->delivery.received_at_ms,
		.max_age_ms = max_age_ms,
		.activated_at_ms = connection->activated_at_ms,
	};
	json_auto_t *json = NULL;
	struct err why = {0};
	record->instance_id = connection->instance_id;
	if (json_read(body, LIMIT_BODY_BYTES, LIMIT_JSON_DEPTH, &json, &why))
		decide_body(&context, json, record);
	else
		conclude(record, REASON_MALFORMED, why.message);
	record->is_ask = record->verdict == REASON_TRIGGERED && !connection->is_shadow;
	if (record->verdict == REASON_TRIGGERED && connection->is_shadow)
		conclude(record, REASON_TRIGGERED, "the connection is in shadow: nothing is started");
}

/* Ingress' own verdict stands; a body that was not kept could not have asked. */
static bool is_decided(const struct kafka_record *record, struct intake_record *ret)
{
	if (ret->delivery.verdict != REASON_NONE) {
		conclude(ret, ret->delivery.verdict, "decided at the door");
		return true;
	}
	if (record->value.len > 0) return false;
	conclude(ret, REASON_NO_TRIGGER, "the body names neither label nor bot and was not kept");
	return true;
}

static bool read_headers(const struct kafka_record *record, struct intake_record *ret, struct err *err)
{
	if (!delivery_read(header_of, record, &ret->delivery, err)) return false;
	if (ret->delivery.received_at_ms < earliest_ms || ret->delivery.received_at_ms > latest_ms)
		return err_set(err, ERR_INPUT, "header 'ohdc-received-at' is no time of our days");
	ret->partition = record->partition;
	ret->offset = record->offset;
	return true;
}

bool intake_record_read(const struct kafka_record *record, const struct table_cache *connections, int64_t max_age_ms,
			bool is_last, struct intake_record *ret, struct err *err)
{
	CLEANUP(intake_record_done) struct intake_record read = {0};
	if (!read_headers(record, &read, err)) return false;
	const struct connection *connection = connections_find(connections, read.delivery.provider,
							       read.delivery.connection_id);
	if (is_decided(record, &read)) {
		read.instance_id = connection ? connection->instance_id : 0;
	} else if (connection) {
		decide(record->value, connection, max_age_ms, &read);
	} else if (is_last) {
		conclude(&read, REASON_INTEGRATION_OFF, "the connection is not there any more");
	} else {
		return err_set(err, ERR_NOT_FOUND, "connection not known yet");
	}
	return MOVE(ret, read);
}
