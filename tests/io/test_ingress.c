/* ingress: what is acknowledged is in the topic, what is refused is refused alike, what is fresh is never refused. */

#include "common/base/mem.h"
#include "tests/io/ingress_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define JIRA_BODY                                                                           \
	"{\"timestamp\":1,\"webhookEvent\":\"comment_created\",\"comment\":{\"self\":"      \
	"\"https://jira.example.org/rest/api/2/issue/10001/comment/501\",\"id\":\"501\"},"  \
	"\"issue\":{\"id\":\"10001\",\"self\":\"https://jira.example.org/rest/api/2/issue/" \
	"10001\"}}"
#define PULL_BODY                                                                            \
	"{\"pullRequest\":{\"id\":3,\"toRef\":{\"repository\":{\"id\":12,\"slug\":\"repo\"," \
	"\"project\":{\"key\":\"PROJ\"}}}},\"comment\":{\"id\":9}}"

static void test_ingress_acknowledges_what_is_in_the_topic(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		int64_t id;
		const char *secret;
		const char *body;
		const char *answer;
		const char *event;
	} rows[] = {
		{"jira", PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", JIRA_BODY, "{\"success\":true}",
		 "comment_created"},
		{"bitbucket", PROVIDER_BITBUCKET, INGRESS_BENCH_BITBUCKET, "bb secret", PULL_BODY,
		 "{\"message\":\"Bitbucket DC events endpoint reached successfully.\"}", "pr:comment:added"},
	};
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	ingress_bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
		CHECK(rows[i].name,
		      ingress_bench_post(&bench, rows[i].provider, rows[i].id, rows[i].secret, rows[i].body) == 200);
		CHECK(rows[i].name, strstr(bench.wire.text, rows[i].answer));
		CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &batch));
		struct bytes value = batch.records[0].value;
		CHECK(rows[i].name, value.len == strlen(rows[i].body) && memcmp(value.ptr, rows[i].body, value.len) == 0);
		CHECK(rows[i].name, ingress_bench_header_is(&batch, HEADER_EVENT, rows[i].event));
		CHECK(rows[i].name, ingress_bench_header_is(&batch, HEADER_SOURCE, "webhook"));
		CHECK(rows[i].name, ingress_bench_header_is(&batch, HEADER_PROVIDER, provider_name(rows[i].provider)));
		CHECK(rows[i].name, batch.records[0].key.len > 0);
	}
}

static void test_ingress_refuses_alike(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		int64_t id;
		const char *secret;
		const char *body;
	} rows[] = {
		{"jira, no signature", PROVIDER_JIRA, INGRESS_BENCH_JIRA, NULL, JIRA_BODY},
		{"jira, wrong signature", PROVIDER_JIRA, INGRESS_BENCH_JIRA, "guess", JIRA_BODY},
		{"jira, unknown id", PROVIDER_JIRA, 9999, "jira secret", JIRA_BODY},
		{"jira, the other product's id", PROVIDER_JIRA, INGRESS_BENCH_BITBUCKET, "bb secret", JIRA_BODY},
		{"jira, another host", PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret",
		 "{\"issue\":{\"self\":\"https://evil.example.org/rest/api/2/issue/1\"}}"},
		{"bitbucket, no signature", PROVIDER_BITBUCKET, INGRESS_BENCH_BITBUCKET, NULL, PULL_BODY},
		{"bitbucket, wrong signature", PROVIDER_BITBUCKET, INGRESS_BENCH_BITBUCKET, "guess", PULL_BODY},
		{"bitbucket, another repository", PROVIDER_BITBUCKET, INGRESS_BENCH_BITBUCKET, "bb secret",
		 "{\"pullRequest\":{\"toRef\":{\"repository\":{\"id\":1,\"slug\":\"other\","
		 "\"project\":{\"key\":\"PROJ\"}}}}}"},
	};
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	char first[2][512] = {"", ""};
	ingress_bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *known = first[rows[i].provider == PROVIDER_JIRA];
		CHECK(rows[i].name,
		      ingress_bench_post(&bench, rows[i].provider, rows[i].id, rows[i].secret, rows[i].body) == 403);
		const char *answer = strstr(bench.wire.text, "{\"detail\"");
		CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
		if (!known[0]) (void)snprintf(known, sizeof(first[0]), "%s", answer);
		CHECK_TEXT(rows[i].name, answer, known);
	}
}

