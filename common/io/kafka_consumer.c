/* The consumer: starts where both the group and the database have been, delivers batches, commits behind them. */
#include "common/io/kafka.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/base/mem.h"
#include "common/io/kafka_assignment.h"
#include "common/io/kafka_client.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum { FETCH_BYTES_DEFAULT = 32 * 1024 * 1024 };

struct kafka_consumer {
	struct kafka_consumer_options options; /* texts are owned */
	rd_kafka_t *client;
	bool is_subscribed;
	struct kafka_watch watch;
	struct kafka_assignment assignment;
	struct err failure; /* seen while a batch was under way: told by the next poll */
	_Atomic int64_t lag;
};

/* --- callbacks, all in the polling thread ------------------------------------------------------- */

static void on_rebalance(UNUSED rd_kafka_t *rk, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *list,
			 void *context)
{
	struct kafka_consumer *consumer = context;
	LOG_DEBUG("partitions change", LOG_TEXT("event", rd_kafka_err2name(what)), LOG_INT("partitions", list->cnt));
	if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
		kafka_assignment_add(&consumer->assignment, list);
	else if (what == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
		kafka_assignment_remove(&consumer->assignment, list);
	else
		kafka_assignment_clear(&consumer->assignment);
}

/* --- making and ending -------------------------------------------------------------------------- */

static bool new_client(struct kafka_consumer *consumer, struct err *err)
{
	rd_kafka_conf_t *conf = NULL;
	char kbytes[24];
	const struct kafka_property fixed[] = {
		{"group.id", consumer->options.group}, {"partition.assignment.strategy", "cooperative-sticky"},
		{"auto.offset.reset", "earliest"},     {"enable.auto.commit", "false"},
		{"enable.auto.offset.store", "false"}, {"queued.max.messages.kbytes", kbytes},
	};
	(void)snprintf(kbytes, sizeof(kbytes), "%zu", consumer->options.fetch_bytes / 1024);
	if (!kafka_client_conf(&consumer->options.cluster, fixed, ARRAY_LEN(fixed), &conf, err)) return false;
	rd_kafka_conf_set_opaque(conf, consumer);
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
	if (!kafka_client_new(RD_KAFKA_CONSUMER, conf, &consumer->client, err)) return false;
	(void)rd_kafka_poll_set_consumer(consumer->client);
	consumer->assignment = (struct kafka_assignment){
		.client = consumer->client,
		.topic = consumer->options.topic,
		.position = consumer->options.position,
		.context = consumer->options.context,
		.claim = consumer->options.claim,
	};
	return true;
}

/* Join the group, with the first poll. */
static bool subscribe(struct kafka_consumer *consumer, struct err *err)
{
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	if (consumer->is_subscribed) return true;
	(void)rd_kafka_topic_partition_list_add(topics, consumer->options.topic, RD_KAFKA_PARTITION_UA);
	rd_kafka_resp_err_t resp = rd_kafka_subscribe(consumer->client, topics);
	consumer->is_subscribed = resp == RD_KAFKA_RESP_ERR_NO_ERROR;
	return consumer->is_subscribed || kafka_client_fail(err, resp, "subscribe");
}

/* Leave the group with the client at hand. */
static void end_client(struct kafka_consumer *consumer)
{
	if (!consumer->client) return;
	(void)rd_kafka_consumer_close(consumer->client);
	rd_kafka_destroy(consumer->client);
}

/* A client with newer credentials takes over. */
static void swap_client(struct kafka_consumer *consumer, rd_kafka_t *next)
{
	end_client(consumer);
	(void)rd_kafka_poll_set_consumer(next);
	consumer->client = next;
	consumer->assignment.client = next;
	consumer->is_subscribed = false;
}

CLEANUP_FUNCTION(free_pointed, struct kafka_consumer *, kafka_consumer_free);

bool kafka_consumer_new(const struct kafka_consumer_options *options, struct kafka_consumer **ret, struct err *err)
{
	CLEANUP(free_pointed) struct kafka_consumer *consumer = mem_zalloc(1, sizeof(*consumer));
	consumer->options = *options;
	consumer->options.group = mem_dup(options->group);
	consumer->options.topic = mem_dup(options->topic);
	consumer->options.claim = mem_dup(options->claim);
	consumer->watch.config = options->cluster.config;
	if (consumer->options.fetch_bytes == 0) consumer->options.fetch_bytes = FETCH_BYTES_DEFAULT;
	atomic_store(&consumer->lag, -1);
	return new_client(consumer, err) && MOVE(ret, consumer);
}

void kafka_consumer_free(struct kafka_consumer *consumer)
{
	if (!consumer) return;
	end_client(consumer);
	kafka_watch_done(&consumer->watch);
	MEM_FREE_ALL((void *)(uintptr_t)consumer->options.group, (void *)(uintptr_t)consumer->options.topic,
		     (void *)(uintptr_t)consumer->options.claim);
	kafka_assignment_done(&consumer->assignment);
	mem_free(consumer);
}

/* --- polling ------------------------------------------------------------------------------------ */

/* Messages on their way into a batch. */
struct gathering {
	rd_kafka_message_t **messages;
	size_t count;
	size_t bytes;
};

/* Events that heal by themselves: connections come back, the next poll joins the group again. */
static bool is_passing(rd_kafka_resp_err_t resp)
{
	return resp == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED || resp == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
	       resp == RD_KAFKA_RESP_ERR__TRANSPORT || resp == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

static void keep_message(struct kafka_consumer *consumer, rd_kafka_message_t *message, struct gathering *ret)
{
	if (!kafka_assignment_pass(&consumer->assignment, message->partition, message->offset)) {
		rd_kafka_message_destroy(message);
		return;
	}
	ret->messages[ret->count++] = message;
	ret->bytes += message->len + message->key_len;
}

static void gather(struct kafka_consumer *consumer, size_t max, int64_t wait_ms, struct gathering *ret)
{
	int64_t deadline_ms = sysclock_monotonic_ms() + wait_ms;
	while (ret->count < max && ret->bytes < consumer->options.fetch_bytes) {
		int64_t left_ms = ret->count > 0 ? 0 : deadline_ms - sysclock_monotonic_ms();
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->client, left_ms > 0 ? (int)left_ms : 0);
		if (!message) return;
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			keep_message(consumer, message, ret);
			continue;
		}
		rd_kafka_resp_err_t resp = message->err;
		rd_kafka_message_destroy(message);
		if (is_passing(resp)) continue;
		(void)kafka_client_fail(&consumer->failure, resp, consumer->options.topic);
		return;
	}
}

