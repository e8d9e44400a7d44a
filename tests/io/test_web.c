/* web: what handlers read and answer, many at once, deadlines, the end. */
#include "tests/io/http_wire.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/io/web.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/banned.h"

enum { LARGE = 12 * 1024 * 1024 };

/* What the handlers share with a test. */
struct world {
	struct web *web;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int waiting; /* handlers inside hold() */
	int wanted;  /* how many must be there before they go on */
	bool is_released;
	_Atomic(int) handled;
};

static void put(json_t *json, const char *key, const char *text)
{
	(void)json_object_set_new(json, key, text ? json_string(text) : json_null());
}

/* Shows everything that was read. */
static void echo(void *context, const struct web_request *request, struct web_reply *reply)
{
	struct world *world = context;
	json_t *json = json_object();
	struct bytes body = web_body(request);
	atomic_fetch_add(&world->handled, 1);
	put(json, "piece", web_piece(request));
	put(json, "path", web_path(request));
	put(json, "header", web_header(request, "x-TEST"));
	put(json, "cookie", web_cookie(request, "session"));
	put(json, "query", web_query(request, "q"));
	put(json, "form", web_form(request, "f"));
	(void)json_object_set_new(json, "length", json_integer((json_int_t)body.len));
	(void)json_object_set_new(json, "own", json_boolean(web_is_same_origin(request, "https://app.example.com")));
	web_reply_json(reply, 200, json);
}

static void read_json(void *context, const struct web_request *request, struct web_reply *reply)
{
	json_t *json = NULL;
	struct err err = {0};
	(void)context;
	if (web_json(request, &json, &err))
		web_reply_json(reply, 200, json);
	else
		web_reply_failure(reply, 422, err.message, NULL);
}

static void redirect(void *context, const struct web_request *request, struct web_reply *reply)
{
	const char *cookie = web_query(request, "cookie");
	(void)context;
	web_reply_header(reply, "Set-Cookie", cookie ? cookie : "a=b; Secure");
	web_reply_header(reply, "cache-control", "max-age=5");
	web_reply_redirect(reply, "/there?x=y");
}

static void say_nothing(void *context, const struct web_request *request, struct web_reply *reply)
{
	(void)context;
	(void)request;
	(void)reply;
}

static void refuse(void *context, const struct web_request *request, struct web_reply *reply)
{
	(void)context;
	reply->retry_after_s = 9;
	web_reply_failure(reply, 400, "No \"luck\"", web_query(request, "why"));
}

static void large(void *context, const struct web_request *request, struct web_reply *reply)
{
	char *text = mem_zalloc(LARGE + 1, 1);
	(void)context;
	(void)request;
	memset(text, 'x', LARGE);
	web_reply_json(reply, 200, json_string(text));
	mem_free(text);
}

/* Waits until `wanted` handlers are inside, or until it is let go. */
static void hold(void *context, const struct web_request *request, struct web_reply *reply)
{
	struct world *world = context;
	(void)request;
	(void)pthread_mutex_lock(&world->lock);
	world->waiting++;
	(void)pthread_cond_broadcast(&world->changed);
	while (!world->is_released && world->waiting < world->wanted)
		(void)pthread_cond_wait(&world->changed, &world->lock);
	(void)pthread_mutex_unlock(&world->lock);
	atomic_fetch_add(&world->handled, 1);
	web_reply_detail(reply, 200, "%s", "held");
}

static const struct web_route routes[] = {
	{"GET", "/echo", echo, 0},       {"POST", "/echo", echo, 0},  {"GET", "/echo/{}/end", echo, 0},
	{"POST", "/json", read_json, 0}, {"GET", "/go", redirect, 0}, {"GET", "/nothing", say_nothing, 0},
	{"GET", "/refuse", refuse, 0},   {"GET", "/large", large, 0}, {"GET", "/hold", hold, 0},
	{"GET", "/lane", hold, 1},
};

static struct world *world_new(unsigned threads, int64_t deadline_ms)
{
	struct world *world = mem_zalloc(1, sizeof(*world));
	const struct web_options options = {.listen = "127.0.0.1:0",
					    .routes = routes,
					    .route_count = ARRAY_LEN(routes),
					    .context = world,
					    .threads = threads,
					    .deadline_ms = deadline_ms};
	struct err err = {0};
	(void)pthread_mutex_init(&world->lock, NULL);
	(void)pthread_cond_init(&world->changed, NULL);
	CU_ASSERT_TRUE_FATAL(web_new(&options, &world->web, &err));
	return world;
}

