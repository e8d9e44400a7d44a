/* The producer: one librdkafka client, one thread that serves its reports, and a new client after a fatal error. */
#include "common/io/kafka.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/io/kafka_client.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum {
	QUEUE_BYTES_DEFAULT = 64 * 1024 * 1024,
	QUEUE_BYTES_PER_RECORD = 1024, /* bounds the number of small records, whose own cost counts too */
	POLL_MS = 100,                 /* how late a stop or a fatal error is noticed */
	SWAP_POLL_MS = 20,
	PURGE_WAIT_MS = 2000,
	SWAP_FLUSH_MS = 5000,
	VALUES_MAX = 6 + KAFKA_HEADERS_MAX,
};

struct kafka_producer {
	kafka_report_fn *report;
	void *context;
	pthread_rwlock_t lock; /* guards `client`: senders read, the swap writes */
	rd_kafka_t *client;
	struct kafka_watch watch;
	pthread_t thread;
	_Atomic bool is_stopping;
	_Atomic int64_t flush_ms;
};

/* --- callbacks, all in the producer's thread ---------------------------------------------------- */

/* What may have reached the log although its report failed must not look as if it had not. */
static void on_report(UNUSED rd_kafka_t *rk, const rd_kafka_message_t *message, void *context)
{
	const struct kafka_producer *producer = context;
	struct err failure = {0};
	bool is_safe = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (!is_safe) (void)kafka_client_fail(&failure, message->err, "record not confirmed");
	if (!is_safe && failure.code != ERR_INPUT &&
	    rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED)
		failure.code = ERR_UNCERTAIN;
	producer->report(producer->context, message->_private, is_safe ? NULL : &failure);
}

static void on_error(UNUSED rd_kafka_t *rk, int code, const char *reason, UNUSED void *context)
{
	LOG_DEBUG("kafka producer error", LOG_TEXT("reason", reason),
		  LOG_TEXT("name", rd_kafka_err2name((rd_kafka_resp_err_t)code)));
}

/* --- the client --------------------------------------------------------------------------------- */

static bool new_client(const struct kafka_producer_options *options, struct kafka_producer *producer, struct err *err)
{
	rd_kafka_conf_t *conf = NULL;
	size_t queue_bytes = options->queue_bytes ? options->queue_bytes : QUEUE_BYTES_DEFAULT;
	size_t ceiling_bytes = options->message_ceiling_bytes ? options->message_ceiling_bytes
							      : LIMIT_TOPIC_MESSAGE_BYTES;
	char kbytes[24];
	char records[24];
	char ceiling[24];
	const struct kafka_property fixed[] = {
		{"acks", "all"},
		{"enable.idempotence", "true"},
		{"linger.ms", "0"},
		{"partitioner", "murmur2_random"},
		{"queue.buffering.max.kbytes", kbytes},
		{"queue.buffering.max.messages", records},
		{"message.max.bytes", ceiling},
	};
	(void)snprintf(kbytes, sizeof(kbytes), "%zu", queue_bytes / 1024);
	(void)snprintf(records, sizeof(records), "%zu", queue_bytes / QUEUE_BYTES_PER_RECORD);
	(void)snprintf(ceiling, sizeof(ceiling), "%zu", ceiling_bytes);
	if (!kafka_client_conf(&options->cluster, fixed, ARRAY_LEN(fixed), &conf, err)) return false;
	rd_kafka_conf_set_opaque(conf, producer);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_error_cb(conf, on_error);
	return kafka_client_new(RD_KAFKA_PRODUCER, conf, &producer->client, err);
}

/* Give each open record its report. */
static void purge(rd_kafka_t *client)
{
	(void)rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	(void)rd_kafka_flush(client, PURGE_WAIT_MS);
}

/*
 * Another client takes over: `next`, else (an idempotent producer cannot go on after a fatal error) one like the old. Senders go
 * on with it at once, and hear of their records; what is on its way in the old one has `flush_ms` to arrive.
 */
