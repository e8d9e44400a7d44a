/* http_client: what is sent, what comes back, and what a failure may and may not mean. */
#include "tests/io/http_peer.h"
#include "tests/io/http_wire.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/io/http_client.h"
#include "tests/fakes/fake_http.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/banned.h"

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* A peer, a client, and a call to the peer. */
struct talk {
	struct http_peer *peer;
	struct http_client *client;
	struct http_call call;
	struct http_result result;
	struct err err;
	char url[128];
	int asked;     /* how often the gate was asked */
	bool may_send; /* its answer */
};

static bool gate(void *context)
{
	struct talk *talk = context;
	talk->asked++;
	return talk->may_send;
}

static struct http_client *client_new(const struct http_client_options *options)
{
	struct http_client *client = NULL;
	struct err err = {0};
	if (!http_client_curl_new(options, &client, &err)) {
		(void)printf("%s\n", err.message);
		abort();
	}
	return client;
}

static void talk_start(struct talk *talk, const struct peer_step *steps, size_t count)
{
	*talk = (struct talk){.peer = http_peer_new(steps, count),
			      .client = client_new(&(struct http_client_options){0}),
			      .may_send = true};
	(void)snprintf(talk->url, sizeof(talk->url), "http://127.0.0.1:%d/a%%2fb?c=d", talk->peer->port);
	talk->call = (struct http_call){.method = "GET", .url = talk->url, .deadline_ms = WIRE_PATIENCE_MS, .gate = talk};
}

static void talk_end(struct talk *talk)
{
	http_client_free(talk->client);
	http_peer_free(talk->peer);
	http_result_done(&talk->result);
}

static bool say(struct talk *talk)
{
	http_result_done(&talk->result);
	talk->err = (struct err){0};
	return http_client_send(talk->client, &talk->call, &talk->result, &talk->err);
}

static void make_unsafe(struct talk *talk)
{
	talk->call.method = "POST";
	talk->call.body = bytes_text("{}");
	talk->call.is_unsafe = true;
	talk->call.may_send = gate;
}

static void test_http_client_sends_what_the_call_says(void)
{
	static const struct {
		const char *name, *method, *body, *type, *first, *wanted;
	} rows[] = {
		{"get", "GET", NULL, NULL, "GET /a%2fb?c=d HTTP/1.1\r\n", "X-One: 1\r\n"},
		{"post", "POST", "{\"a\":1}", NULL, "POST /a%2fb?c=d HTTP/1.1\r\n",
		 "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
		{"form", "POST", "a=b", "application/x-www-form-urlencoded", "POST /",
		 "Content-Type: application/x-www-form-urlencoded\r\n"},
		{"post without body", "POST", NULL, NULL, "POST /", "Content-Length: 0\r\n"},
		{"put", "PUT", "x", NULL, "PUT /", "\r\n\r\nx"},
		{"patch", "PATCH", "x", NULL, "PATCH /", "\r\n\r\nx"},
		{"delete", "DELETE", NULL, NULL, "DELETE /", "X-One: 1\r\n"},
		{"delete with body", "DELETE", "x", NULL, "DELETE /", "\r\n\r\nx"},
	};
	static const struct peer_step steps[] = {{OK_EMPTY, false}, {OK_EMPTY, false}, {OK_EMPTY, false},
						 {OK_EMPTY, false}, {OK_EMPTY, false}, {OK_EMPTY, false},
						 {OK_EMPTY, false}, {OK_EMPTY, false}};
	struct talk talk;
	talk_start(&talk, steps, ARRAY_LEN(steps));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *request = talk.peer->requests[i];
		talk.call.method = rows[i].method;
		talk.call.body = bytes_text(rows[i].body);
		talk.call.content_type = rows[i].type;
		talk.call.headers[0] = "X-One: 1";
		CHECK(rows[i].name, say(&talk));
		CHECK(rows[i].name, strncmp(request, rows[i].first, strlen(rows[i].first)) == 0);
		CHECK(rows[i].name, strstr(request, rows[i].wanted) != NULL);
		CHECK(rows[i].name, strstr(request, "Expect") == NULL);
	}
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->connection_count), 1);
	talk_end(&talk);
}