static void world_free(struct world *world)
{
	web_free(world->web);
	(void)pthread_mutex_destroy(&world->lock);
	(void)pthread_cond_destroy(&world->changed);
	mem_free(world);
}

static void release(struct world *world)
{
	(void)pthread_mutex_lock(&world->lock);
	world->is_released = true;
	(void)pthread_cond_broadcast(&world->changed);
	(void)pthread_mutex_unlock(&world->lock);
}

static void wait_for(struct world *world, int waiting)
{
	(void)pthread_mutex_lock(&world->lock);
	while (world->waiting < waiting)
		(void)pthread_cond_wait(&world->changed, &world->lock);
	(void)pthread_mutex_unlock(&world->lock);
}

/* Send a request head (without its last line break) and a body; the answer's status. */
static int ask(struct world *world, struct wire *wire, const char *head, const char *body)
{
	CLEANUP(strbuf_done) struct strbuf text;
	strbuf_init(&text, 1 << 20);
	strbuf_add(&text, head);
	if (body) strbuf_addf(&text, "Content-Length: %zu\r\n", strlen(body));
	strbuf_addf(&text, "Host: x\r\nConnection: close\r\n\r\n%s", body ? body : "");
	wire_init(wire, wire_connect(web_port(world->web)));
	(void)wire_send(wire->fd, strbuf_text(&text));
	CU_ASSERT_TRUE(wire_read_end(wire));
	(void)close(wire->fd);
	return wire_status(wire);
}

static json_t *body_of(const struct wire *wire)
{
	const char *body = strstr(wire->text, "\r\n\r\n");
	return body ? json_loads(body + 4, JSON_DECODE_ANY, NULL) : NULL;
}

#define FORM "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"

static void test_web_shows_what_was_sent(void)
{
	static const struct {
		const char *name, *head, *body, *key, *expected;
	} rows[] = {
		{"path", "GET /echo?q=1 HTTP/1.1\r\n", NULL, "path", "/echo"},
		{"no piece", "GET /echo HTTP/1.1\r\n", NULL, "piece", ""},
		{"piece", "GET /echo/a%2fb%20c/end HTTP/1.1\r\n", NULL, "piece", "a/b c"},
		{"plus in a piece", "GET /echo/a+b/end HTTP/1.1\r\n", NULL, "piece", "a+b"},
		{"header", "GET /echo HTTP/1.1\r\nX-Test: one\r\n", NULL, "header", "one"},
		{"header twice", "GET /echo HTTP/1.1\r\nX-Test: one\r\nx-test: one\r\n", NULL, "header", NULL},
		{"cookie", "GET /echo HTTP/1.1\r\nCookie: a=1; session=s=3 ;b\r\n", NULL, "cookie", "s=3"},
		{"cookie twice, same", "GET /echo HTTP/1.1\r\nCookie: session=1; session=1\r\n", NULL, "cookie", "1"},
		{"cookie twice", "GET /echo HTTP/1.1\r\nCookie: session=1; session=2\r\n", NULL, "cookie", NULL},
		{"cookie's name has case", "GET /echo HTTP/1.1\r\nCookie: Session=1\r\n", NULL, "cookie", NULL},
		{"query", "GET /echo?a=b&q=%C3%A4+b%2Bc HTTP/1.1\r\n", NULL, "query", "ä b+c"},
		{"query's name escaped", "GET /echo?%71=2 HTTP/1.1\r\n", NULL, "query", "2"},
		{"query without value", "GET /echo?q HTTP/1.1\r\n", NULL, "query", ""},
		{"query twice", "GET /echo?q=1&q=1 HTTP/1.1\r\n", NULL, "query", NULL},
		{"query no UTF-8", "GET /echo?q=%ff HTTP/1.1\r\n", NULL, "query", NULL},
		{"form", "POST /echo HTTP/1.1\r\n" FORM, "a=&f=x%0d%0ay+%26", "form", "x\r\ny &"},
		{"form, empty", "POST /echo HTTP/1.1\r\n" FORM, "f=", "form", ""},
		{"form twice", "POST /echo HTTP/1.1\r\n" FORM, "f=1&f=2", "form", NULL},
		{"not a form", "POST /echo HTTP/1.1\r\nContent-Type: text/plain\r\n", "f=1", "form", NULL},
		{"nearly a form", "POST /echo HTTP/1.1\r\nContent-Type: application/x-www-form-urlencodedx\r\n", "f=1",
		 "form", NULL},
	};
	struct world *world = world_new(0, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(rows[i].name, ask(world, wire, rows[i].head, rows[i].body) == 200);
		json_auto_t *json = body_of(wire);
		CHECK_TEXT(rows[i].name, json_text_at(json, rows[i].key), rows[i].expected);
	}
	mem_free(wire);
	world_free(world);
}

