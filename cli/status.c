/* How the whole path is doing: topics and lag from Kafka, open work from the database. */

#include "cli/cli.h"
#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/domain/topics.h"
#include "common/io/kafka_topics.h"

#include <stdio.h>

#include "common/base/banned.h"

enum { PARTITIONS_MAX = 1000 };

static const char sql_status[] =
	"select json_build_object("
	" 'connections', (select coalesce(json_object_agg(status, n), '{}'::json)"
	"  from (select status, count(*) as n from connection group by status order by status) x),"
	" 'last_delivery_at', (select max(received_at) from delivery),"
	" 'open_triggers', (select coalesce(json_object_agg(state, n), '{}'::json)"
	"  from (select state, count(*) as n from trigger where state in ('NEW', 'SENT') group by "
	"state order by state) x),"
	" 'failed_triggers', (select count(*) from trigger where state = 'FAILED'),"
	" 'open_jobs', (select coalesce(json_object_agg(state, n), '{}'::json)"
	"  from (select state, count(*) as n from job where ended_at is null group by state order "
	"by state) x),"
	" 'jobs_ended_last_day', (select coalesce(json_object_agg(reason, n), '{}'::json)"
	"  from (select coalesce(outcome, state) as reason, count(*) as n from job"
	"  where ended_at > now() - interval '1 day' group by 1 order by 1) x),"
	" 'outbox', (select count(*) from job_outbox),"
	" 'oldest_open_at', (select min(at) from ("
	"  select min(created_at) as at from trigger where state in ('NEW', 'SENT')"
	"  union all select min(created_at) from job where ended_at is null) x))";

static bool read_database(struct cli *cli, json_t **ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!cli_query(cli, sql_status, NULL, &rows, err)) return err_wrap(err, "database");
	*ret = json_loads(db_text(&rows, 0, 0), 0, NULL);
	return *ret || err_set(err, ERR_INTERNAL, "database: the answer is no JSON");
}

/* ---- Kafka ------------------------------------------------------------------------------------------------------ */

/* Records that the group has still to read; without a committed offset all of them. */
static json_t *topic_object(const char *topic, const char *group, const struct kafka_partition_state *states, size_t count)
{
	int64_t records = 0;
	int64_t lag = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t from = states[i].committed > states[i].low ? states[i].committed : states[i].low;
		records += states[i].high - states[i].low;
		lag += states[i].high - from;
	}
	return json_pack("{ss sI sI ss* so*}", "topic", topic, "partitions", (json_int_t)count, "records",
			 (json_int_t)records, "group", group, "lag", group ? json_integer(lag) : NULL);
}

static bool read_topic(const struct cli *cli, const struct kafka_cluster *cluster, enum topic topic, const char *reader,
		       json_t *list, struct err *err)
{
	const char *prefix = config_text(cli->config, "OHDC_KAFKA_PREFIX");
	char name[TOPIC_NAME_SIZE];
	char group[TOPIC_NAME_SIZE];
	size_t count = 0;
	topic_name(topic, prefix, name);
	if (reader) group_name(reader, prefix, group);
	struct kafka_partition_state *states = mem_zalloc(PARTITIONS_MAX, sizeof(*states));
	bool is_read = kafka_topic_offsets(cluster, name, reader ? group : NULL, states, PARTITIONS_MAX, &count, err);
	if (is_read) json_array_append_new(list, topic_object(name, reader ? group : NULL, states, count));
	mem_free(states);
	return is_read;
}

static bool read_topics(struct cli *cli, json_t *list, struct err *err)
{
	static const char *const readers[TOPIC_COUNT] = {
		[TOPIC_WEBHOOK] = GROUP_LINKER,
		[TOPIC_JOB] = GROUP_DISPATCHER,
	};
	struct kafka_cluster cluster;
	if (!cli_cluster(cli, &cluster, err)) return false;
	for (int i = 0; i < TOPIC_COUNT; i++) {
		if (!read_topic(cli, &cluster, (enum topic)i, readers[i], list, err)) return err_wrap(err, "Kafka");
	}
	return true;
}

/* ---- for people ------------------------------------------------------------------------------------------------- */

static void print_value(const char *title, const json_t *value)
{
	const char *name;
	json_t *count;
	printf("%-20s", title);
	json_object_foreach((json_t *)(uintptr_t)value, name, count)
		printf("  %s %lld", name, (long long)json_integer_value(count));
	if (json_is_object(value))
		puts(json_object_size(value) == 0 ? "  none" : "");
	else if (json_is_integer(value))
		printf("  %lld\n", (long long)json_integer_value(value));
	else
		printf("  %s\n", json_is_string(value) ? json_string_value(value) : "-");
}

static void print_topics(const json_t *list)
{
	const json_t *topic;
	size_t i;
	json_array_foreach(list, i, topic)
	{
		printf("%-20s  %lld partitions, %lld records", json_text_at(topic, "topic"),
		       (long long)json_int_at(topic, "partitions", 0), (long long)json_int_at(topic, "records", 0));
		if (json_at(topic, "group"))
			printf(", %s is %lld behind", json_text_at(topic, "group"),
			       (long long)json_int_at(topic, "lag", 0));
		puts("");
	}
}

static void print_status(const json_t *status)
{
	static const char *const lines[][2] = {
		{"connections", "connections"},         {"last delivery", "last_delivery_at"},
		{"open triggers", "open_triggers"},     {"open jobs", "open_jobs"},
		{"oldest open", "oldest_open_at"},      {"ended in 24 h", "jobs_ended_last_day"},
		{"failed triggers", "failed_triggers"}, {"unsent jobs", "outbox"},
		{"dead letters", "dead_letters"},
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const json_t *value = json_object_get(status, lines[i][1]);
		if (value) print_value(lines[i][0], value);
	}
	print_topics(json_at(status, "topics"));
}

bool cli_status(struct cli *cli, struct err *err)
{
	json_auto_t *status = NULL;
	if (!cli_no_more(cli, err) || !read_database(cli, &status, err)) return false;
	json_t *topics = json_array();
	json_object_set_new(status, "topics", topics);
	bool is_whole = read_topics(cli, topics, err);
	if (is_whole)
		json_put_int(status, "dead_letters", json_int_at(json_array_get(topics, TOPIC_DLQ), "records", 0));
	if (cli->is_json)
		cli_print_json(status);
	else
		print_status(status);
	return is_whole;
}