static void test_ingress_answers_by_header_alone(void)
{
	static const struct {
		const char *name;
		const char *request;
		int status;
	} rows[] = {
		{"ping",
		 "POST /integration/bitbucket-dc/connections/1/events HTTP/1.1\r\nHost: x\r\n"
		 "X-Event-Key: diagnostics:ping\r\nContent-Length: 2\r\n\r\n{}",
		 200},
		{"id that is none",
		 "POST /integration/jira-dc/connections/seven/events HTTP/1.1\r\nHost: x\r\n"
		 "Content-Length: 2\r\n\r\n{}",
		 422},
		{"another path", "POST /integration/jira-dc/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
		 404},
		{"another method", "GET /integration/jira-dc/connections/7/events HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"declared beyond everything",
		 "POST /integration/jira-dc/connections/7/events HTTP/1.1\r\nHost: x\r\n"
		 "Content-Length: 99999999\r\n\r\n",
		 413},
		{"signed twice",
		 "POST /integration/jira-dc/connections/7/events HTTP/1.1\r\nHost: x\r\n"
		 "X-Hub-Signature: sha256=00\r\nX-Hub-Signature: sha256=00\r\n"
		 "Content-Length: 2\r\n\r\n{}",
		 403},
	};
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	ingress_bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].name, ingress_bench_raw(&bench, rows[i].request) == rows[i].status);

	static const char jira[] = "POST /integration/jira-dc/connections/7/events HTTP/1.1\r\n"
				   "Host: x\r\nContent-Length: 2\r\n\r\n{}";
	bench.ingress.are_jira_webhooks_on = false;
	CU_ASSERT_EQUAL(ingress_bench_raw(&bench, jira), 200);
	bench.ingress.is_jira_enabled = false;
	CU_ASSERT_EQUAL(ingress_bench_raw(&bench, jira), 404);
}

static void test_ingress_keeps_the_verdict_of_odd_bodies(void)
{
	static const struct {
		const char *name;
		const char *body;
		int status;
		const char *verdict; /* NULL: no record */
	} rows[] = {
		{"no JSON", "hello", 400, NULL},
		{"empty", "", 200, "MALFORMED"},
		{"no object", "[1]", 200, "MALFORMED"},
		{"doubled field", "{\"issue\":{},\"issue\":{}}", 200, "MALFORMED"},
		{"plain", "{}", 200, ""},
	};
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	ingress_bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(rows[i].name, ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret",
						       rows[i].body) == rows[i].status);
		if (!rows[i].verdict) continue;
		CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
		CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &batch));
		CHECK(rows[i].name, ingress_bench_header_is(&batch, HEADER_VERDICT, rows[i].verdict));
		CHECK(rows[i].name, batch.records[0].value.len == strlen(rows[i].body));
	}
}

static void test_ingress_keeps_only_bodies_that_may_ask(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	CLEANUP(kafka_batch_done) struct kafka_batch plain = {0};
	CLEANUP(kafka_batch_done) struct kafka_batch asking = {0};
	ingress_bench_init(&bench);
	bench.ingress.keeps_all = false;
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret",
					   "{\"comment\":{\"body\":\"hi\"}}"),
			200);
	CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &plain));
	CU_ASSERT_EQUAL(plain.records[0].value.len, 0);
	CU_ASSERT_EQUAL(kafka_record_header(&plain.records[0], HEADER_BODY_SHA256).len, 64);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret",
					   "{\"comment\":{\"body\":\"@OpenHands hi\"}}"),
			200);
	CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &asking));
	CU_ASSERT_TRUE(asking.records[0].value.len > 0);
}

static void test_ingress_keeps_deliveries_of_paused_connections(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
	ingress_bench_init(&bench);
	ingress_bench_add(&bench, PROVIDER_JIRA, 20, "s", "paused");
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, 20, "s", "{}"), 200);
	CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &batch));
	CU_ASSERT_TRUE(ingress_bench_header_is(&batch, HEADER_VERDICT, "INTEGRATION_OFF"));
}

/* During a rotation three secrets are good; the record says which one was used. */
static void test_ingress_says_which_secret_was_used(void)
{
	static const struct {
		const char *name; /* of the row, and what the header says */
		const char *secret;
	} rows[] = {{"current", "jira secret"}, {"next", "the next"}, {"previous", "the previous"}};
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	ingress_bench_init(&bench);
	ingress_bench_set_secret(&bench, "secret_next_sealed", INGRESS_BENCH_JIRA, "the next");
	ingress_bench_set_secret(&bench, "secret_previous_sealed", INGRESS_BENCH_JIRA, "the previous");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
		CHECK(rows[i].name,
		      ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, rows[i].secret, "{}") == 200);
		CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &batch));
		CHECK(rows[i].name, ingress_bench_header_is(&batch, HEADER_SECRET, rows[i].name));
	}
}

/* Jira sends two deliveries for one comment, at the same moment: neither may be refused because the other is being checked. */
static void test_ingress_never_refuses_what_is_fresh(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	int fds[6];
	ingress_bench_init(&bench);
	ingress_bench_add(&bench, PROVIDER_JIRA, 21, "new id", "active");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = ingress_bench_send(&bench, PROVIDER_JIRA, 21, "new id", "{}");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		CU_ASSERT_EQUAL(ingress_bench_answer(&bench, fds[i]), 200);

	ingress_bench_set_secret(&bench, "secret_next_sealed", INGRESS_BENCH_JIRA, "new secret");
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "new secret", "{}"), 200);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", "{}"), 200);
}