static void test_http_client_returns_every_status(void)
{
	static const struct peer_step steps[] = {
		{"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-AUSERNAME: bot\r\n"
		 "Content-Length: 4\r\n\r\ngone",
		 false},
		{"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", false},
		{"HTTP/1.1 429 Slow down\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n", false},
		{"HTTP/1.1 503 Busy\r\nRetry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n"
		 "Content-Length: 0\r\n\r\n",
		 false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
		 false},
	};
	struct talk talk;
	talk_start(&talk, steps, ARRAY_LEN(steps));
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(talk.result.status, 404);
	CU_ASSERT_STRING_EQUAL(talk.result.body, "gone");
	CU_ASSERT_STRING_EQUAL(talk.result.user_name, "bot");
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(talk.result.status, 302);
	CU_ASSERT_STRING_EQUAL(talk.result.body, "");
	CU_ASSERT_PTR_NULL(talk.result.user_name);
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(talk.result.retry_after_ms, 17000);
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(talk.result.retry_after_ms, 86400000);
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_STRING_EQUAL(talk.result.body, "abc");
	CU_ASSERT_EQUAL(talk.result.body_len, 3);
	CU_ASSERT_EQUAL(talk.result.retry_after_ms, 0);
	talk_end(&talk);
}

static void test_http_client_says_what_failures_mean(void)
{
	static const struct {
		const char *name;
		struct peer_step step;
		enum err_code safe;
	} rows[] = {
		{"no answer", {NULL, true}, ERR_NETWORK},
		{"half an answer", {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true}, ERR_NETWORK},
		{"half a header", {"HTTP/1.1 200 OK\r\nContent-Le", true}, ERR_NETWORK},
		{"half a header after an interim answer",
		 {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Le", true},
		 ERR_NETWORK},
		{"no HTTP", {"hello\r\n\r\n", true}, ERR_NETWORK},
		{"silence", {NULL, false}, ERR_TIMEOUT},
		{"silence in the body", {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false}, ERR_TIMEOUT},
		{"too much", {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", false}, ERR_LIMIT},
	};
	struct talk talk;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int is_unsafe = 0; is_unsafe < 2; is_unsafe++) {
			talk_start(&talk, &rows[i].step, 1);
			if (is_unsafe) make_unsafe(&talk);
			talk.call.ceiling_bytes = 5;
			talk.call.deadline_ms = rows[i].safe == ERR_TIMEOUT ? 100 : WIRE_PATIENCE_MS;
			CHECK(rows[i].name, !say(&talk));
			CHECK(rows[i].name, talk.err.code == (is_unsafe ? ERR_UNCERTAIN : rows[i].safe));
			CHECK(rows[i].name, atomic_load(&talk.peer->request_count) == 1);
			talk_end(&talk);
		}
	}
}

static void test_http_client_reads_headers_up_to_a_ceiling(void)
{
	enum { LINES = 4000 };
	static const char line[] = "X-Padding: "
				   "0123456789012345678901234567890123456789012345678901234567890123456789\r\n";
	CLEANUP(strbuf_done) struct strbuf answer = {0};
	struct talk talk;
	strbuf_init(&answer, LINES * sizeof(line));
	strbuf_add(&answer, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < LINES; i++)
		strbuf_add(&answer, line);
	const struct peer_step step = {answer.text, false};
	talk_start(&talk, &step, 1);
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_NETWORK);
	talk_end(&talk);
}

static void test_http_client_knows_what_was_never_sent(void)
{
	static const struct {
		const char *name, *url;
		enum err_code code;
	} rows[] = {
		{"port closed", "http://127.0.0.1:%d/", ERR_NETWORK},
		{"no such host", "http://ohdc.invalid:%d/", ERR_NETWORK},
		{"plain, not TLS", "https://127.0.0.1:%d/", ERR_NETWORK},
		{"other scheme", "ftp://127.0.0.1:%d/", ERR_INPUT},
		{"no host", "http://", ERR_INPUT},
		{"space", "http://a b:%d/", ERR_INPUT},
	};
	uint16_t port;
	struct talk talk;
	int closed = wire_listen(&port);
	(void)close(closed);
	talk_start(&talk, NULL, 0);
	make_unsafe(&talk);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(talk.url, sizeof(talk.url), "%s", rows[i].url);
		if (strstr(rows[i].url, ":%d/")) (void)snprintf(talk.url + strlen(rows[i].url) - 3, 8, "%d/", port);
		CHECK(rows[i].name, !say(&talk));
		CHECK(rows[i].name, talk.err.code == rows[i].code);
	}
	talk.call.deadline_ms = 0;
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_NETWORK);
	CU_ASSERT_EQUAL(talk.asked, 0);
	talk_end(&talk);
}

