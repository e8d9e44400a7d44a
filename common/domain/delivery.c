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
	if (value.ptr && (value.len > max_bytes || !text_is_utf8(value) || memchr(value.ptr, 0, value.len)))
		return err_set(reading->err, ERR_INPUT, "header '%s' is no text of at most %zu bytes", name, max_bytes);
	*ret = value.ptr ? mem_dup_n(value.ptr, value.len) : NULL;
	return true;
}

/* As read_text(), for what must be there; `ret` is the caller's also when it fails. */
static bool read_needed(const struct reading *reading, const char *name, char **ret)
{
	if (!read_text(reading, name, LIMIT_ID_BYTES, ret)) return false;
	return !text_is_empty(*ret) || err_set(reading->err, ERR_INPUT, "header '%s' is missing", name);
}

static bool read_number(const struct reading *reading, const char *name, int64_t *ret)
{
	CLEANUP(mem_free_text) char *text = NULL;
	if (!read_needed(reading, name, &text)) return false;
	return number_parse(text, 0, INT64_MAX, ret, reading->err) || err_wrap(reading->err, "header '%s'", name);
}

/* The schema comes first: of another one nothing else is known. */
static bool read_identity(const struct reading *reading, struct delivery *ret)
{
	CLEANUP(mem_free_text) char *schema = NULL;
	CLEANUP(mem_free_text) char *id = NULL;
	CLEANUP(mem_free_text) char *provider = NULL;
	if (!read_needed(reading, HEADER_SCHEMA, &schema) || !record_schema_ok(schema, reading->err) ||
	    !read_needed(reading, HEADER_DELIVERY_ID, &id) || !read_needed(reading, HEADER_PROVIDER, &provider))
		return false;
	if (!uuid_normalise(id, ret->id))
		return err_set(reading->err, ERR_INPUT, "header '%s' is no UUID", HEADER_DELIVERY_ID);
	return provider_parse(provider, &ret->provider) ||
	       err_set(reading->err, ERR_INPUT, "header '%s' names no known product: '%.40s'", HEADER_PROVIDER, provider);
}

/* A verdict that this version does not know must not turn into a start. */
static bool read_verdict(const struct reading *reading, enum reason *ret)
{
	CLEANUP(mem_free_text) char *text = NULL;
	*ret = REASON_NONE;
	if (!read_text(reading, HEADER_VERDICT, LIMIT_ID_BYTES, &text)) return false;
	return text_is_empty(text) || reason_parse(text, ret) ||
	       err_set(reading->err, ERR_INPUT, "header '%s' is not known: '%.40s'", HEADER_VERDICT, text);
}

static bool read_texts(const struct reading *reading, struct delivery *ret)
{
	uint8_t digest[SHA256_HEX_LEN / 2];
	if (!read_text(reading, HEADER_EVENT, LIMIT_NAME_BYTES, &ret->event) ||
	    !read_text(reading, HEADER_REQUEST_ID, LIMIT_NAME_BYTES, &ret->request_id) ||
	    !read_text(reading, HEADER_SOURCE, LIMIT_ID_BYTES, &ret->source) ||
	    !read_text(reading, HEADER_BODY_SHA256, SHA256_HEX_LEN, &ret->body_sha256) ||
	    !read_text(reading, HEADER_SECRET, LIMIT_ID_BYTES, &ret->secret_used) ||
	    !read_text(reading, HEADER_TRACEPARENT, LIMIT_NAME_BYTES, &ret->traceparent))
		return false;
	if (ret->body_sha256 && !decode_hex(bytes_text(ret->body_sha256), digest, sizeof(digest)))
		return err_set(reading->err, ERR_INPUT, "header '%s' is no SHA-256", HEADER_BODY_SHA256);
	if (!ret->event) mem_set(&ret->event, "");
	if (text_is_empty(ret->source)) mem_set(&ret->source, "webhook");
	/* A trace context that is not one is left out: it is only for people. */
	if (!traceparent_is_valid(ret->traceparent)) mem_set(&ret->traceparent, NULL);
	return true;
}

bool delivery_read(delivery_header_fn *header, const void *record, struct delivery *ret, struct err *err)
{
	const struct reading reading = {.header = header, .record = record, .err = err};
	CLEANUP(delivery_done) struct delivery delivery = {0};
	if (!read_identity(&reading, &delivery) || !read_number(&reading, HEADER_CONNECTION_ID, &delivery.connection_id) ||
	    !read_number(&reading, HEADER_RECEIVED_AT, &delivery.received_at_ms) ||
	    !read_verdict(&reading, &delivery.verdict) || !read_texts(&reading, &delivery))
		return false;
	return MOVE(ret, delivery);
}

static void put_text(delivery_put_fn *put, void *record, const char *name, const char *value)
{
	if (!text_is_empty(value)) put(record, name, value);
}

void delivery_put_number(delivery_put_fn *put, void *record, const char *name, int64_t number,
			 char text[NUMBER_TEXT_SIZE])
{
	(void)snprintf(text, NUMBER_TEXT_SIZE, "%" PRId64, number);
	put(record, name, text);
}

void delivery_write(struct delivery *delivery, delivery_put_fn *put, void *record)
{
	put(record, HEADER_SCHEMA, RECORD_SCHEMA);
	put(record, HEADER_DELIVERY_ID, delivery->id);
	put(record, HEADER_PROVIDER, provider_name(delivery->provider));
	delivery_put_number(put, record, HEADER_CONNECTION_ID, delivery->connection_id, delivery->number_texts[0]);
	put_text(put, record, HEADER_EVENT, delivery->event);
	put_text(put, record, HEADER_REQUEST_ID, delivery->request_id);
	delivery_put_number(put, record, HEADER_RECEIVED_AT, delivery->received_at_ms, delivery->number_texts[1]);
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
