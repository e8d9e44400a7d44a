/* A delivery as headers of a record: written by ingress, read by the linker. */

#include "common/domain/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/domain/record.h"
#include "common/domain/topics.h"

#include "common/base/banned.h"

enum { SHA256_HEX_LEN = 64 };

void delivery_done(struct delivery *delivery)
{
	if (!delivery) return;
	MEM_FREE_ALL(delivery->event, delivery->request_id, delivery->source, delivery->body_sha256,
		     delivery->secret_used, delivery->traceparent);
	*delivery = (struct delivery){0};
}

/* The headers of one record while they are read. */
struct reading {
	delivery_header_fn *header;
	const void *record;
	struct err *err;
};

/* New text of a header, NULL when absent; what is no UTF-8 or too long can never be used. */
static bool read_text(const struct reading *reading, const char *name, size_t max_bytes, char **ret)
{
	struct bytes value = reading->header(reading->record, name);
	if (!value.ptr) {
		*ret = NULL;
		return true;
	}
	if (value.len > max_bytes || !text_is_utf8(value) || memchr(value.ptr, 0, value.len))
		return err_set(reading->err, ERR_INPUT, "header '%s' is no text of at most %zu bytes", name, max_bytes);
	*ret = mem_dup_n(value.ptr, value.len);
	return true;
}

static bool read_needed(const struct reading *reading, const char *name, char **ret)
{
	if (!read_text(reading, name, LIMIT_ID_BYTES, ret)) return false;
	if (text_is_empty(*ret)) {
		mem_free(*ret);
		*ret = NULL;
		return err_set(reading->err, ERR_INPUT, "header '%s' is missing", name);
	}
	return true;
}

static bool read_number(const struct reading *reading, const char *name, int64_t *ret)
{
	CLEANUP(mem_free_text) char *text = NULL;
	if (!read_needed(reading, name, &text)) return false;
	if (!number_parse(text, 0, INT64_MAX, ret, reading->err)) return err_wrap(reading->err, "header '%s'", name);
	return true;
}

static bool read_schema(const struct reading *reading)
{
	CLEANUP(mem_free_text) char *schema = NULL;
	return read_needed(reading, HEADER_SCHEMA, &schema) && record_schema_ok(schema, reading->err);
}

static bool read_id(const struct reading *reading, char ret[UUID_TEXT_SIZE])
{
	CLEANUP(mem_free_text) char *text = NULL;
	struct uuid id;
	if (!read_needed(reading, HEADER_DELIVERY_ID, &text)) return false;
	if (!uuid_parse(text, &id))
		return err_set(reading->err, ERR_INPUT, "header '%s' is no UUID", HEADER_DELIVERY_ID);
	uuid_text(&id, ret);
	return true;
}

static bool read_provider(const struct reading *reading, enum provider *ret)
{
	CLEANUP(mem_free_text) char *text = NULL;
	if (!read_needed(reading, HEADER_PROVIDER, &text)) return false;
	if (!provider_parse(text, ret))
		return err_set(reading->err, ERR_INPUT, "header '%s' names no known product: '%.40s'", HEADER_PROVIDER,
			       text);
	return true;
}

/* A verdict that this version does not know must not turn into a start. */
static bool read_verdict(const struct reading *reading, enum reason *ret)
{
	CLEANUP(mem_free_text) char *text = NULL;
	*ret = REASON_NONE;
	if (!read_text(reading, HEADER_VERDICT, LIMIT_ID_BYTES, &text)) return false;
	if (!text_is_empty(text) && !reason_parse(text, ret))
		return err_set(reading->err, ERR_INPUT, "header '%s' is not known: '%.40s'", HEADER_VERDICT, text);
	return true;
}

static bool read_digest(const struct reading *reading, char **ret)
{
	uint8_t digest[SHA256_HEX_LEN / 2];
	if (!read_text(reading, HEADER_BODY_SHA256, SHA256_HEX_LEN, ret)) return false;
	if (*ret && !decode_hex(bytes_text(*ret), digest, sizeof(digest)))
		return err_set(reading->err, ERR_INPUT, "header '%s' is no SHA-256", HEADER_BODY_SHA256);
	return true;
}

/* A trace context that is not one is left out: it is only for people. */
static bool read_trace(const struct reading *reading, char **ret)
{
	if (!read_text(reading, HEADER_TRACEPARENT, LIMIT_NAME_BYTES, ret)) return false;
	if (*ret && !traceparent_is_valid(*ret)) {
		mem_free(*ret);
		*ret = NULL;
	}
	return true;
}