static void test_http_client_sends_no_header_in_two_lines(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, false}};
	struct talk talk;
	talk_start(&talk, steps, ARRAY_LEN(steps));
	talk.call.headers[0] = "Authorization: Bearer x\r\nX-Service-API-Key: stolen";
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_INPUT);
	CU_ASSERT_PTR_NULL(strstr(talk.err.message, "stolen"));
	talk.call.headers[0] = "Authorization: Bearer x";
	CU_ASSERT_TRUE(say(&talk));
	talk_end(&talk);
}

static void test_http_client_sends_unsafe_calls_once(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, false}, {NULL, true}, {OK_EMPTY, false}};
	struct talk talk;
	talk_start(&talk, steps, ARRAY_LEN(steps));
	CU_ASSERT_TRUE(say(&talk)); /* leaves a connection that could be used again */
	make_unsafe(&talk);
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_UNCERTAIN);
	CU_ASSERT_EQUAL(talk.asked, 1);
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->request_count), 2);
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->connection_count), 2);
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->connection_count), 3);
	talk_end(&talk);
}

static void test_http_client_repeats_a_safe_call_on_a_dead_connection(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, false}, {NULL, true}, {OK_EMPTY, false}};
	struct talk talk;
	talk_start(&talk, steps, ARRAY_LEN(steps));
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->request_count), 3);
	talk_end(&talk);
}

static void test_http_client_sends_nothing_when_the_gate_is_shut(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, false}};
	struct talk talk;
	talk_start(&talk, steps, ARRAY_LEN(steps));
	make_unsafe(&talk);
	talk.may_send = false;
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_CONFLICT);
	CU_ASSERT_EQUAL(talk.asked, 1);
	talk.may_send = true;
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(talk.asked, 2);
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->request_count), 1);
	talk_end(&talk);
}

static void test_http_client_trusts_the_given_roots(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, true}, {OK_EMPTY, true}};
	char path[] = "/tmp/ohdc-ca-XXXXXX";
	int fd = mkstemp(path);
	struct talk talk;
	struct http_peer *tls = http_peer_tls_new(steps, ARRAY_LEN(steps), path);
	talk_start(&talk, NULL, 0);
	make_unsafe(&talk);
	(void)snprintf(talk.url, sizeof(talk.url), "https://127.0.0.1:%d/", tls->port);
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_NETWORK);
	CU_ASSERT_EQUAL(talk.asked, 0);
	http_client_free(talk.client);
	talk.client = client_new(&(struct http_client_options){.ca_file = path});
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(talk.result.status, 200);
	CU_ASSERT_TRUE(say(&talk));
	talk_end(&talk);
	http_peer_free(tls);
	(void)close(fd);
	(void)unlink(path);
}

