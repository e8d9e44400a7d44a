/* Verbs that prepare an installation: topics, keys, settings, version, completion. */

#include "cli/cli.h"
#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/connect/claim.h"
#include "common/domain/settings.h"
#include "common/domain/topics.h"
#include "common/io/entropy.h"
#include "common/io/installation.h"
#include "common/io/kafka_topics.h"

#include <stdio.h>
#include <time.h>

#include "common/base/banned.h"

#ifndef OHDC_VERSION
#define OHDC_VERSION "0.1.0"
#endif

/* ---- topics ------------------------------------------------------------------------------------------------------ */

enum { COMMANDS_BYTES = 64 * 1024 };

#define DAYS_14 "1209600000"
#define DAYS_30 "2592000000"
#define MESSAGE_13_MIB "13631488"

static const struct kafka_topic shapes[TOPIC_COUNT] = {
	[TOPIC_WEBHOOK] = {.config = {{"retention.ms", DAYS_14}, {"max.message.bytes", MESSAGE_13_MIB}}},
	[TOPIC_JOB] = {.config = {{"retention.ms", DAYS_14}, {"max.message.bytes", MESSAGE_13_MIB}}},
	[TOPIC_STATUS] = {.config = {{"retention.ms", DAYS_14}}, .partitions = 3},
	[TOPIC_DLQ] = {.config = {{"retention.ms", DAYS_30}, {"max.message.bytes", MESSAGE_13_MIB}}, .partitions = 3},
};

/* What the verbs about topics have found out. */
struct topics_seen {
	struct kafka_cluster cluster; /**< brokers NULL: not looked at */
	char names[TOPIC_COUNT][TOPIC_NAME_SIZE];
	struct kafka_topic wanted[TOPIC_COUNT];
	struct kafka_topic_state states[TOPIC_COUNT];
	int32_t brokers; /**< 0: not looked at */
	bool is_apply;
};

/* A topic as it should be and as it is; the command that makes it goes to the end of `commands`. */
static json_t *topic_object(const struct topics_seen *seen, int i, struct strbuf *commands)
{
	const struct kafka_topic *topic = &seen->wanted[i];
	const struct kafka_topic_state *state = &seen->states[i];
	const char *word = state->existed ? "is there" : state->created ? "made" : "missing";
	json_t *configs = json_object();
	strbuf_addf(commands,
		    "kafka-topics.sh --create --if-not-exists --topic %s --partitions %d --replication-factor %d",
		    topic->name, (int)topic->partitions, topic->copies ? (int)topic->copies : 3);
	for (size_t at = 0; topic->config[at][0]; at++) {
		json_put_text(configs, topic->config[at][0], topic->config[at][1]);
		strbuf_addf(commands, " --config %s=%s", topic->config[at][0], topic->config[at][1]);
	}
	strbuf_add(commands, "\n");
	return json_pack("{ss si si so ss ss}", "name", topic->name, "partitions", (int)topic->partitions, "found",
			 (int)state->partitions, "configs", configs, "state", seen->brokers ? word : "not looked at",
			 "different", state->different);
}

static json_t *access_object(const struct topic_access *access, const char *prefix, struct strbuf *commands)
{
	char name[TOPIC_NAME_SIZE];
	const char *type = access->group ? "group" : "topic";
	json_t *operations = json_array();
	access->group ? group_name(access->group, prefix, name) : topic_name(access->topic, prefix, name);
	strbuf_addf(commands, "kafka-acls.sh --add --allow-principal User:ohdc-%s --%s %s", access->service, type, name);
	for (size_t at = 0; access->operations[at]; at++) {
		strbuf_addf(commands, " --operation %s", access->operations[at]);
		json_array_append_new(operations, json_string(access->operations[at]));
	}
	strbuf_add(commands, "\n");
	return json_pack("{ss ss ss so}", "service", access->service, "type", type, "name", name, "operations",
			 operations);
}

static void print_topics(const json_t *topics, int brokers, const char *commands)
{
	const json_t *topic;
	size_t i;
	json_array_foreach(topics, i, topic)
	{
		const char *different = json_text_at(topic, "different");
		const char *partitions = json_int_at(topic, "found", 0) > 0 ? "found" : "partitions";
		printf("%s  %lld partitions  %s%s%s\n", json_text_at(topic, "name"),
		       (long long)json_int_at(topic, partitions, 0), json_text_at(topic, "state"),
		       different[0] ? ", but " : "", different);
	}
	printf("%d %s\n%s", brokers,
	       brokers == 1 ? "broker: one copy of each record, flushed before it is confirmed" : "brokers", commands);
}

static void show_topics(const char *prefix, const struct topics_seen *seen, bool is_json, bool is_plan)
{
	size_t count;
	const struct topic_access *accesses = topic_accesses(&count);
	CLEANUP(strbuf_done) struct strbuf commands = strbuf_of(COMMANDS_BYTES);
	strbuf_add(&commands, "\nFor the owner of Kafka, with a user for each service:\n");
	json_t *topics = json_array();
	json_t *acls = json_array();
	json_auto_t *shown = json_pack("{si so so}", "brokers", (int)seen->brokers, "topics", topics, "acls", acls);
	for (int i = 0; i < TOPIC_COUNT; i++)
		json_array_append_new(topics, topic_object(seen, i, &commands));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(acls, access_object(&accesses[i], prefix, &commands));
	if (is_json)
		cli_print_json(shown);
	else
		print_topics(topics, (int)seen->brokers, is_plan ? strbuf_text(&commands) : "");
}

