/* Wiring an ingress for tests, and talking to it. */

#include "tests/io/ingress_bench.h"

#include "common/base/encode.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/io/entropy.h"
#include "common/io/sysclock.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/banned.h"

static const char TOPIC[] = "ohdc.webhook.v1";

static void add_keys(struct ingress_bench *bench)
{
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse("k1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
						  &bench->keys, NULL));
}

static void start_service(struct ingress_bench *bench)
{
	struct ingress *ingress = &bench->ingress;
	struct err err = {0};
	struct kafka_producer_options kafka = {
		.cluster = bench->kafka.config, .report = accept_report, .context = ingress};
	ingress->source = (struct connection_source){&bench->keys, "openhands"};
	ingress->daemon = bench->daemon;
	ingress->metrics = bench->metrics;
	ingress->is_jira_enabled = true;
	ingress->are_jira_webhooks_on = true;
	ingress->keeps_all = true;
	ingress->body_cap = 64 * 1024;
	ingress->deadline_ms = 20000;
	(void)snprintf(ingress->topic, sizeof(ingress->topic), "%s", TOPIC);
	CU_ASSERT_TRUE_FATAL(kafka_producer_new(&kafka, &ingress->producer, &err));
	CU_ASSERT_TRUE_FATAL(
		connection_cache_new(bench->database.pool, bench->daemon, &ingress->source, &ingress->cache, &err));
	CU_ASSERT_TRUE_FATAL(reread_new(ingress, bench->daemon, &ingress->reread, &err));
	endpoint_routes(ingress, bench->routes);
	struct http_server_options http = {.listen = "127.0.0.1:0",
					   .routes = bench->routes,
					   .route_count = ENDPOINT_ROUTES,
					   .body_ceiling_bytes = LIMIT_BODY_VERIFY_BYTES};
	CU_ASSERT_TRUE_FATAL(http_server_new(&http, &ingress->server, &err));
	atomic_store(&ingress->is_open, true);
}