static void replace_file(const char *path, const char *text)
{
	char fresh[64];
	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	FILE *file = fopen(fresh, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	(void)fputs(text, file);
	(void)fclose(file);
	CU_ASSERT_EQUAL(rename(fresh, path), 0);
}

static void read_text(const char *path, char *ret, size_t size)
{
	FILE *file = fopen(path, "re");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	ret[fread(ret, 1, size - 1, file)] = '\0';
	(void)fclose(file);
}

/* Connections that stand stay in use: unsafe calls make one each. */
static void test_http_client_follows_the_root_file(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, true}, {OK_EMPTY, true}, {OK_EMPTY, true},
						 {OK_EMPTY, true}, {OK_EMPTY, true}, {OK_EMPTY, true}};
	static const char *const wrong[] = {"", "no certificate",
					    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
	char own_path[] = "/tmp/ohdc-ca-XXXXXX", other_path[] = "/tmp/ohdc-ca-XXXXXX";
	char own[4096], other[4096], cut[8192];
	int fds[] = {mkstemp(own_path), mkstemp(other_path)};
	struct talk talk;
	struct http_peer *peer = http_peer_tls_new(steps, ARRAY_LEN(steps), own_path);
	struct http_peer *elsewhere = http_peer_tls_new(steps, ARRAY_LEN(steps), other_path);
	read_text(own_path, own, sizeof(own));
	read_text(other_path, other, sizeof(other));
	(void)snprintf(cut, sizeof(cut), "%s%.200s", other, own);
	talk_start(&talk, NULL, 0);
	make_unsafe(&talk);
	http_client_free(talk.client);
	talk.client = client_new(&(struct http_client_options){.ca_file = other_path});
	(void)snprintf(talk.url, sizeof(talk.url), "https://127.0.0.1:%d/", peer->port);
	CU_ASSERT_FALSE(say(&talk));
	replace_file(other_path, own);
	CU_ASSERT_TRUE(say(&talk));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		replace_file(other_path, wrong[i]);
		CHECK(wrong[i], say(&talk));
	}
	replace_file(other_path, cut);
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_EQUAL(unlink(other_path), 0);
	CU_ASSERT_TRUE(say(&talk));
	replace_file(other_path, other);
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_NETWORK);
	talk_end(&talk);
	http_peer_free(peer);
	http_peer_free(elsewhere);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
	(void)unlink(own_path);
	(void)unlink(other_path);
}

static void test_http_client_refuses_wrong_root_files(void)
{
	static const char *const paths[] = {"/nonexistent/ca.pem", "/dev/null", "/proc/self/mem"};
	struct http_client *client = NULL;
	struct err err;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		err = (struct err){0};
		CHECK(paths[i], !http_client_curl_new(&(struct http_client_options){.ca_file = paths[i]}, &client, &err));
		CHECK(paths[i], err.code == ERR_INPUT);
		CHECK(paths[i], strstr(err.message, paths[i]) != NULL);
	}
	http_client_free(NULL);
}

static bool is_not_loopback(void *context, const char *address)
{
	(void)context;
	return strcmp(address, "127.0.0.1") != 0;
}

static void test_http_client_opens_only_allowed_addresses(void)
{
	struct http_client_options options = {.may_open = is_not_loopback};
	struct talk talk;
	talk_start(&talk, NULL, 0);
	http_client_free(talk.client);
	talk.client = client_new(&options);
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_INPUT);
	CU_ASSERT_EQUAL(atomic_load(&talk.peer->connection_count), 0);
	talk_end(&talk);
}

static void test_http_client_uses_the_proxy_of_the_environment(void)
{
	static const struct peer_step steps[] = {{OK_EMPTY, true}, {OK_EMPTY, true}};
	struct http_client_options options = {.user_agent = "ohdc/1"};
	struct talk talk;
	char proxy[64];
	talk_start(&talk, steps, ARRAY_LEN(steps));
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", talk.peer->port);
	(void)unsetenv("NO_PROXY");
	(void)setenv("HTTP_PROXY", proxy, 1);
	http_client_free(talk.client);
	talk.client = client_new(&options);
	talk.call.url = "http://jira.invalid/x";
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_PTR_NOT_NULL(strstr(talk.peer->requests[0], "GET http://jira.invalid/x HTTP/1.1\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(talk.peer->requests[0], "User-Agent: ohdc/1\r\n"));
	(void)setenv("NO_PROXY", "127.0.0.1", 1);
	talk.call.url = talk.url;
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_PTR_NOT_NULL(strstr(talk.peer->requests[1], "GET /a%2fb"));
	(void)unsetenv("HTTP_PROXY");
	(void)setenv("NO_PROXY", "*", 1);
	talk_end(&talk);
}

enum { CALLERS = 6, CALLS_EACH = 5 };

static void *call_often(void *context)
{
	struct talk *talk = context;
	size_t good = 0;
	for (int i = 0; i < CALLS_EACH; i++) {
		struct http_result result = {0};
		struct err err = {0};
		good += http_client_send(talk->client, &talk->call, &result, &err) ? 1 : 0;
		http_result_done(&result);
	}
	return good == CALLS_EACH ? talk : NULL;
}

static void test_http_client_serves_many_threads(void)
{
	struct http_peer *peers[CALLERS];
	struct peer_step steps[CALLS_EACH];
	struct talk talks[CALLERS];
	pthread_t threads[CALLERS];
	for (size_t i = 0; i < CALLS_EACH; i++)
		steps[i] = (struct peer_step){OK_EMPTY, false};
	for (size_t i = 0; i < CALLERS; i++) {
		talk_start(&talks[i], steps, CALLS_EACH);
		peers[i] = talks[i].peer;
		if (i > 0) http_client_free(talks[i].client);
		talks[i].client = talks[0].client;
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, call_often, &talks[i]), 0);
	}
	for (size_t i = 0; i < CALLERS; i++) {
		void *is_good = NULL;
		(void)pthread_join(threads[i], &is_good);
		CU_ASSERT_PTR_NOT_NULL(is_good);
	}
	http_client_free(talks[0].client);
	for (size_t i = 0; i < CALLERS; i++) {
		CU_ASSERT_EQUAL(atomic_load(&peers[i]->request_count), CALLS_EACH);
		http_peer_free(peers[i]);
	}
}