/* Brokers that are not there yet, or do not know our user yet, are tried again, and there may be more of them then. */
static bool sync_topics(struct cli *cli, void *context, struct err *err)
{
	struct topics_seen *seen = context;
	const char *prefix = config_text(cli->config, "OHDC_KAFKA_PREFIX");
	for (int i = 0; i < TOPIC_COUNT; i++) {
		topic_name((enum topic)i, prefix, seen->names[i]);
		seen->wanted[i] = shapes[i];
		seen->wanted[i].name = seen->names[i];
		if (shapes[i].partitions == 0)
			seen->wanted[i].partitions = (int32_t)config_int(cli->config, "OHDC_KAFKA_PARTITIONS");
	}
	return (!seen->is_apply && !config_text(cli->config, "OHDC_KAFKA_BROKERS")) ||
	       (cli_cluster(cli, &seen->cluster, err) &&
		(kafka_topics_sync(&seen->cluster, seen->wanted, TOPIC_COUNT, seen->is_apply, seen->states,
				   &seen->brokers, err) ||
		 err_wrap(err, "%s", seen->cluster.brokers)));
}

static bool topics(struct cli *cli, bool is_apply, struct err *err)
{
	struct topics_seen seen = {.is_apply = is_apply};
	if (!cli_keep_trying(cli, sync_topics, &seen, err)) return false;
	show_topics(config_text(cli->config, "OHDC_KAFKA_PREFIX"), &seen, cli->is_json, !is_apply);
	return true;
}

bool cli_topics_plan(struct cli *cli, struct err *err)
{
	return topics(cli, false, err);
}

bool cli_topics_apply(struct cli *cli, struct err *err)
{
	return topics(cli, true, err);
}

static const char sql_claimed[] =
	"select audit_write($1, 'kafka.claim', $2, jsonb_build_object('brokers', $3::text, 'from', $4::text))";

bool cli_topics_claim(struct cli *cli, struct err *err)
{
	struct uuid installation;
	char other[UUID_TEXT_SIZE];
	struct kafka_cluster cluster;
	if (!cli_no_more(cli, err) || !cli_cluster(cli, &cluster, err) || !cli_database(cli, err) ||
	    !installation_open(cli->pool, NULL, &installation, err))
		return false;
	struct claim_place place = claim_place(cli->config, "ohdc", &installation);
	if (!kafka_claim(&cluster, place.topic, place.group, place.own, true, other, err))
		return err_wrap(err, "is a linker still running with '%s'?", place.prefix);
	printf("%s is installation %s's; before: %s\n", place.prefix, place.own,
	       other[0] ? other : "nobody's or the same");
	return cli_query(cli, sql_claimed, DB_PARAMS(cli->who, place.prefix, cluster.brokers, other), NULL, err);
}

/* ---- keys, settings, version ----------------------------------------------------------------------------------- */

bool cli_keys_generate(struct cli *cli, struct err *err)
{
	uint8_t key[CRYPTO_KEY_SIZE];
	char day[16];
	struct tm date = {0};
	CLEANUP(strbuf_wipe) struct strbuf hex = strbuf_of(2 * sizeof(key));
	time_t now = time(NULL);
	if (!cli_no_more(cli, err)) return false;
	(void)gmtime_r(&now, &date);
	(void)strftime(day, sizeof(day), "%Y%m%d", &date);
	entropy_fill(key, sizeof(key));
	encode_hex(&hex, bytes_of(key, sizeof(key)));
	mem_wipe(key, sizeof(key));
	printf("k%s-%04x %s\n", day, entropy_u32() & 0xffff, strbuf_text(&hex));
	return true;
}

bool cli_config_docs(UNUSED struct cli *cli, UNUSED struct err *err)
{
	size_t count;
	const struct setting *settings = settings_all(&count);
	config_print_docs(stdout, settings, count);
	return true;
}

bool cli_version(UNUSED struct cli *cli, UNUSED struct err *err)
{
	puts("ohdc " OHDC_VERSION);
	return true;
}

bool cli_completion(UNUSED struct cli *cli, UNUSED struct err *err)
{
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	puts("_ohdc() {\n\tlocal verbs=\"");
	for (size_t i = 0; i < count; i++)
		puts(verbs[i].name);
	puts("\"\n\tlocal typed=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
	     "\tCOMPREPLY=($(compgen -W \"$(awk -v t=\"$typed\" -v n=\"$COMP_CWORD\" "
	     "'index($0, t) == 1 { print $n }' <<<\"$verbs\" | sort -u)\" -- "
	     "\"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
	     "complete -F _ohdc ohdc");
	return true;
}