void ingress_bench_init(struct ingress_bench *bench)
{
	(void)pthread_sigmask(SIG_SETMASK, NULL, &bench->signals);
	bench->metrics = metrics_new();
	const struct daemon_options frame = {
		.program = "test", .admin_listen = "127.0.0.1:0", .drain_ms = 60000, .metrics = bench->metrics};
	CU_ASSERT_TRUE_FATAL(daemon_new(&frame, &bench->daemon, NULL));
	kafka_mock_init(&bench->kafka, TOPIC, 1);
	job_bench_init(&bench->database);
	add_keys(bench);
	job_bench_run(&bench->database, "alter table connection disable trigger connection_notify");
	job_bench_run(&bench->database, "insert into instance (provider, base_url, bot_name) values"
					" ('jira', 'https://jira.example.org', 'helper'),"
					" ('bitbucket', 'https://git.example.org', null)");
	ingress_bench_add(bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", "active");
	ingress_bench_add(bench, PROVIDER_BITBUCKET, INGRESS_BENCH_BITBUCKET, "bb secret", "active");
	start_service(bench);
}

void ingress_bench_done(struct ingress_bench *bench)
{
	struct ingress *ingress = &bench->ingress;
	const struct err why = {.code = ERR_NONE, .message = "the test is over"};
	daemon_fail(bench->daemon, &why);
	CU_ASSERT_EQUAL(daemon_wait(bench->daemon), DAEMON_EXIT_FAILED);
	kafka_consumer_free(bench->consumer);
	http_server_quiesce(ingress->server);
	atomic_store(&ingress->is_open, false);
	table_cache_drain(ingress->cache);
	reread_free(ingress->reread);
	kafka_producer_free(ingress->producer, 5000);
	http_server_free(ingress->server);
	table_cache_free(ingress->cache);
	daemon_free(bench->daemon);
	metrics_free(bench->metrics);
	crypto_keyring_done(&bench->keys);
	job_bench_done(&bench->database);
	kafka_mock_done(&bench->kafka);
	(void)pthread_sigmask(SIG_SETMASK, &bench->signals, NULL);
}

/* ---- connections --------------------------------------------------------------------------------------------------- */

static void seal(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret, struct strbuf *ret)
{
	char place[80];
	uint8_t nonce[CRYPTO_NONCE_SIZE];
	(void)snprintf(place, sizeof(place), "connection.secret:%s/%lld", provider_name(provider), (long long)id);
	entropy_fill(nonce, sizeof(nonce));
	strbuf_init(ret, 1024);
	CU_ASSERT_TRUE_FATAL(crypto_seal(&bench->keys, place, nonce, bytes_text(secret), ret, NULL));
}

void ingress_bench_add(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
		       const char *status)
{
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	bool is_jira = provider == PROVIDER_JIRA;
	seal(bench, provider, id, secret, &sealed);
	/* One webhook for each Jira: the others get an instance of their own. */
	CU_ASSERT_TRUE_FATAL(db_query(bench->database.pool,
				      "with i as (insert into instance (provider, base_url) select $1,"
				      " 'https://jira.example.org/' || $2::bigint where exists (select 1 from"
				      " connection where provider = $1) returning id)"
				      " insert into connection (provider, id, instance_id, project_key, repo_slug,"
				      " status, secret_sealed) select $1, $2, coalesce((select id from i),"
				      " (select id from instance where provider = $1 limit 1)), $3, $4, $5, $6",
				      DB_PARAMS(provider_name(provider), id, is_jira ? NULL : "PROJ",
						is_jira ? NULL : "repo", status, bytes_of(sealed.text, sealed.len)),
				      NULL, NULL));
}

void ingress_bench_set_secret(struct ingress_bench *bench, const char *column, int64_t id, const char *secret)
{
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	char sql[120];
	seal(bench, PROVIDER_JIRA, id, secret, &sealed);
	(void)snprintf(sql, sizeof(sql), "update connection set %s = $2 where id = $1", column);
	CU_ASSERT_TRUE_FATAL(
		db_query(bench->database.pool, sql, DB_PARAMS(id, bytes_of(sealed.text, sealed.len)), NULL, NULL));
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

int ingress_bench_begin(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
			const char *body, size_t len)
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	CLEANUP(strbuf_done) struct strbuf signature = strbuf_of(2 * sizeof(digest));
	char head[600];
	crypto_hmac(bytes_text(secret), bytes_text(body), digest);
	encode_hex(&signature, bytes_of(digest, sizeof(digest)));
	(void)snprintf(head, sizeof(head),
		       "POST /integration/%s/connections/%lld/events HTTP/1.1\r\nHost: x\r\n%s"
		       "%s%s%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		       provider == PROVIDER_JIRA ? "jira-dc" : "bitbucket-dc", (long long)id,
		       provider == PROVIDER_JIRA ? "" : "X-Event-Key: pr:comment:added\r\n",
		       secret ? "X-Hub-Signature: sha256=" : "", secret ? strbuf_text(&signature) : "",
		       secret ? "\r\n" : "", strlen(body));
	int fd = wire_connect(http_server_port(bench->ingress.server));
	CU_ASSERT_TRUE(wire_send(fd, head) && wire_send_bytes(fd, body, len));
	return fd;
}

int ingress_bench_send(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
		       const char *body)
{
	return ingress_bench_begin(bench, provider, id, secret, body, strlen(body));
}

int ingress_bench_answer(struct ingress_bench *bench, int fd)
{
	wire_init(&bench->wire, fd);
	int status = wire_read_message(&bench->wire) ? wire_status(&bench->wire) : 0;
	(void)close(fd);
	return status;
}

int ingress_bench_post(struct ingress_bench *bench, enum provider provider, int64_t id, const char *secret,
		       const char *body)
{
	return ingress_bench_answer(bench, ingress_bench_send(bench, provider, id, secret, body));
}

int ingress_bench_raw(struct ingress_bench *bench, const char *text)
{
	int fd = wire_connect(http_server_port(bench->ingress.server));
	CU_ASSERT_TRUE(wire_send(fd, text));
	return ingress_bench_answer(bench, fd);
}

/* ---- records ------------------------------------------------------------------------------------------------------- */

static bool no_position(void *context, const char *topic, int32_t partition, int64_t *ret, struct err *err)
{
	(void)context;
	(void)topic;
	(void)partition;
	(void)err;
	*ret = -1;
	return true;
}

bool ingress_bench_record(struct ingress_bench *bench, struct kafka_batch *ret)
{
	const struct kafka_consumer_options options = {
		.cluster = bench->kafka.config, .group = "g", .topic = TOPIC, .position = no_position};
	int64_t deadline_ms = sysclock_monotonic_ms() + KAFKA_MOCK_WAIT_MS;
	struct err err = {0};
	if (!bench->consumer) CU_ASSERT_TRUE_FATAL(kafka_consumer_new(&options, &bench->consumer, &err));
	while (sysclock_monotonic_ms() < deadline_ms) {
		if (kafka_consumer_poll(bench->consumer, 1, 200, ret, &err) && ret->count > 0) return true;
		kafka_batch_done(ret);
	}
	return false;
}

bool ingress_bench_header_is(const struct kafka_batch *batch, const char *name, const char *text)
{
	struct bytes value = kafka_record_header(&batch->records[0], name);
	bool is_same = value.len == strlen(text) && (value.len == 0 || memcmp(value.ptr, text, value.len) == 0);
	if (!is_same)
		(void)printf("  %s is '%.*s', not '%s'\n", name, (int)value.len,
			     value.ptr ? (const char *)value.ptr : "", text);
	return is_same;
}
