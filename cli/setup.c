/* Verbs that prepare an installation: topics, keys, settings, version, completion. */

#include "cli/cli.h"
#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/settings.h"
#include "common/domain/topics.h"
#include "common/io/entropy.h"
#include "common/io/kafka.h"

#include <stdio.h>
#include <time.h>

#include "common/base/banned.h"

#ifndef OHDC_VERSION
#define OHDC_VERSION "0.1.0"
#endif

/* ---- topics ------------------------------------------------------------------------------------------------------ */

#define DAYS_14 "1209600000"
#define DAYS_30 "2592000000"
#define MESSAGE_13_MIB "13631488"

static void wanted_topics(const struct cli *cli, char names[TOPIC_COUNT][TOPIC_NAME_SIZE],
			  struct kafka_topic ret[TOPIC_COUNT])
{
	static const struct kafka_topic shapes[TOPIC_COUNT] = {
		[TOPIC_WEBHOOK] = {.config = {{"retention.ms", DAYS_14}, {"max.message.bytes", MESSAGE_13_MIB}}},
		[TOPIC_JOB] = {.config = {{"retention.ms", DAYS_14}, {"max.message.bytes", MESSAGE_13_MIB}}},
		[TOPIC_STATUS] = {.config = {{"retention.ms", DAYS_14}}, .partitions = 3},
		[TOPIC_DLQ] = {.config = {{"retention.ms", DAYS_30}, {"max.message.bytes", MESSAGE_13_MIB}},
			       .partitions = 3},
	};
	for (int i = 0; i < TOPIC_COUNT; i++) {
		topic_name((enum topic)i, config_text(cli->config, "OHDC_KAFKA_PREFIX"), names[i]);
		ret[i] = shapes[i];
		ret[i].name = names[i];
		if (shapes[i].partitions == 0)
			ret[i].partitions = (int32_t)config_int(cli->config, "OHDC_KAFKA_PARTITIONS");
	}
}

static void print_topic(const struct kafka_topic *topic, const struct kafka_topic_state *state)
{
	int32_t partitions = state->existed ? state->partitions : topic->partitions;
	const char *word = state->existed ? "is there" : state->created ? "made" : "missing";
	printf("%s  %d partitions  %s\n", topic->name, (int)partitions, word);
}

static bool topics(struct cli *cli, bool is_apply, struct err *err)
{
	struct kafka_cluster cluster;
	char names[TOPIC_COUNT][TOPIC_NAME_SIZE];
	struct kafka_topic wanted[TOPIC_COUNT];
	struct kafka_topic_state states[TOPIC_COUNT] = {0};
	int32_t brokers = 0;
	if (!cli_no_more(cli, err) || !cli_cluster(cli, &cluster, err)) return false;
	wanted_topics(cli, names, wanted);
	if (!kafka_topics_sync(&cluster, wanted, TOPIC_COUNT, is_apply, states, &brokers, err)) return false;
	for (int i = 0; i < TOPIC_COUNT; i++)
		print_topic(&wanted[i], &states[i]);
	printf("%d %s\n", (int)brokers,
	       brokers == 1 ? "broker: one copy of each record, flushed before it is confirmed" : "brokers");
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
