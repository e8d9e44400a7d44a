/* Records: their headers, and the view of a received message. */
#include "common/io/kafka.h"

#include <assert.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/io/kafka_client.h"

#include "common/base/banned.h"

struct bytes kafka_record_header(const struct kafka_record *record, const char *name)
{
	for (size_t i = record->header_count; i > 0; i--) {
		if (strcmp(record->headers[i - 1].name, name) == 0) return record->headers[i - 1].value;
	}
	return (struct bytes){0};
}

void kafka_record_add_header(struct kafka_record *record, const char *name, const char *value)
{
	if (!value) return;
	assert(record->header_count < KAFKA_HEADERS_MAX);
	record->headers[record->header_count++] = (struct kafka_header){name, bytes_text(value)};
}

void kafka_record_put(void *record, const char *name, const char *value)
{
	kafka_record_add_header(record, name, value);
}

/* A foreign producer may send more headers than we read: the first ones count. */
static void read_headers(const rd_kafka_message_t *message, struct kafka_record *ret)
{
	rd_kafka_headers_t *headers = NULL;
	if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
	for (size_t i = 0; i < KAFKA_HEADERS_MAX; i++) {
		const char *name = NULL;
		const void *value = NULL;
		size_t len = 0;
		if (rd_kafka_header_get_all(headers, i, &name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
		ret->headers[i] = (struct kafka_header){name, bytes_of(value, value ? len : 0)};
		ret->header_count = i + 1;
	}
}

void kafka_record_from_message(const rd_kafka_message_t *message, struct kafka_record *ret)
{
	int64_t timestamp_ms = rd_kafka_message_timestamp(message, NULL);
	*ret = (struct kafka_record){
		.topic = rd_kafka_topic_name(message->rkt),
		.key = bytes_of(message->key, message->key_len),
		.value = bytes_of(message->payload, message->len),
		.partition = message->partition,
		.offset = message->offset,
		.timestamp_ms = timestamp_ms > 0 ? timestamp_ms : 0,
	};
	read_headers(message, ret);
}