static void test_http_result_ok_translates_statuses(void)
{
	static const struct {
		const char *name;
		int status;
		enum err_code safe, uncertain;
	} rows[] = {
		{"ok", 200, ERR_NONE, ERR_NONE},
		{"no content", 204, ERR_NONE, ERR_NONE},
		{"moved", 301, ERR_INPUT, ERR_INPUT},
		{"bad request", 400, ERR_INPUT, ERR_INPUT},
		{"who", 401, ERR_AUTH, ERR_AUTH},
		{"may not", 403, ERR_AUTH, ERR_AUTH},
		{"not there", 404, ERR_NOT_FOUND, ERR_NOT_FOUND},
		{"timeout", 408, ERR_INTERNAL, ERR_UNCERTAIN},
		{"conflict", 409, ERR_CONFLICT, ERR_CONFLICT},
		{"gone", 410, ERR_NOT_FOUND, ERR_NOT_FOUND},
		{"too large", 413, ERR_INPUT, ERR_INPUT},
		{"too many", 429, ERR_LIMIT, ERR_LIMIT},
		{"broken", 500, ERR_INTERNAL, ERR_UNCERTAIN},
		{"gateway timeout", 504, ERR_INTERNAL, ERR_UNCERTAIN},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_result result = {.status = rows[i].status, .retry_after_ms = 5};
		struct http_call call = {.method = "GET"};
		struct err err = {0};
		CHECK(rows[i].name, http_result_ok(&call, &result, &err) == (rows[i].safe == ERR_NONE));
		CHECK(rows[i].name, err.code == rows[i].safe);
		CHECK(rows[i].name, err.code == ERR_NONE || err.http_status == rows[i].status);
		CHECK(rows[i].name, err.code == ERR_NONE || err.retry_after_ms == 5);
		call.is_unsafe = true;
		err = (struct err){0};
		CHECK(rows[i].name, http_result_ok(&call, &result, &err) == (rows[i].uncertain == ERR_NONE));
		CHECK(rows[i].name, err.code == rows[i].uncertain);
	}
}

static void raise_flag(void *context)
{
	*(bool *)context = true;
}

