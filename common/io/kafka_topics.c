/* Topics seen from outside: whether they exist, making them, and how far they and a group are. */
#include "common/io/kafka_topics.h"

#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/kafka_client.h"

#include "common/base/banned.h"

enum {
	ANSWER_WAIT_MS = 10000,
	CLAIM_WAIT_MS = 3000, /* it is asked again, and a stop waits for it */
	REPLICATION_MAX = 3,
	REASON_SIZE = 160,
};

CLEANUP_FUNCTION(client_done, rd_kafka_t *, rd_kafka_destroy);
CLEANUP_FUNCTION(metadata_done, const rd_kafka_metadata_t *, rd_kafka_metadata_destroy);
CLEANUP_FUNCTION(event_done, rd_kafka_event_t *, rd_kafka_event_destroy);

/* A consumer that never subscribes: unlike a producer it makes no topic by asking for it. */
static bool open_client(const struct kafka_cluster *cluster, const char *group, int wait_ms, rd_kafka_t **ret,
			const rd_kafka_metadata_t **ret_metadata, struct err *err)
{
	rd_kafka_conf_t *conf = NULL;
	const struct kafka_property fixed[] = {
		{"group.id", group},
		{"enable.auto.commit", "false"},
	};
	if (!kafka_client_conf(cluster, fixed, ARRAY_LEN(fixed), &conf, err) ||
	    !kafka_client_new(RD_KAFKA_CONSUMER, conf, ret, err))
		return false;
	rd_kafka_resp_err_t resp = rd_kafka_metadata(*ret, 1, NULL, ret_metadata, wait_ms);
	return resp == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_client_fail(err, resp, "metadata");
}

/* Number of partitions of a topic; 0: it does not exist, or is not visible to us. */
static int32_t count_partitions(const rd_kafka_metadata_t *metadata, const char *name)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		if (strcmp(metadata->topics[i].topic, name) == 0) return metadata->topics[i].partition_cnt;
	}
	return 0;
}

/* --- making topics ------------------------------------------------------------------------------ */

/* A record that one server acknowledged must be on its disk; with three, on two machines. There is room for two more. */
static void complete_topic(struct kafka_topic *topic, int32_t brokers)
{
	size_t count = 0;
	while (count + 2 < ARRAY_LEN(topic->config) && topic->config[count][0])
		count++;
	topic->copies = brokers < REPLICATION_MAX ? brokers : REPLICATION_MAX;
	topic->config[count][0] = "min.insync.replicas";
	topic->config[count][1] = topic->copies >= REPLICATION_MAX ? "2" : "1";
	topic->config[count + 1][0] = brokers == 1 ? "flush.messages" : NULL;
	topic->config[count + 1][1] = "1";
}

static bool describe_topic(const struct kafka_topic *topic, rd_kafka_NewTopic_t **ret, struct err *err)
{
	char reason[REASON_SIZE];
	rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->copies, reason,
							  sizeof(reason));
	if (!made) return err_set(err, ERR_INPUT, "topic '%s': %s", topic->name, reason);
	for (size_t i = 0; i < ARRAY_LEN(topic->config) && topic->config[i][0]; i++)
		(void)rd_kafka_NewTopic_set_config(made, topic->config[i][0], topic->config[i][1]);
	*ret = made;
	return true;
}

static bool read_created(rd_kafka_event_t *event, bool *ret, struct err *err)
{
	size_t count = 0;
	const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
		rd_kafka_event_CreateTopics_result(event), &count);
	rd_kafka_resp_err_t resp = rd_kafka_event_error(event);
	if (resp == RD_KAFKA_RESP_ERR_NO_ERROR && count == 1) resp = rd_kafka_topic_result_error(results[0]);
	*ret = resp == RD_KAFKA_RESP_ERR_NO_ERROR; /* else somebody else was first, or it failed */
	return *ret || resp == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS || kafka_client_fail(err, resp, "create topic");
}

