/* Puts an ask on the webhook topic as if it had arrived; source "simulate" tells it from a real one. */

#include "cli/simulated_body.h"
#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/delivery.h"
#include "common/domain/topics.h"
#include "common/domain/trigger.h"
#include "common/io/entropy.h"
#include "common/io/kafka_wait.h"
#include "common/io/sysclock.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { REPORT_WAIT_MS = 20000, FLUSH_MS = 1000 };

/* The person who is known best: the link that was made last. */
static const char sql_actor[] = "select account_key from user_link where instance_id = $1 and "
				"status = 'active' order by updated_at desc limit 1";

static const struct {
	const char *name;
	enum provider provider;
	enum simulated_kind kind;
} kinds[] = {
	{"jira-comment", PROVIDER_JIRA, SIMULATED_JIRA_COMMENT},
	{"jira-label", PROVIDER_JIRA, SIMULATED_JIRA_LABEL},
	{"bitbucket-comment", PROVIDER_BITBUCKET, SIMULATED_BITBUCKET_COMMENT},
};

static bool take_kind(struct cli *cli, struct simulation *ret, enum provider *ret_provider, struct err *err)
{
	const char *name = cli_positional(cli);
	for (size_t i = 0; name && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) != 0) continue;
		ret->kind = kinds[i].kind;
		*ret_provider = kinds[i].provider;
		return true;
	}
	return err_set(err, ERR_INPUT, "'%s' cannot be simulated, expected jira-comment, jira-label or bitbucket-comment",
		       name ? name : "");
}

static bool take_arguments(struct cli *cli, struct simulation *ret, struct connection_ref *ret_ref, struct err *err)
{
	enum provider provider = PROVIDER_JIRA;
	if (!known_connection_option(cli, ret_ref, err)) return false;
	ret->text = cli_option(cli, "text");
	ret->actor = cli_option(cli, "actor");
	ret->issue_id = cli_option(cli, "issue");
	ret->issue_key = cli_option(cli, "issue-key");
	ret->pull_request_id = cli_option(cli, "pull-request");
	ret->comment_id = cli_option(cli, "comment");
	ret->label = config_text(cli->config, "OH_RESOLVER_LABEL");
	if (!take_kind(cli, ret, &provider, err) || !cli_no_more(cli, err)) return false;
	if (provider != ret_ref->provider)
		return err_set(err, ERR_INPUT, "the connection is not one of %s", provider_name(provider));
	return simulation_check(ret, err);
}

static bool find_actor(struct cli *cli, const struct known_connection *connection, struct db_rows *rows,
		       struct simulation *simulation, struct err *err)
{
	if (simulation->actor) return true;
	if (!db_query(cli->pool, sql_actor, DB_PARAMS(connection->instance_id), rows, err)) return false;
	simulation->actor = rows->count > 0 ? db_text(rows, 0, 0) : cli->who;
	return true;
}

/* ---- the record ------------------------------------------------------------------------------------------------- */

static char *digest_of(const char *body)
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	struct strbuf hex = {0};
	crypto_sha256(bytes_text(body), digest);
	strbuf_init(&hex, 2 * sizeof(digest));
	encode_hex(&hex, bytes_of(digest, sizeof(digest)));
	return strbuf_take(&hex);
}

static bool send_body(struct kafka_producer *producer, const char *topic, const struct known_connection *connection,
		      const json_t *body, struct delivery *delivery, struct err *err)
{
	char source[] = "simulate";
	char traceparent[56];
	uint8_t random[24];
	CLEANUP(mem_free_text) char *text = json_compact(body);
	CLEANUP(mem_free_text) char *digest = digest_of(text);
	CLEANUP(mem_free_text) char *event = trigger_event_name(connection->ref.provider, body);
	CLEANUP(mem_free_text) char *subject = trigger_subject(connection->ref.provider, connection->instance_id, body);
	entropy_fill(random, sizeof(random));
	traceparent_new(random, traceparent);
	delivery->provider = connection->ref.provider;
	delivery->connection_id = connection->ref.id;
	delivery->event = event;
	delivery->source = source;
	delivery->body_sha256 = digest;
	delivery->traceparent = traceparent;
	struct kafka_record record = {
		.topic = topic, .key = bytes_text(subject ? subject : delivery->id), .value = bytes_text(text)};
	delivery_write(delivery, kafka_record_put, &record);
	return kafka_send_and_wait(producer, &record, REPORT_WAIT_MS, err);
}

static bool produce(struct cli *cli, const struct known_connection *connection, const json_t *body, int64_t now_ms,
		    char ret_id[UUID_TEXT_SIZE], struct err *err)
{
	struct kafka_producer_options options = {.report = kafka_wait_report};
	struct kafka_producer *producer = NULL;
	struct uuid id = entropy_uuid();
	struct delivery delivery = {.received_at_ms = now_ms};
	char topic[TOPIC_NAME_SIZE];
	uuid_text(&id, delivery.id);
	uuid_text(&id, ret_id);
	topic_name(TOPIC_WEBHOOK, config_text(cli->config, "OHDC_KAFKA_PREFIX"), topic);
	if (!cli_cluster(cli, &options.cluster, err) || !kafka_producer_new(&options, &producer, err)) return false;
	bool is_sent = send_body(producer, topic, connection, body, &delivery, err);
	kafka_producer_free(producer, FLUSH_MS);
	return is_sent;
}

static bool audit(struct cli *cli, const struct known_connection *connection, const char *delivery_id, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	json_t *detail = json_object();
	json_put_text(detail, "delivery_id", delivery_id);
	if (!cli_begin(cli, &db, err)) {
		json_decref(detail);
		return false;
	}
	return cli_audit(cli, db, "simulate", connection->name, detail, err) && db_commit(db, err);
}

int cli_simulate(struct cli *cli)
{
	struct err err = {0};
	char now[SYSCLOCK_TEXT_SIZE];
	struct simulation simulation = {.now_ms = sysclock_now_ms(), .now = now};
	struct connection_ref ref;
	char id[UUID_TEXT_SIZE];
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	CLEANUP(db_rows_done) struct db_rows actor = {0};
	sysclock_text(simulation.now_ms, now);
	if (!take_arguments(cli, &simulation, &ref, &err)) return cli_usage(&err);
	if (!known_connection_read(cli, &ref, &connection, &err) ||
	    !find_actor(cli, &connection, &actor, &simulation, &err))
		return cli_fail(cli, &err);
	json_auto_t *body = simulated_body(&simulation, &connection);
	if (!body) err_set(&err, ERR_INPUT, "the operator's name is no UTF-8");
	if (!body || !produce(cli, &connection, body, simulation.now_ms, id, &err) || !audit(cli, &connection, id, &err))
		return cli_fail(cli, &err);
	json_auto_t *done = json_object();
	json_put_text(done, "delivery_id", id);
	json_put_text(done, "connection", connection.name);
	cli_print_object(cli, done);
	return CLI_DONE;
}