static void test_fake_http_plays_its_script(void)
{
	bool is_raised = false;
	const struct fake_http_step steps[] = {
		{.method = "GET", .url = "http://a/1", .status = 200, .answer = "[]", .user_name = "bot"},
		{.method = "POST",
		 .url = "http://a/2",
		 .header = "X-A: 1",
		 .body = "hello",
		 .is_unsafe = true,
		 .fails = ERR_UNCERTAIN,
		 .meanwhile = raise_flag,
		 .context = &is_raised},
	};
	struct talk talk = {.client = fake_http_new(steps, ARRAY_LEN(steps))};
	talk.call = (struct http_call){.method = "GET", .url = "http://a/1", .deadline_ms = 1, .gate = &talk};
	CU_ASSERT_TRUE(say(&talk));
	CU_ASSERT_STRING_EQUAL(talk.result.body, "[]");
	CU_ASSERT_STRING_EQUAL(talk.result.user_name, "bot");
	CU_ASSERT_STRING_EQUAL(fake_http_problem(talk.client), "step 2 was not called: POST http://a/2");
	make_unsafe(&talk);
	talk.call.url = "http://a/2";
	talk.call.body = bytes_text("say hello");
	talk.call.headers[0] = "X-A: 1";
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_CONFLICT);
	CU_ASSERT_EQUAL(fake_http_stopped(talk.client), 1);
	CU_ASSERT_FALSE(is_raised);
	talk.may_send = true;
	CU_ASSERT_FALSE(say(&talk));
	CU_ASSERT_EQUAL(talk.err.code, ERR_UNCERTAIN);
	CU_ASSERT_TRUE(is_raised);
	CU_ASSERT_EQUAL(fake_http_played(talk.client), 2);
	CU_ASSERT_PTR_NULL(fake_http_problem(talk.client));
	http_client_free(talk.client);
}

static void test_fake_http_refuses_what_is_not_in_its_script(void)
{
	static const struct {
		const char *name;
		struct fake_http_step step;
		size_t count;
	} rows[] = {
		{"nothing expected", {.method = "GET"}, 0},
		{"method", {.method = "PUT", .url = "http://a"}, 1},
		{"URL", {.method = "GET", .url = "http://a/"}, 1},
		{"header", {.method = "GET", .url = "http://a", .header = "X: 1"}, 1},
		{"body", {.method = "GET", .url = "http://a", .body = "x"}, 1},
		{"safe", {.method = "GET", .url = "http://a", .is_unsafe = true}, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk talk = {.client = fake_http_new(&rows[i].step, rows[i].count)};
		talk.call = (struct http_call){.method = "GET", .url = "http://a", .deadline_ms = 1};
		CHECK(rows[i].name, !say(&talk));
		CHECK(rows[i].name, talk.err.code == ERR_INTERNAL);
		CHECK(rows[i].name, fake_http_problem(talk.client) != NULL);
		CHECK(rows[i].name, fake_http_played(talk.client) == 0);
		http_client_free(talk.client);
	}
}

static int set_up_suite(void)
{
	/* What the machine has set must not come between the tests and their loopback servers. */
	(void)unsetenv("http_proxy");
	(void)unsetenv("https_proxy");
	(void)unsetenv("HTTP_PROXY");
	(void)unsetenv("HTTPS_PROXY");
	(void)unsetenv("no_proxy");
	(void)setenv("NO_PROXY", "*", 1);
	return 0;
}

void suite_http_client(void)
{
	CU_pSuite suite = CU_add_suite("http_client", set_up_suite, NULL);
	CU_ADD_TEST(suite, test_http_client_sends_what_the_call_says);
	CU_ADD_TEST(suite, test_http_client_returns_every_status);
	CU_ADD_TEST(suite, test_http_client_says_what_failures_mean);
	CU_ADD_TEST(suite, test_http_client_reads_headers_up_to_a_ceiling);
	CU_ADD_TEST(suite, test_http_client_knows_what_was_never_sent);
	CU_ADD_TEST(suite, test_http_client_sends_no_header_in_two_lines);
	CU_ADD_TEST(suite, test_http_client_sends_unsafe_calls_once);
	CU_ADD_TEST(suite, test_http_client_repeats_a_safe_call_on_a_dead_connection);
	CU_ADD_TEST(suite, test_http_client_sends_nothing_when_the_gate_is_shut);
	CU_ADD_TEST(suite, test_http_client_trusts_the_given_roots);
	CU_ADD_TEST(suite, test_http_client_follows_the_root_file);
	CU_ADD_TEST(suite, test_http_client_refuses_wrong_root_files);
	CU_ADD_TEST(suite, test_http_client_opens_only_allowed_addresses);
	CU_ADD_TEST(suite, test_http_client_uses_the_proxy_of_the_environment);
	CU_ADD_TEST(suite, test_http_client_serves_many_threads);
	CU_ADD_TEST(suite, test_http_result_ok_translates_statuses);
	CU_ADD_TEST(suite, test_fake_http_plays_its_script);
	CU_ADD_TEST(suite, test_fake_http_refuses_what_is_not_in_its_script);
}