/* `ret`: whether it was us who made it. */
static bool create_topic(rd_kafka_t *client, const struct kafka_topic *topic, bool *ret, struct err *err)
{
	rd_kafka_NewTopic_t *made = NULL;
	if (!describe_topic(topic, &made, err)) return false;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	(void)rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_WAIT_MS, NULL, 0);
	(void)rd_kafka_AdminOptions_set_operation_timeout(options, ANSWER_WAIT_MS, NULL, 0);
	rd_kafka_CreateTopics(client, &made, 1, options, queue);
	CLEANUP(event_done) rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * ANSWER_WAIT_MS);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(made);
	if (!event) return err_set(err, ERR_TIMEOUT, "create topic '%s': no answer", topic->name);
	return read_created(event, ret, err) || err_wrap(err, "'%s'", topic->name);
}

/* What of the configuration as it is, `resource`, is not as it should be. */
static void compare_configs(const rd_kafka_ConfigResource_t *resource, const struct kafka_topic *topic,
			    struct kafka_topic_state *state)
{
	size_t count = 0;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
	for (size_t i = 0; i < count; i++) {
		const char *name = rd_kafka_ConfigEntry_name(entries[i]);
		const char *found = rd_kafka_ConfigEntry_value(entries[i]);
		size_t len = strlen(state->different);
		for (size_t at = 0; found && at < ARRAY_LEN(topic->config) && topic->config[at][0]; at++) {
			const char *wanted = topic->config[at][1];
			if (strcmp(name, topic->config[at][0]) == 0 && strcmp(found, wanted) != 0)
				(void)snprintf(state->different + len, sizeof(state->different) - len,
					       "%s%s is %s, wanted %s", len > 0 ? "; " : "", name, found, wanted);
		}
	}
}

/* Note what is different; a user who may not see it sees nothing. */
static void compare_topic(rd_kafka_t *client, const struct kafka_topic *topic, struct kafka_topic_state *state)
{
	size_t count = 0;
	rd_kafka_ConfigResource_t *asked = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_DescribeConfigs(client, &asked, 1, NULL, queue);
	CLEANUP(event_done) rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_WAIT_MS);
	rd_kafka_queue_destroy(queue);
	rd_kafka_ConfigResource_destroy(asked);
	if (!event || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
	const rd_kafka_ConfigResource_t **answers = rd_kafka_DescribeConfigs_result_resources(
		rd_kafka_event_DescribeConfigs_result(event), &count);
	if (count == 1) compare_configs(answers[0], topic, state);
}

bool kafka_topics_sync(const struct kafka_cluster *cluster, struct kafka_topic *topics, size_t count, bool apply,
		       struct kafka_topic_state *ret, int32_t *ret_brokers, struct err *err)
{
	CLEANUP(client_done) rd_kafka_t *client = NULL;
	CLEANUP(metadata_done) const rd_kafka_metadata_t *metadata = NULL;
	if (!open_client(cluster, NULL, ANSWER_WAIT_MS, &client, &metadata, err)) return false;
	for (size_t i = 0; i < count; i++) {
		int32_t found = count_partitions(metadata, topics[i].name);
		struct kafka_topic_state state = {.existed = found > 0, .partitions = found};
		complete_topic(&topics[i], metadata->broker_cnt);
		if (found > 0 && found < topics[i].partitions)
			(void)snprintf(state.different, sizeof(state.different), "wanted are %d",
				       (int)topics[i].partitions);
		if (found > 0) compare_topic(client, &topics[i], &state);
		if (found == 0 && apply && !create_topic(client, &topics[i], &state.created, err)) return false;
		state.existed = state.existed || (apply && !state.created); /* somebody else was first */
		ret[i] = state;
	}
	*ret_brokers = metadata->broker_cnt;
	return true;
}

/* --- whose a group is --------------------------------------------------------------------------- */

bool kafka_claim_read(const rd_kafka_topic_partition_t *at, char ret[UUID_TEXT_SIZE])
{
	char text[UUID_TEXT_SIZE] = "";
	if (at->metadata && at->metadata_size < sizeof(text)) (void)memcpy(text, at->metadata, at->metadata_size);
	return uuid_normalise(text, ret);
}