static void replace_client(struct kafka_producer *producer, rd_kafka_t *next, int flush_ms)
{
	struct err err = {0};
	if (!next && !kafka_client_again(producer->client, &next, &err)) {
		LOG_DEBUG("kafka producer cannot be replaced", LOG_TEXT("reason", err.message));
		return; /* tried again after the next poll */
	}
	(void)pthread_rwlock_wrlock(&producer->lock);
	rd_kafka_t *old = producer->client;
	producer->client = next;
	(void)pthread_rwlock_unlock(&producer->lock);
	int64_t end_ms = sysclock_monotonic_ms() + flush_ms;
	while (sysclock_monotonic_ms() < end_ms && rd_kafka_flush(old, SWAP_POLL_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		(void)rd_kafka_poll(next, 0);
	purge(old);
	rd_kafka_destroy(old);
}

static void *serve(void *context)
{
	struct kafka_producer *producer = context;
	while (!atomic_load(&producer->is_stopping)) {
		(void)rd_kafka_poll(producer->client, POLL_MS);
		rd_kafka_t *next = kafka_watch_turn(&producer->watch, producer->client);
		if (next || rd_kafka_fatal_error(producer->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
			replace_client(producer, next, next ? SWAP_FLUSH_MS : 0);
	}
	int64_t flush_ms = atomic_load(&producer->flush_ms);
	(void)rd_kafka_flush(producer->client, (int)(flush_ms < INT32_MAX ? flush_ms : INT32_MAX));
	purge(producer->client);
	return NULL;
}

/* --- the producer ------------------------------------------------------------------------------- */

static void free_memory(struct kafka_producer *producer)
{
	if (producer->client) rd_kafka_destroy(producer->client);
	kafka_watch_done(&producer->watch);
	(void)pthread_rwlock_destroy(&producer->lock);
	mem_free(producer);
}

CLEANUP_FUNCTION(free_pointed, struct kafka_producer *, free_memory);

bool kafka_producer_new(const struct kafka_producer_options *options, struct kafka_producer **ret, struct err *err)
{
	CLEANUP(free_pointed) struct kafka_producer *producer = mem_zalloc(1, sizeof(*producer));
	producer->report = options->report;
	producer->context = options->context;
	producer->watch.config = options->cluster.config;
	(void)pthread_rwlock_init(&producer->lock, NULL);
	if (!new_client(options, producer, err)) return false;
	if (pthread_create(&producer->thread, NULL, serve, producer) != 0)
		return err_set(err, ERR_BUSY, "kafka producer: no thread");
	return MOVE(ret, producer);
}

void kafka_producer_free(struct kafka_producer *producer, int64_t flush_ms)
{
	if (!producer) return;
	atomic_store(&producer->flush_ms, flush_ms > 0 ? flush_ms : 0);
	atomic_store(&producer->is_stopping, true);
	(void)pthread_join(producer->thread, NULL);
	free_memory(producer);
}

/* librdkafka's arrays are not const, though the bytes are copied and left alone. */
static void *borrow(const void *bytes)
{
	return (void *)(uintptr_t)bytes;
}

static size_t fill_values(const struct kafka_record *record, void *opaque, rd_kafka_vu_t ret[VALUES_MAX])
{
	size_t count = 0;
	ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_TOPIC, {.cstr = record->topic}};
	ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_MSGFLAGS, {.i = RD_KAFKA_MSG_F_COPY}};
	ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_OPAQUE, {.ptr = opaque}};
	ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_KEY, {.mem = {borrow(record->key.ptr), record->key.len}}};
	ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_VALUE, {.mem = {borrow(record->value.ptr), record->value.len}}};
	if (record->timestamp_ms > 0)
		ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_TIMESTAMP, {.i64 = record->timestamp_ms}};
	for (size_t i = 0; i < record->header_count; i++) {
		const struct kafka_header *header = &record->headers[i];
		ret[count++] = (rd_kafka_vu_t){RD_KAFKA_VTYPE_HEADER,
					       {.header = {header->name, header->value.ptr, (ssize_t)header->value.len}}};
	}
	return count;
}

/* A fatal client refuses until the thread has replaced it: soon, so the caller may try again. */
static bool fail_send(rd_kafka_error_t *error, const char *topic, struct err *err)
{
	int resp = rd_kafka_error_code(error);
	rd_kafka_error_destroy(error);
	(void)kafka_client_fail(err, resp, topic);
	if (err && resp == RD_KAFKA_RESP_ERR__FATAL) err->code = ERR_BUSY;
	return false;
}

bool kafka_producer_send(struct kafka_producer *producer, const struct kafka_record *record, void *opaque, struct err *err)
{
	rd_kafka_vu_t values[VALUES_MAX];
	size_t count = fill_values(record, opaque, values);
	(void)pthread_rwlock_rdlock(&producer->lock);
	rd_kafka_error_t *error = rd_kafka_produceva(producer->client, values, count);
	(void)pthread_rwlock_unlock(&producer->lock);
	return !error || fail_send(error, record->topic, err);
}
