/* Verbs that prepare an installation: schema, topics, keys, settings, version, completion. */

#include "cli/cli.h"
#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/settings.h"
#include "common/domain/topics.h"
#include "common/io/entropy.h"
#include "common/io/kafka.h"
#include "common/io/migrate.h"

#include <stdio.h>
#include <time.h>

#include "common/base/banned.h"

#ifndef OHDC_VERSION
#define OHDC_VERSION "0.1.0"
#endif

int cli_migrate(struct cli *cli)
{
	struct err err = {0};
	bool is_plan = cli_flag(cli, "plan");
	if (!cli_no_more(cli, &err)) return cli_usage(&err);
	struct migration_state *states = mem_zalloc(migration_file_count + 1, sizeof(*states));
	bool is_ok = cli_database(cli, &err) && migrate_run(cli->pool, !is_plan, states, &err);
	for (size_t i = 0; is_ok && i < migration_file_count; i++)
		printf("%s  %s\n", states[i].name,
		       states[i].was_applied ? "was there"
		       : is_plan             ? "missing"
					     : "applied");
	mem_free(states);
	return is_ok ? CLI_DONE : cli_fail(cli, &err);
}

/* ---- topics ------------------------------------------------------------------------------------------------------ */

#define DAYS_14 "1209600000"
#define DAYS_30 "2592000000"
#define MESSAGE_13_MIB "13631488"

static void wanted_topics(const struct cli *cli, char names[TOPIC_COUNT][TOPIC_NAME_SIZE],
			  struct kafka_topic ret[TOPIC_COUNT])
{
	static const struct {
		const char *config[8][2];
	} shapes[TOPIC_COUNT] = {
		[TOPIC_WEBHOOK] = {{{"retention.ms", DAYS_14}, {"max.message.bytes", MESSAGE_13_MIB}}},
		[TOPIC_JOB] = {{{"retention.ms", DAYS_14}, {"max.message.bytes", MESSAGE_13_MIB}}},
		[TOPIC_STATUS] = {{{"retention.ms", DAYS_14}}},
		[TOPIC_DLQ] = {{{"retention.ms", DAYS_30}, {"max.message.bytes", MESSAGE_13_MIB}}},
	};
	int32_t partitions = (int32_t)config_int(cli->config, "OHDC_KAFKA_PARTITIONS");
	for (int i = 0; i < TOPIC_COUNT; i++) {
		topic_name((enum topic)i, config_text(cli->config, "OHDC_KAFKA_PREFIX"), names[i]);
		ret[i] = (struct kafka_topic){.name = names[i]};
		ret[i].partitions = i == TOPIC_WEBHOOK || i == TOPIC_JOB ? partitions : 3;
		for (size_t c = 0; c < ARRAY_LEN(shapes[i].config); c++) {
			ret[i].config[c][0] = shapes[i].config[c][0];
			ret[i].config[c][1] = shapes[i].config[c][1];
		}
	}
}

static void print_topic(const struct kafka_topic *topic, const struct kafka_topic_state *state)
{
	int32_t partitions = state->existed ? state->partitions : topic->partitions;
	const char *word = state->existed ? "is there" : state->created ? "made" : "missing";
	printf("%s  %d partitions  %s\n", topic->name, (int)partitions, word);
}

static int topics(struct cli *cli, bool is_apply)
{
	struct err err = {0};
	if (!cli_no_more(cli, &err)) return cli_usage(&err);
	struct kafka_cluster cluster;
	if (!cli_cluster(cli, &cluster, &err)) return cli_usage(&err);
	char names[TOPIC_COUNT][TOPIC_NAME_SIZE];
	struct kafka_topic wanted[TOPIC_COUNT];
	struct kafka_topic_state states[TOPIC_COUNT] = {0};
	int32_t brokers = 0;
	wanted_topics(cli, names, wanted);
	if (!kafka_topics_sync(&cluster, wanted, TOPIC_COUNT, is_apply, states, &brokers, &err))
		return cli_fail(cli, &err);
	for (int i = 0; i < TOPIC_COUNT; i++)
		print_topic(&wanted[i], &states[i]);
	printf("%d %s\n", (int)brokers,
	       brokers == 1 ? "broker: one copy of each record, flushed before it is confirmed" : "brokers");
	return CLI_DONE;
}

int cli_topics_plan(struct cli *cli)
{
	return topics(cli, false);
}

int cli_topics_apply(struct cli *cli)
{
	return topics(cli, true);
}

/* ---- keys, settings, version ----------------------------------------------------------------------------------- */

int cli_keys_generate(struct cli *cli)
{
	struct err err = {0};
	if (!cli_no_more(cli, &err)) return cli_usage(&err);
	uint8_t key[CRYPTO_KEY_SIZE];
	entropy_fill(key, sizeof(key));
	CLEANUP(strbuf_done) struct strbuf hex = strbuf_of(2 * sizeof(key));
	encode_hex(&hex, bytes_of(key, sizeof(key)));
	char id[16];
	struct tm day;
	time_t now = time(NULL);
	if (!gmtime_r(&now, &day) || strftime(id, sizeof(id), "k%Y%m%d", &day) == 0) return CLI_FAILED;
	printf("%s-%04x %s\n", id, entropy_u32() & 0xffff, strbuf_text(&hex));
	mem_wipe(key, sizeof(key));
	mem_wipe(hex.text, hex.len);
	return CLI_DONE;
}

int cli_config_docs(UNUSED struct cli *cli)
{
	size_t count;
	const struct setting *settings = settings_all(&count);
	config_print_docs(stdout, settings, count);
	return CLI_DONE;
}

int cli_version(UNUSED struct cli *cli)
{
	puts("ohdc " OHDC_VERSION);
	return CLI_DONE;
}

int cli_completion(UNUSED struct cli *cli)
{
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	puts("_ohdc() {\n\tlocal verbs=\"");
	for (size_t i = 0; i < count; i++)
		printf("%s%s%s\n", verbs[i].name, verbs[i].sub ? " " : "", verbs[i].sub ? verbs[i].sub : "");
	puts("\"\n\tlocal typed=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
	     "\tCOMPREPLY=($(compgen -W \"$(awk -v t=\"$typed\" -v n=\"$COMP_CWORD\" "
	     "'index($0, t) == 1 { print $n }' <<<\"$verbs\" | sort -u)\" -- "
	     "\"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
	     "complete -F _ohdc ohdc");
	return CLI_DONE;
}