void kafka_claim_put(rd_kafka_topic_partition_t *at, const char *claim)
{
	mem_free(at->metadata);
	at->metadata = mem_dup(claim);
	at->metadata_size = strlen(claim);
}

/* New client, and list of at most `max` partitions, with what the group (NULL: none) committed there. */
static bool read_committed(const struct kafka_cluster *cluster, const char *topic, const char *group, int32_t max,
			   int wait_ms, rd_kafka_t **ret_client, rd_kafka_topic_partition_list_t **ret, struct err *err)
{
	CLEANUP(metadata_done) const rd_kafka_metadata_t *metadata = NULL;
	if (!open_client(cluster, group, wait_ms, ret_client, &metadata, err)) return false;
	int32_t found = count_partitions(metadata, topic);
	if (found == 0) return err_set(err, ERR_NOT_FOUND, "topic '%s' does not exist", topic);
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(found);
	for (int32_t i = 0; i < found && i < max; i++)
		(void)rd_kafka_topic_partition_list_add(list, topic, i);
	rd_kafka_resp_err_t resp = group ? rd_kafka_committed(*ret_client, list, wait_ms) : RD_KAFKA_RESP_ERR_NO_ERROR;
	return resp == RD_KAFKA_RESP_ERR_NO_ERROR ? MOVE(ret, list) : (kafka_client_fail(err, resp, group), false);
}

bool kafka_claim(const struct kafka_cluster *cluster, const char *topic, const char *group, const char *own,
		 bool is_taking, char ret_other[UUID_TEXT_SIZE], struct err *err)
{
	CLEANUP(client_done) rd_kafka_t *client = NULL;
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *list = NULL;
	if (!read_committed(cluster, topic, group, INT32_MAX, CLAIM_WAIT_MS, &client, &list, err)) return false;
	ret_other[0] = '\0';
	for (int i = 0; i < list->cnt; i++) {
		char claim[UUID_TEXT_SIZE];
		rd_kafka_topic_partition_t *at = &list->elems[i];
		if (at->err != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_client_fail(err, at->err, group);
		if (kafka_claim_read(at, claim) && strcmp(claim, own) != 0) text_copy(claim, ret_other, UUID_TEXT_SIZE);
		kafka_claim_put(at, own);
	}
	rd_kafka_resp_err_t resp = is_taking ? rd_kafka_commit(client, list, 0) : RD_KAFKA_RESP_ERR_NO_ERROR;
	if (resp == RD_KAFKA_RESP_ERR_NO_ERROR || resp == RD_KAFKA_RESP_ERR__NO_OFFSET) return true;
	return kafka_client_fail(err, resp, group);
}

/* --- offsets ------------------------------------------------------------------------------------ */

static bool read_offsets(rd_kafka_t *client, const rd_kafka_topic_partition_t *at, struct kafka_partition_state *ret,
			 struct err *err)
{
	struct kafka_partition_state state = {.partition = at->partition, .committed = -1};
	rd_kafka_resp_err_t resp = rd_kafka_query_watermark_offsets(client, at->topic, at->partition, &state.low,
								    &state.high, ANSWER_WAIT_MS);
	if (resp != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_client_fail(err, resp, "offsets");
	if (at->err == RD_KAFKA_RESP_ERR_NO_ERROR && at->offset >= 0) state.committed = at->offset;
	*ret = state;
	return true;
}

bool kafka_topic_offsets(const struct kafka_cluster *cluster, const char *topic, const char *group,
			 struct kafka_partition_state *ret, size_t max, size_t *ret_count, struct err *err)
{
	CLEANUP(client_done) rd_kafka_t *client = NULL;
	CLEANUP(kafka_list_done) rd_kafka_topic_partition_list_t *list = NULL;
	if (!read_committed(cluster, topic, group, (int32_t)max, ANSWER_WAIT_MS, &client, &list, err)) return false;
	for (int i = 0; i < list->cnt; i++) {
		if (!read_offsets(client, &list->elems[i], &ret[i], err)) return false;
	}
	*ret_count = (size_t)list->cnt;
	return true;
}
