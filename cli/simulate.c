/* Puts an ask on the webhook topic as if it had arrived; source "simulate" tells it from a real one. */

#include "cli/simulated_body.h"
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

static const char sql_audit[] = "select json_build_object('delivery_id', $3::text, 'connection', $2::text),"
				" audit_write($1, 'simulate', $2, jsonb_build_object('delivery_id', $3::text))";

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
	if (!take_kind(cli, ret, &provider, err)) return false;
	if (provider != ret_ref->provider)
		return err_set(err, ERR_INPUT, "the connection is not one of %s", provider_name(provider));
	return simulation_check(ret, err) && cli_no_more(cli, err);
}

static bool find_actor(struct cli *cli, const struct known_connection *connection, struct db_rows *rows,
		       struct simulation *simulation, struct err *err)
{
	if (simulation->actor) return true;
	if (!cli_query(cli, sql_actor, DB_PARAMS(connection->instance_id), rows, err)) return false;
	simulation->actor = rows->count > 0 ? db_text(rows, 0, 0) : cli->who;
	return true;
}

/* ---- the record ------------------------------------------------------------------------------------------------- */

static bool send_body(struct kafka_producer *producer, const char *topic, const struct known_connection *connection,
		      const json_t *body, struct delivery *delivery, struct err *err)
{
	char digest[CRYPTO_DIGEST_TEXT_SIZE];
	CLEANUP(mem_free_text) char *text = json_compact(body);
	CLEANUP(mem_free_text) char *event = trigger_event_name(connection->ref.provider, body);
	CLEANUP(mem_free_text) char *subject = trigger_subject(connection->ref.provider, connection->instance_id, body);
	crypto_sha256_text(bytes_text(text), digest);
	delivery->event = event;
	delivery->body_sha256 = digest;
	struct kafka_record record = {
		.topic = topic, .key = bytes_text(subject ? subject : delivery->id), .value = bytes_text(text)};
	delivery_write(delivery, kafka_record_put, &record);
	return kafka_send_and_wait(producer, &record, REPORT_WAIT_MS, err);
}

static bool produce(struct cli *cli, const struct known_connection *connection, const json_t *body,
		    struct delivery *delivery, struct err *err)
{
	struct kafka_producer_options options = {.report = kafka_wait_report};
	struct kafka_producer *producer = NULL;
	char topic[TOPIC_NAME_SIZE];
	topic_name(TOPIC_WEBHOOK, config_text(cli->config, "OHDC_KAFKA_PREFIX"), topic);
	if (!cli_cluster(cli, &options.cluster, err) || !kafka_producer_new(&options, &producer, err)) return false;
	bool is_sent = send_body(producer, topic, connection, body, delivery, err);
	kafka_producer_free(producer, FLUSH_MS);
	return is_sent;
}

bool cli_simulate(struct cli *cli, struct err *err)
{
	char now[SYSCLOCK_TEXT_SIZE];
	char source[] = "simulate";
	char traceparent[TRACEPARENT_SIZE];
	uint8_t random[DELIVERY_RANDOM];
	struct simulation simulation = {.now_ms = sysclock_now_ms(), .now = now};
	struct delivery delivery = {.received_at_ms = simulation.now_ms, .source = source, .traceparent = traceparent};
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	CLEANUP(db_rows_done) struct db_rows actor = {0};
	sysclock_text(simulation.now_ms, now);
	if (!take_arguments(cli, &simulation, &connection.ref, err) ||
	    !known_connection_read(cli, &connection.ref, &connection, err) ||
	    !find_actor(cli, &connection, &actor, &simulation, err))
		return false;
	json_auto_t *body = simulated_body(&simulation, &connection);
	if (!body) return err_set(err, ERR_INPUT, "the operator's name is no UTF-8");
	delivery.provider = connection.ref.provider;
	delivery.connection_id = connection.ref.id;
	entropy_fill(random, sizeof(random));
	delivery_make_ids(random, &delivery, traceparent);
	return produce(cli, &connection, body, &delivery, err) &&
	       cli_answer(cli, sql_audit, DB_PARAMS(cli->who, connection.name, delivery.id), "", err);
}