static void test_web_refuses_what_it_cannot_read(void)
{
	static const struct {
		const char *name, *head, *body;
		int status;
	} rows[] = {
		{"piece", "GET /echo/a%2/end HTTP/1.1\r\n", NULL, 400},
		{"piece with NUL", "GET /echo/a%00b/end HTTP/1.1\r\n", NULL, 400},
		{"piece no UTF-8", "GET /echo/%ff/end HTTP/1.1\r\n", NULL, 400},
		{"query", "GET /echo?q=%zz HTTP/1.1\r\n", NULL, 400},
		{"form", "POST /echo HTTP/1.1\r\n" FORM, "f=%", 400},
		{"path", "GET /other HTTP/1.1\r\n", NULL, 404},
		{"method", "PUT /echo HTTP/1.1\r\n", NULL, 405},
		{"empty JSON", "POST /json HTTP/1.1\r\n", NULL, 422},
		{"list", "POST /json HTTP/1.1\r\n", "[]", 422},
		{"no JSON", "POST /json HTTP/1.1\r\n", "{]", 422},
		{"duplicate keys", "POST /json HTTP/1.1\r\n", "{\"a\":1,\"a\":2}", 422},
		{"handler without an answer", "GET /nothing HTTP/1.1\r\n", NULL, 500},
		{"header that splits", "GET /go?cookie=a%0d%0ab HTTP/1.1\r\n", NULL, 500},
	};
	struct world *world = world_new(0, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(rows[i].name, ask(world, wire, rows[i].head, rows[i].body) == rows[i].status);
		json_auto_t *json = body_of(wire);
		CHECK(rows[i].name, json_text_at(json, "detail"));
	}
	mem_free(wire);
	world_free(world);
}