/* Who guesses costs the database at most one read a second for each id. */
static void test_ingress_rereads_an_id_once_a_second(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	ingress_bench_init(&bench);
	struct reread *reread = bench.ingress.reread;
	CU_ASSERT_TRUE(reread_may(reread, PROVIDER_JIRA, 5));
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, 5, "guess", "{}"), 403);
	CU_ASSERT_FALSE(reread_may(reread, PROVIDER_JIRA, 5));
	CU_ASSERT_TRUE(reread_may(reread, PROVIDER_BITBUCKET, 5));
	CU_ASSERT_TRUE(reread_may(reread, PROVIDER_JIRA, 6));
}

static void test_ingress_answers_503_without_a_report(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
	ingress_bench_init(&bench);
	bench.ingress.deadline_ms = 300;
	CU_ASSERT_EQUAL(rd_kafka_mock_broker_set_down(bench.kafka.cluster, 1), 0);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", JIRA_BODY), 503);
	CU_ASSERT_PTR_NOT_NULL(strstr(bench.wire.text, "Retry-After: 5\r\n"));
	/* The record may still arrive; its report finds nobody who waits. */
	CU_ASSERT_EQUAL(rd_kafka_mock_broker_set_up(bench.kafka.cluster, 1), 0);
	CU_ASSERT_TRUE(ingress_bench_record(&bench, &batch));
	CU_ASSERT_EQUAL(http_server_suspended(bench.ingress.server), 0);
}

static void test_ingress_takes_nothing_while_it_closes(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	ingress_bench_init(&bench);
	atomic_store(&bench.ingress.is_open, false);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", JIRA_BODY), 503);
}

/* ---- bodies over the cap ------------------------------------------------------------------------------------------- */

/* More than the sockets between can hold: whoever has sent nearly all of it knows that most of it was read. */
enum { LARGE_BYTES = 24 * 1024 * 1024, REST_BYTES = 10 };

static char *large_body(void)
{
	char *body = mem_zalloc(1, LARGE_BYTES + 1);
	memset(body, ' ', LARGE_BYTES);
	memcpy(body, "{}", 2);
	return body;
}

static void test_ingress_authenticates_bodies_over_the_cap(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	CLEANUP(kafka_batch_done) struct kafka_batch batch = {0};
	CLEANUP(mem_free_text) char *body = large_body();
	ingress_bench_init(&bench);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "guess", body), 413);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, 9999, "guess", body), 413);
	CU_ASSERT_EQUAL(ingress_bench_post(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", body), 200);
	CU_ASSERT_TRUE_FATAL(ingress_bench_record(&bench, &batch));
	CU_ASSERT_TRUE(ingress_bench_header_is(&batch, HEADER_VERDICT, "TOO_LARGE"));
	CU_ASSERT_EQUAL(batch.records[0].value.len, 0);
}

/* The rest of a large body comes after its connection was deleted: it is judged as any unknown id. */
static void test_ingress_survives_a_connection_that_goes(void)
{
	CLEANUP(ingress_bench_done) struct ingress_bench bench = {0};
	CLEANUP(mem_free_text) char *body = large_body();
	struct err err = {0};
	ingress_bench_init(&bench);
	int fd = ingress_bench_begin(&bench, PROVIDER_JIRA, INGRESS_BENCH_JIRA, "jira secret", body,
				     LARGE_BYTES - REST_BYTES);
	job_bench_run(&bench.database, "delete from connection where provider = 'jira'");
	CU_ASSERT_TRUE(table_cache_reload(bench.ingress.cache, &err));
	CU_ASSERT_TRUE(wire_send(fd, body + LARGE_BYTES - REST_BYTES));
	CU_ASSERT_EQUAL(ingress_bench_answer(&bench, fd), 413);
}

void suite_ingress(void)
{
	CU_pSuite suite = CU_add_suite("ingress", NULL, NULL);
	CU_ADD_TEST(suite, test_ingress_acknowledges_what_is_in_the_topic);
	CU_ADD_TEST(suite, test_ingress_refuses_alike);
	CU_ADD_TEST(suite, test_ingress_answers_by_header_alone);
	CU_ADD_TEST(suite, test_ingress_keeps_the_verdict_of_odd_bodies);
	CU_ADD_TEST(suite, test_ingress_keeps_only_bodies_that_may_ask);
	CU_ADD_TEST(suite, test_ingress_keeps_deliveries_of_paused_connections);
	CU_ADD_TEST(suite, test_ingress_says_which_secret_was_used);
	CU_ADD_TEST(suite, test_ingress_never_refuses_what_is_fresh);
	CU_ADD_TEST(suite, test_ingress_rereads_an_id_once_a_second);
	CU_ADD_TEST(suite, test_ingress_answers_503_without_a_report);
	CU_ADD_TEST(suite, test_ingress_takes_nothing_while_it_closes);
	CU_ADD_TEST(suite, test_ingress_authenticates_bodies_over_the_cap);
	CU_ADD_TEST(suite, test_ingress_survives_a_connection_that_goes);
}