static void fill_batch(const struct gathering *gathered, struct kafka_batch *ret)
{
	struct kafka_record *records = mem_zalloc(gathered->count, sizeof(*records));
	for (size_t i = 0; i < gathered->count; i++)
		kafka_record_from_message(gathered->messages[i], &records[i]);
	*ret = (struct kafka_batch){records, gathered->count, gathered->messages};
}

bool kafka_consumer_poll(struct kafka_consumer *consumer, size_t max, int64_t wait_ms, struct kafka_batch *ret,
			 struct err *err)
{
	struct err reason = {0};
	rd_kafka_t *next = kafka_watch_turn(&consumer->watch, consumer->client);
	if (next) swap_client(consumer, next);
	if (!subscribe(consumer, err)) return false;
	if (!kafka_assignment_settle(&consumer->assignment, &reason))
		LOG_DEBUG("partitions wait for their start", LOG_TEXT("reason", reason.message));
	struct gathering gathered = {.messages = mem_zalloc(max, sizeof(*gathered.messages))};
	gather(consumer, max, wait_ms, &gathered);
	atomic_store(&consumer->lag, kafka_assignment_lag(&consumer->assignment));
	if (gathered.count == 0 && consumer->failure.code != ERR_NONE) {
		mem_free(gathered.messages);
		if (err) *err = consumer->failure;
		consumer->failure = (struct err){0};
		return false;
	}
	fill_batch(&gathered, ret);
	return true;
}

void kafka_batch_done(struct kafka_batch *batch)
{
	if (!batch) return;
	rd_kafka_message_t **messages = batch->impl;
	for (size_t i = 0; i < batch->count; i++)
		rd_kafka_message_destroy(messages[i]);
	MEM_FREE_ALL(messages, batch->records);
	*batch = (struct kafka_batch){0};
}

void kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_batch *batch)
{
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
	for (size_t i = 0; i < batch->count; i++) {
		const struct kafka_record *record = &batch->records[i];
		rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_find(list, record->topic,
										    record->partition);
		if (!at) at = rd_kafka_topic_partition_list_add(list, record->topic, record->partition);
		at->offset = record->offset + 1;
	}
	if (list->cnt > 0) kafka_assignment_commit(&consumer->assignment, list);
}

bool kafka_consumer_rewind(struct kafka_consumer *consumer, struct err *err)
{
	return kafka_assignment_rewind(&consumer->assignment, err);
}

int64_t kafka_consumer_lag(struct kafka_consumer *consumer)
{
	return atomic_load(&consumer->lag);
}