static void test_web_bounds_bodies(void)
{
	struct world *world = world_new(0, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	char *body = mem_zalloc(WEB_BODY_BYTES + 2, 1);
	memset(body, 'x', WEB_BODY_BYTES);
	CU_ASSERT_EQUAL(ask(world, wire, "POST /echo HTTP/1.1\r\n", body), 200);
	json_auto_t *json = body_of(wire);
	CU_ASSERT_EQUAL(json_int_at(json, "length", -1), WEB_BODY_BYTES);
	body[WEB_BODY_BYTES] = 'x';
	CU_ASSERT_EQUAL(ask(world, wire, "POST /echo HTTP/1.1\r\n", body), 413);
	mem_free(body);
	mem_free(wire);
	world_free(world);
}

static void test_web_tells_own_pages_from_others(void)
{
	static const struct {
		const char *name, *headers;
		bool is_own;
	} rows[] = {
		{"no browser", "", true},
		{"own", "Origin: https://app.example.com\r\nSec-Fetch-Site: same-origin\r\n", true},
		{"own, old browser", "Origin: https://app.example.com\r\n", true},
		{"typed", "Sec-Fetch-Site: none\r\n", true},
		{"other", "Origin: https://evil.example.com\r\n", false},
		{"other port", "Origin: https://app.example.com:8443\r\n", false},
		{"no TLS", "Origin: http://app.example.com\r\n", false},
		{"longer", "Origin: https://app.example.com.evil.com\r\n", false},
		{"shorter", "Origin: https://app.example.co\r\n", false},
		{"null", "Origin: null\r\n", false},
		{"empty", "Origin:\r\n", false},
		{"twice", "Origin: https://app.example.com\r\nOrigin: https://app.example.com\r\n", false},
		{"neighbour", "Sec-Fetch-Site: same-site\r\n", false},
		{"elsewhere", "Sec-Fetch-Site: cross-site\r\n", false},
		{"they disagree", "Origin: https://app.example.com\r\nSec-Fetch-Site: cross-site\r\n", false},
	};
	struct world *world = world_new(0, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char head[256];
		(void)snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\n%s", rows[i].headers);
		CHECK(rows[i].name, ask(world, wire, head, "{}") == 200);
		json_auto_t *json = body_of(wire);
		CHECK(rows[i].name, json_bool_at(json, "own", !rows[i].is_own) == rows[i].is_own);
	}
	mem_free(wire);
	world_free(world);
}

static void check_headers(const struct wire *wire, const char *const *present, const char *absent)
{
	for (size_t i = 0; present[i]; i++)
		CHECK(present[i], strstr(wire->text, present[i]));
	CHECK(absent, !strstr(wire->text, absent));
}

static void test_web_adds_headers_to_every_answer(void)
{
	static const char *const usual[] = {"X-Content-Type-Options: nosniff", "Cache-Control: no-store",
					    "Referrer-Policy: no-referrer", "Content-Type: application/json", NULL};
	static const char *const redirected[] = {"Location: /there?x=y", "Set-Cookie: a=b; Secure",
						 "cache-control: max-age=5", NULL};
	struct world *world = world_new(0, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	CU_ASSERT_EQUAL(ask(world, wire, "GET /echo HTTP/1.1\r\n", NULL), 200);
	check_headers(wire, usual, "Location");
	CU_ASSERT_EQUAL(ask(world, wire, "GET /go HTTP/1.1\r\n", NULL), 302);
	check_headers(wire, redirected, "no-store");
	CU_ASSERT_EQUAL(ask(world, wire, "GET /refuse?why=a%0Ab HTTP/1.1\r\n", NULL), 400);
	check_headers(wire, usual, "Location");
	CU_ASSERT_PTR_NOT_NULL(strstr(wire->text, "Retry-After: 9"));
	CU_ASSERT_PTR_NOT_NULL(strstr(wire->text, "{\"detail\":\"No \\\"luck\\\"\",\"error\":\"a\\nb\"}"));
	CU_ASSERT_EQUAL(ask(world, wire, "GET /refuse HTTP/1.1\r\n", NULL), 400);
	CU_ASSERT_PTR_NULL(strstr(wire->text, "error"));
	CU_ASSERT_EQUAL(ask(world, wire, "GET /refuse?why=claim:+database:+42P01+at+10.0.0.7 HTTP/1.1\r\n", NULL), 400);
	CU_ASSERT_PTR_NULL(strstr(wire->text, "10.0.0.7"));
	mem_free(wire);
	world_free(world);
}

static void test_web_sends_large_answers(void)
{
	struct world *world = world_new(0, 0);
	int fd = wire_connect(web_port(world->web));
	char *part = mem_zalloc(64 * 1024, 1);
	size_t received = 0;
	ssize_t got;
	(void)wire_send(fd, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while ((got = read(fd, part, 64 * 1024)) > 0)
		received += (size_t)got;
	CU_ASSERT_TRUE(received > LARGE + 2 && received < LARGE + 1024);
	(void)close(fd);
	mem_free(part);
	world_free(world);
}

/* Four handlers wait for each other: they go on only when all are inside at once. */
static void test_web_runs_handlers_side_by_side(void)
{
	struct world *world = world_new(5, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	int fds[4];
	world->wanted = 4;
	for (int i = 0; i < 4; i++) {
		fds[i] = wire_connect(web_port(world->web));
		(void)wire_send(fds[i], "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	for (int i = 0; i < 4; i++) {
		wire_init(wire, fds[i]);
		CU_ASSERT_TRUE(wire_read_message(wire));
		CU_ASSERT_EQUAL(wire_status(wire), 200);
		(void)close(fds[i]);
	}
	mem_free(wire);
	world_free(world);
}

/* A lane that hangs holds a third of the threads: other requests overtake those that wait for it, which are answered in the end. */
static void test_web_keeps_threads_for_other_lanes(void)
{
	struct world *world = world_new(4, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	int fds[6];
	world->wanted = 6;
	for (int i = 0; i < 6; i++) {
		fds[i] = wire_connect(web_port(world->web));
		(void)wire_send(fds[i], "GET /lane HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	wait_for(world, 1);
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(ask(world, wire, "GET /refuse HTTP/1.1\r\n", NULL), 400);
	CU_ASSERT_EQUAL(world->waiting, 1);
	release(world);
	for (int i = 0; i < 6; i++) {
		wire_init(wire, fds[i]);
		CU_ASSERT_TRUE(wire_read_message(wire));
		CU_ASSERT_EQUAL(wire_status(wire), 200);
		(void)close(fds[i]);
	}
	CU_ASSERT_EQUAL(ask(world, wire, "GET /lane HTTP/1.1\r\n", NULL), 200);
	mem_free(wire);
	world_free(world);
}

/* One thread, held: the one in it and the one that waits get 504, the latter is never begun; the web goes on. */
static void test_web_answers_at_the_deadline(void)
{
	struct world *world = world_new(1, 200);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	int second;
	world->wanted = 2;
	int first = wire_connect(web_port(world->web));
	(void)wire_send(first, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for(world, 1);
	second = wire_connect(web_port(world->web));
	(void)wire_send(second, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	wire_init(wire, first);
	CU_ASSERT_TRUE(wire_read_message(wire));
	CU_ASSERT_EQUAL(wire_status(wire), 504);
	CU_ASSERT_FALSE(web_is_idle(world->web));
	wire_init(wire, second);
	CU_ASSERT_TRUE(wire_read_message(wire));
	CU_ASSERT_EQUAL(wire_status(wire), 504);
	release(world);
	CU_ASSERT_EQUAL(ask(world, wire, "GET /refuse HTTP/1.1\r\n", NULL), 400);
	CU_ASSERT_EQUAL(atomic_load(&world->handled), 1);
	(void)close(first);
	(void)close(second);
	mem_free(wire);
	world_free(world);
}

static bool is_idle(void *context)
{
	struct world *world = context;
	return web_is_idle(world->web);
}

static void *free_web(void *context)
{
	struct world *world = context;
	web_free(world->web);
	return NULL;
}

/* Running and waiting requests are answered by their handlers before the web is gone. */
static void test_web_lets_requests_end(void)
{
	struct world *world = world_new(1, 0);
	struct wire *wire = mem_zalloc(1, sizeof(*wire));
	pthread_t thread;
	int fds[2];
	CU_ASSERT_TRUE(wire_wait(is_idle, world));
	world->wanted = 3;
	for (int i = 0; i < 2; i++) {
		fds[i] = wire_connect(web_port(world->web));
		(void)wire_send(fds[i], i == 0 ? "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
					       : "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
		if (i == 0) wait_for(world, 1);
	}
	/* The second is in the queue as soon as the server has read it: wait for its slot. */
	web_quiesce(world->web);
	CU_ASSERT_FALSE(web_is_idle(world->web));
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, free_web, world), 0);
	release(world);
	wire_init(wire, fds[0]);
	CU_ASSERT_TRUE(wire_read_message(wire));
	CU_ASSERT_EQUAL(wire_status(wire), 200);
	wire_init(wire, fds[1]);
	CU_ASSERT_TRUE(wire_read_end(wire));
	/* Read in time: answered; else refused, or closed unread. Never the deadline's 504. */
	CU_ASSERT_TRUE(wire_status(wire) != 504);
	(void)pthread_join(thread, NULL);
	world->web = NULL;
	(void)close(fds[0]);
	(void)close(fds[1]);
	mem_free(wire);
	world_free(world);
}

static void test_web_checks_its_address(void)
{
	struct world *world = world_new(0, 0);
	struct web *second = NULL;
	struct err err = {0};
	char taken[32];
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%u", (unsigned)web_port(world->web));
	const struct web_options options = {.listen = taken, .routes = routes, .route_count = 1};
	CU_ASSERT_FALSE(web_new(&options, &second, &err));
	CU_ASSERT_EQUAL(err.code, ERR_BUSY);
	CU_ASSERT_PTR_NULL(second);
	web_free(NULL);
	world_free(world);
}

void suite_web(void)
{
	CU_pSuite suite = CU_add_suite("web", NULL, NULL);
	CU_ADD_TEST(suite, test_web_shows_what_was_sent);
	CU_ADD_TEST(suite, test_web_refuses_what_it_cannot_read);
	CU_ADD_TEST(suite, test_web_bounds_bodies);
	CU_ADD_TEST(suite, test_web_tells_own_pages_from_others);
	CU_ADD_TEST(suite, test_web_adds_headers_to_every_answer);
	CU_ADD_TEST(suite, test_web_sends_large_answers);
	CU_ADD_TEST(suite, test_web_runs_handlers_side_by_side);
	CU_ADD_TEST(suite, test_web_keeps_threads_for_other_lanes);
	CU_ADD_TEST(suite, test_web_answers_at_the_deadline);
	CU_ADD_TEST(suite, test_web_lets_requests_end);
	CU_ADD_TEST(suite, test_web_checks_its_address);
}