static bool read_origin(const struct reading *reading, struct delivery *delivery)
{
	if (!read_text(reading, HEADER_EVENT, LIMIT_NAME_BYTES, &delivery->event) ||
	    !read_text(reading, HEADER_REQUEST_ID, LIMIT_NAME_BYTES, &delivery->request_id) ||
	    !read_text(reading, HEADER_SOURCE, LIMIT_ID_BYTES, &delivery->source))
		return false;
	if (!delivery->event) delivery->event = mem_dup("");
	if (text_is_empty(delivery->source)) {
		mem_free(delivery->source);
		delivery->source = mem_dup("webhook");
	}
	return true;
}

bool delivery_read(delivery_header_fn *header, const void *record, struct delivery *ret, struct err *err)
{
	const struct reading reading = {.header = header, .record = record, .err = err};
	CLEANUP(delivery_done) struct delivery delivery = {0};
	if (!read_schema(&reading) || !read_id(&reading, delivery.id) || !read_provider(&reading, &delivery.provider) ||
	    !read_number(&reading, HEADER_CONNECTION_ID, &delivery.connection_id) ||
	    !read_number(&reading, HEADER_RECEIVED_AT, &delivery.received_at_ms) || !read_origin(&reading, &delivery) ||
	    !read_verdict(&reading, &delivery.verdict) || !read_digest(&reading, &delivery.body_sha256) ||
	    !read_text(&reading, HEADER_SECRET, LIMIT_ID_BYTES, &delivery.secret_used) ||
	    !read_trace(&reading, &delivery.traceparent))
		return false;
	return MOVE(ret, delivery);
}

static void put_text(delivery_put_fn *put, void *record, const char *name, const char *value)
{
	if (!text_is_empty(value)) put(record, name, value);
}

static void put_number(delivery_put_fn *put, void *record, const char *name, int64_t number, char text[NUMBER_TEXT_SIZE])
{
	(void)snprintf(text, NUMBER_TEXT_SIZE, "%" PRId64, number);
	put(record, name, text);
}

void delivery_write(struct delivery *delivery, delivery_put_fn *put, void *record)
{
	put(record, HEADER_SCHEMA, RECORD_SCHEMA);
	put(record, HEADER_DELIVERY_ID, delivery->id);
	put(record, HEADER_PROVIDER, provider_name(delivery->provider));
	put_number(put, record, HEADER_CONNECTION_ID, delivery->connection_id, delivery->number_texts[0]);
	put_text(put, record, HEADER_EVENT, delivery->event);
	put_text(put, record, HEADER_REQUEST_ID, delivery->request_id);
	put_number(put, record, HEADER_RECEIVED_AT, delivery->received_at_ms, delivery->number_texts[1]);
	put_text(put, record, HEADER_SOURCE, delivery->source);
	put_text(put, record, HEADER_VERDICT, reason_name(delivery->verdict));
	put_text(put, record, HEADER_BODY_SHA256, delivery->body_sha256);
	put_text(put, record, HEADER_SECRET, delivery->secret_used);
	put_text(put, record, HEADER_TRACEPARENT, delivery->traceparent);
}

void traceparent_new(const uint8_t random[24], char ret[TRACEPARENT_SIZE])
{
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(TRACEPARENT_SIZE - 1);
	strbuf_add(&text, "00-");
	encode_hex(&text, bytes_of(random, 16));
	strbuf_add_char(&text, '-');
	encode_hex(&text, bytes_of(random + 16, 8));
	strbuf_add(&text, "-01");
	memcpy(ret, strbuf_text(&text), text.len + 1);
}

void delivery_make_ids(const uint8_t random[DELIVERY_RANDOM], struct delivery *delivery,
		       char traceparent[TRACEPARENT_SIZE])
{
	struct uuid id = uuid_v4(random);
	uuid_text(&id, delivery->id);
	traceparent_new(random + sizeof(id.bytes), traceparent);
}

/* `len` lower-case hex digits that are not all zero, as the standard demands of both ids. */
static bool is_trace_id(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len && strspn(text, "0") < len;
}

bool traceparent_is_valid(const char *text)
{
	if (!text || strnlen(text, TRACEPARENT_SIZE) != TRACEPARENT_SIZE - 1) return false;
	return text_starts(text, "00-") && is_trace_id(text + 3, 32) && text[35] == '-' && is_trace_id(text + 36, 16) &&
	       text[52] == '-' && strspn(text + 53, "0123456789abcdef") == 2;
}
