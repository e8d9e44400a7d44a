/* http_server: routes, refusals, slow and wrong clients, suspended requests. */
#include "tests/io/http_wire.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/io/http_server.h"
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/banned.h"

enum { TICKETS_MAX = 64 };

/* What the routes saw. */
struct world {
	struct http_server *server;
	_Atomic(int) begun;
	_Atomic(int) ended;
	_Atomic(int) done;
	_Atomic(size_t) received;
	_Atomic(int) ticket_count;
	struct http_ticket tickets[TICKETS_MAX];
	_Atomic(int64_t) declared;
	int64_t deadline_ms;
};

static const struct http_reply ok = {.status = 200, .body = "{\"ok\":true}"};
static const struct http_reply late = {.status = 503, .body = "{\"detail\":\"late\"}", .retry_after_s = 7};

static void *count_begin(void *context, struct http_request *request)
{
	struct world *world = context;
	atomic_fetch_add(&world->begun, 1);
	atomic_store(&world->declared, http_request_declared_length(request));
	if (http_request_header(request, "x-refuse"))
		http_reply_now(request, &(struct http_reply){.status = 403, .body = "{\"detail\":\"no\"}"});
	return mem_zalloc(1, 16);
}

static void count_body(void *context, void *state, struct http_request *request, struct bytes piece)
{
	struct world *world = context;
	(void)state;
	atomic_fetch_add(&world->received, piece.len);
	if (http_request_header(request, "x-refuse-body"))
		http_reply_now(request, &(struct http_reply){.status = 413, .body = "{}"});
}

static void count_end(void *context, void *state, struct http_request *request)
{
	struct world *world = context;
	(void)state;
	atomic_fetch_add(&world->ended, 1);
	http_reply_now(request, &ok);
	http_reply_now(request, &late); /* the first one wins */
}

static void count_done(void *context, void *state)
{
	struct world *world = context;
	mem_free(state);
	atomic_fetch_add(&world->done, 1);
}

static void suspend_end(void *context, void *state, struct http_request *request)
{
	struct world *world = context;
	struct http_ticket ticket;
	(void)state;
	if (!http_suspend(request, world->deadline_ms, &late, &ticket)) {
		http_reply_now(request, &(struct http_reply){.status = 503, .body = "{\"full\":1}"});
		return;
	}
	world->tickets[atomic_load(&world->ticket_count)] = ticket;
	atomic_fetch_add(&world->ticket_count, 1);
}

static void echo_end(void *context, void *state, struct http_request *request)
{
	char body[512];
	(void)context;
	(void)state;
	(void)snprintf(body, sizeof(body), "%s|%zu", http_request_piece(request),
		       http_request_header_count(request, "X-A"));
	http_reply_now(request, &(struct http_reply){.status = 302,
						     .content_type = "text/plain",
						     .body = body,
						     .retry_after_s = 3,
						     .headers = {"X-One: 1", "Set-Cookie: a=b; Path=/"}});
}

static void silent_end(void *context, void *state, struct http_request *request)
{
	(void)context;
	(void)state;
	(void)request;
}

/* Every server of this suite has these routes. */
struct setup {
	struct world world;
	struct http_route routes[6];
	struct http_server_options options;
	struct wire wire;
};

static struct setup *setup_new(void)
{
	struct setup *setup = mem_zalloc(1, sizeof(*setup));
	struct http_route counting = {
		.begin = count_begin, .end = count_end, .done = count_done, .context = &setup->world};
	for (size_t i = 0; i < ARRAY_LEN(setup->routes); i++)
		setup->routes[i] = counting;
	setup->routes[0].method = "POST";
	setup->routes[0].pattern = "/hook/{}/events";
	setup->routes[0].body = count_body;
	setup->routes[1].method = "POST";
	setup->routes[1].pattern = "/plain";
	setup->routes[2].method = "GET";
	setup->routes[2].pattern = "/plain";
	setup->routes[3].method = "GET";
	setup->routes[3].pattern = "/wait";
	setup->routes[3].end = suspend_end;
	setup->routes[4].method = "GET";
	setup->routes[4].pattern = "/echo/{}";
	setup->routes[4].end = echo_end;
	setup->routes[5].method = "GET";
	setup->routes[5].pattern = "/silent";
	setup->routes[5].end = silent_end;
	setup->options = (struct http_server_options){
		.listen = "127.0.0.1:0", .routes = setup->routes, .route_count = ARRAY_LEN(setup->routes)};
	setup->world.deadline_ms = WIRE_PATIENCE_MS;
	return setup;
}

static void setup_start(struct setup *setup)
{
	struct err err = {0};
	if (!http_server_new(&setup->options, &setup->world.server, &err)) {
		(void)printf("%s\n", err.message);
		abort();
	}
}

static struct setup *setup_started(void)
{
	struct setup *setup = setup_new();
	setup_start(setup);
	return setup;
}

/* Stops the server; every request that began must be done by then. */
static void setup_free(struct setup *setup)
{
	http_server_free(setup->world.server);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.begun), atomic_load(&setup->world.done));
	mem_free(setup);
}

static int dial(struct setup *setup)
{
	int fd = wire_connect(http_server_port(setup->world.server));
	CU_ASSERT_TRUE(fd >= 0);
	return fd;
}

/* Send, read one answer into setup->wire; the connection stays open. */
static int ask(struct setup *setup, const char *text)
{
	int fd = dial(setup);
	CU_ASSERT_TRUE(wire_send(fd, text));
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	return fd;
}

static bool has(const struct setup *setup, const char *text)
{
	return strstr(setup->wire.text, text) != NULL;
}

static void test_http_server_finds_routes(void)
{
	static const struct {
		const char *name, *line, *wanted;
		int status;
	} rows[] = {
		{"found", "GET /plain", "{\"ok\":true}", 200},
		{"unknown path", "GET /nope", "{\"detail\":\"Not Found\"}", 404},
		{"wrong method", "DELETE /plain", "Allow: POST, GET\r\n", 405},
		{"wrong method text", "PUT /wait", "{\"detail\":\"Method Not Allowed\"}", 405},
		{"empty piece", "GET /hook//events", "Not Found", 404},
		{"two segments", "GET /echo/a/b", "Not Found", 404},
		{"longer path", "GET /plain/", "Not Found", 404},
		{"escaped slash stays", "GET /echo/a%2fb", "a%2fb|0", 302},
		{"query aside", "GET /echo/x?a&q=b%20c+d=e%zz", "x|0", 302},
		{"no answer of the route", "GET /silent", "Internal Server Error", 500},
	};
	struct setup *setup = setup_started();
	char text[256];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: h\r\n\r\n", rows[i].line);
		(void)close(ask(setup, text));
		CHECK(rows[i].name, wire_status(&setup->wire) == rows[i].status);
		CHECK(rows[i].name, has(setup, rows[i].wanted));
	}
	setup_free(setup);
}

static void test_http_server_writes_reply_headers(void)
{
	struct setup *setup = setup_started();
	(void)close(ask(setup, "GET /echo/1 HTTP/1.1\r\nHost: h\r\nx-a: 1\r\nX-A: 2\r\n\r\n"));
	CU_ASSERT_TRUE(has(setup, "Retry-After: 3\r\n"));
	CU_ASSERT_TRUE(has(setup, "X-One: 1\r\n"));
	CU_ASSERT_TRUE(has(setup, "Set-Cookie: a=b; Path=/\r\n"));
	CU_ASSERT_TRUE(has(setup, "Content-Type: text/plain\r\n"));
	CU_ASSERT_TRUE(has(setup, "|2"));
	(void)close(ask(setup, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"));
	CU_ASSERT_TRUE(has(setup, "Content-Type: application/json\r\n"));
	setup_free(setup);
}

static void test_http_server_keeps_connections_and_pipelines(void)
{
	struct setup *setup = setup_started();
	int fd = ask(setup, "POST /hook/7/events HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
			    "POST /hook/8/events HTTP/1.1\r\nHost: h\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n2\r\nfg\r\n0\r\n\r\n"
			    "GET /plain?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.received), 7);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.ended), 3);
	(void)close(fd);
	setup_free(setup);
}

static void test_http_server_refuses_bad_framing(void)
{
	static const struct {
		const char *name, *rest;
		int status;
	} rows[] = {
		{"length and chunked", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		 400},
		{"two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
		{"two equal lengths", "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
		{"list of lengths", "Content-Length: 3, 3\r\n\r\nabc", 400},
		{"signed length", "Content-Length: +3\r\n\r\nabc", 400},
		{"gzip", "Transfer-Encoding: gzip\r\n\r\nabc", 400},
		{"gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400},
		{"two encodings",
		 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400},
		{"bad chunk size", "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", 400},
		{"line folding", "X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n", 400},
		{"bare line feed", "X-A: b\nContent-Length: 0\r\n\r\n", 400},
		{"space before colon", "X-A : b\r\nContent-Length: 0\r\n\r\n", 400},
	};
	struct setup *setup = setup_started();
	char text[512];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int fd;
		(void)snprintf(text, sizeof(text), "POST /hook/1/events HTTP/1.1\r\nHost: h\r\n%s", rows[i].rest);
		fd = ask(setup, text);
		CHECK(rows[i].name, wire_status(&setup->wire) == rows[i].status);
		CHECK(rows[i].name, has(setup, "Connection: close\r\n"));
		(void)shutdown(fd, SHUT_WR);
		CHECK(rows[i].name, wire_read_end(&setup->wire));
		(void)close(fd);
	}
	CU_ASSERT_EQUAL(atomic_load(&setup->world.ended), 0);
	setup_free(setup);
}

static void test_http_server_refuses_too_large_headers(void)
{
	enum { FILL = 20 * 1024 };
	struct setup *setup = setup_new();
	char *fill = mem_zalloc(FILL + 1, 1);
	int fd;
	memset(fill, 'a', FILL);
	setup->options.connection_bytes = 16 * 1024;
	setup_start(setup);
	fd = dial(setup);
	CU_ASSERT_TRUE(wire_send(fd, "GET /plain HTTP/1.1\r\nHost: h\r\nX-Fill: "));
	(void)wire_send(fd, fill);
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 431);
	(void)close(fd);
	mem_free(fill);
	setup_free(setup);
}

static void test_http_server_refuses_large_bodies_before_they_come(void)
{
	static const char wanted[] = "{\"detail\":\"Request body is larger than 65536 bytes\"}";
	struct setup *setup = setup_started();
	(void)close(ask(setup, "POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n"));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 413);
	CU_ASSERT_TRUE(has(setup, wanted));
	CU_ASSERT_TRUE(has(setup, "Connection: close\r\n"));
	(void)close(ask(setup, "POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n"
			       "Expect: 100-continue\r\n\r\n"));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 413);
	CU_ASSERT_TRUE(has(setup, wanted));
	(void)close(ask(setup, "POST /hook/1/events HTTP/1.1\r\nHost: h\r\n"
			       "Content-Length: 67108865\r\n\r\n"));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 413);
	CU_ASSERT_TRUE(has(setup, "larger than 67108864 bytes"));
	CU_ASSERT_EQUAL(atomic_load(&setup->world.declared), LIMIT_BODY_VERIFY_BYTES + 1);
	setup_free(setup);
}

static void test_http_server_continues_when_expected(void)
{
	struct setup *setup = setup_started();
	int fd = ask(setup, "POST /hook/1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
			    "Expect: 100-continue\r\n\r\n");
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 100);
	CU_ASSERT_TRUE(wire_send(fd, "abc"));
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	(void)close(fd);
	setup_free(setup);
}

/* The client sends on and on without reading; the refusal must still reach it. */
static void test_http_server_refuses_large_chunked_bodies(void)
{
	enum { CHUNKS = 100 };
	struct setup *setup = setup_started();
	char *chunk = mem_zalloc(0x1000 + 1, 1);
	int fd = dial(setup);
	memset(chunk, 'a', 0x1000);
	CU_ASSERT_TRUE(wire_send(fd, "POST /plain HTTP/1.1\r\nHost: h\r\n"
				     "Transfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < CHUNKS; i++)
		CU_ASSERT_TRUE(wire_send(fd, "1000\r\n") && wire_send(fd, chunk) && wire_send(fd, "\r\n"));
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 413);
	CU_ASSERT_TRUE(has(setup, "larger than 65536 bytes"));
	(void)close(fd);
	mem_free(chunk);
	setup_free(setup);
}

static void test_http_server_shows_routes_all_of_a_large_body(void)
{
	enum { SIZE = 1000000 };
	struct setup *setup = setup_started();
	char *body = mem_zalloc(SIZE, 1);
	int fd = dial(setup);
	CU_ASSERT_TRUE(wire_send(fd, "POST /hook/1/events HTTP/1.1\r\nHost: h\r\n"
				     "Content-Length: 1000000\r\n\r\n"));
	CU_ASSERT_TRUE(wire_send_bytes(fd, body, SIZE));
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.received), SIZE);
	(void)close(fd);
	mem_free(body);
	setup_free(setup);
}

static void test_http_server_lets_routes_refuse_early(void)
{
	struct setup *setup = setup_started();
	int fd = ask(setup, "POST /hook/1/events HTTP/1.1\r\nHost: h\r\nX-Refuse: 1\r\n"
			    "Content-Length: 3\r\n\r\nabcGET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	/* A short body is read, so that the connection can go on. */
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 403);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.ended), 1);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.received), 0);
	(void)close(fd);
	(void)close(ask(setup, "POST /hook/1/events HTTP/1.1\r\nHost: h\r\nX-Refuse: 1\r\n"
			       "Content-Length: 1000000\r\n\r\nabc"));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 403);
	(void)close(ask(setup, "POST /hook/1/events HTTP/1.1\r\nHost: h\r\nX-Refuse-Body: 1\r\n"
			       "Content-Length: 1000000\r\n\r\nabc"));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 413);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.ended), 1);
	setup_free(setup);
}

/* One byte every few milliseconds, for ever: no pause is long, only the whole is. */
static void trickle(struct setup *setup, const char *start)
{
	int fd = dial(setup);
	CU_ASSERT_TRUE(wire_send(fd, start));
	for (int i = 0; i < WIRE_PATIENCE_MS / 5 && !wire_is_readable(fd, 5); i++)
		(void)wire_send(fd, "a");
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_end(&setup->wire));
	(void)close(fd);
}

static void test_http_server_ends_trickled_requests(void)
{
	static const struct {
		const char *name, *start;
	} rows[] = {
		{"request line", "GET /"},
		{"headers", "GET /plain HTTP/1.1\r\nHost: h\r\nX-A: "},
		{"body", "POST /hook/1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n"},
		{"refused body", "POST /hook/1/events HTTP/1.1\r\nHost: h\r\nX-Refuse: 1\r\n"
				 "Content-Length: 10000\r\n\r\n"},
		{"chunk size", "POST /hook/1/events HTTP/1.1\r\nHost: h\r\n"
			       "Transfer-Encoding: chunked\r\n\r\n"},
	};
	struct setup *setup = setup_new();
	setup->options.header_timeout_ms = 100;
	setup->options.body_timeout_ms = 100;
	setup_start(setup);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		trickle(setup, rows[i].start);
		/* Sixteen hexadecimal digits are too many for a size anyway. */
		CHECK(rows[i].name, wire_status(&setup->wire) == 408 || wire_status(&setup->wire) == 413);
	}
	CU_ASSERT_EQUAL(atomic_load(&setup->world.ended), 0);
	setup_free(setup);
}

static void test_http_server_closes_idle_connections_silently(void)
{
	struct setup *setup = setup_new();
	int fd;
	setup->options.idle_timeout_ms = 50;
	setup_start(setup);
	fd = ask(setup, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_end(&setup->wire));
	CU_ASSERT_EQUAL(setup->wire.len, 0);
	(void)close(fd);
	setup_free(setup);
}

/* The clock of a later request starts with its first line. */
static void test_http_server_times_later_requests_anew(void)
{
	struct setup *setup = setup_new();
	int fd;
	setup->options.header_timeout_ms = 100;
	setup_start(setup);
	fd = ask(setup, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	CU_ASSERT_FALSE(wire_is_readable(fd, 200));
	CU_ASSERT_TRUE(wire_send(fd, "GET /plain HTTP/1.1\r\nHost: h\r\n"));
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_end(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 408);
	(void)close(fd);
	setup_free(setup);
}

static bool is_one_suspended(void *context)
{
	struct setup *setup = context;
	return http_server_suspended(setup->world.server) == 1 && atomic_load(&setup->world.ticket_count) > 0;
}

static bool is_none_suspended(void *context)
{
	struct setup *setup = context;
	return http_server_suspended(setup->world.server) == 0;
}

static int suspend_one(struct setup *setup)
{
	int fd = dial(setup);
	CU_ASSERT_TRUE(wire_wait(is_none_suspended, setup));
	atomic_store(&setup->world.ticket_count, 0);
	CU_ASSERT_TRUE(wire_send(fd, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
	CU_ASSERT_TRUE(wire_wait(is_one_suspended, setup));
	return fd;
}

static void read_answer(struct setup *setup, int fd)
{
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_message(&setup->wire));
}

static void test_http_server_answers_suspended_requests_once(void)
{
	struct setup *setup = setup_started();
	int fd = suspend_one(setup);
	struct http_ticket ticket = setup->world.tickets[0];
	CU_ASSERT_TRUE(http_answer(setup->world.server, ticket, &ok));
	CU_ASSERT_FALSE(http_answer(setup->world.server, ticket, &late));
	read_answer(setup, fd);
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_TRUE(has(setup, "{\"ok\":true}"));
	CU_ASSERT_FALSE(http_answer(setup->world.server, ticket, &late));
	(void)close(fd);
	setup_free(setup);
}

static void test_http_server_answers_at_the_deadline(void)
{
	struct setup *setup = setup_new();
	int fd;
	setup->world.deadline_ms = 20;
	setup_start(setup);
	fd = suspend_one(setup);
	read_answer(setup, fd);
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 503);
	CU_ASSERT_TRUE(has(setup, "Retry-After: 7\r\n"));
	CU_ASSERT_FALSE(http_answer(setup->world.server, setup->world.tickets[0], &ok));
	(void)close(fd);
	setup_free(setup);
}

static void test_http_server_keeps_old_tickets_from_new_requests(void)
{
	struct setup *setup = setup_started();
	int first = suspend_one(setup);
	struct http_ticket old = setup->world.tickets[0];
	int second;
	CU_ASSERT_TRUE(http_answer(setup->world.server, old, &ok));
	read_answer(setup, first);
	second = suspend_one(setup);
	CU_ASSERT_EQUAL(setup->world.tickets[0].slot, old.slot);
	CU_ASSERT_FALSE(http_answer(setup->world.server, old, &late));
	CU_ASSERT_TRUE(http_answer(setup->world.server, setup->world.tickets[0], &ok));
	read_answer(setup, second);
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_FALSE(http_answer(setup->world.server, (struct http_ticket){4000, 1}, &ok));
	(void)close(first);
	(void)close(second);
	setup_free(setup);
}

static void test_http_server_refuses_when_slots_are_gone(void)
{
	struct setup *setup = setup_new();
	int fd;
	setup->options.suspended_limit = 1;
	setup_start(setup);
	fd = suspend_one(setup);
	(void)close(ask(setup, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
	CU_ASSERT_TRUE(has(setup, "{\"full\":1}"));
	CU_ASSERT_TRUE(http_answer(setup->world.server, setup->world.tickets[0], &ok));
	(void)close(fd);
	setup_free(setup);
}

static void test_http_server_survives_clients_that_leave(void)
{
	struct setup *setup = setup_started();
	(void)close(suspend_one(setup));
	CU_ASSERT_TRUE(http_answer(setup->world.server, setup->world.tickets[0], &ok));
	CU_ASSERT_TRUE(wire_wait(is_none_suspended, setup));
	(void)close(ask(setup, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	setup_free(setup);
}

static bool are_eight_suspended(void *context)
{
	struct setup *setup = context;
	return atomic_load(&setup->world.ticket_count) == 8;
}

static void suspend_eight(struct setup *setup, int fds[8])
{
	for (int i = 0; i < 8; i++) {
		fds[i] = dial(setup);
		CU_ASSERT_TRUE(wire_send(fds[i], "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n"));
	}
	CU_ASSERT_TRUE(wire_wait(are_eight_suspended, setup));
}

static void test_http_server_free_answers_suspended_requests(void)
{
	struct setup *setup = setup_started();
	int fds[8];
	suspend_eight(setup, fds);
	http_server_free(setup->world.server);
	setup->world.server = NULL;
	for (int i = 0; i < 8; i++) {
		read_answer(setup, fds[i]);
		CU_ASSERT_EQUAL(wire_status(&setup->wire), 503);
		CU_ASSERT_TRUE(has(setup, "Connection: close\r\n"));
		(void)close(fds[i]);
	}
	setup_free(setup);
}

struct answerer {
	struct setup *setup;
	int won;
};

static void *answer_all(void *context)
{
	struct answerer *answerer = context;
	struct world *world = &answerer->setup->world;
	for (int i = 0; i < 8; i++)
		answerer->won += http_answer(world->server, world->tickets[i], &ok) ? 1 : 0;
	return NULL;
}

static void test_http_server_lets_one_of_many_answers_win(void)
{
	struct setup *setup = setup_started();
	struct answerer answerers[3] = {{setup, 0}, {setup, 0}, {setup, 0}};
	pthread_t threads[3];
	int fds[8];
	suspend_eight(setup, fds);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, answer_all, &answerers[i]), 0);
	for (int i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(answerers[0].won + answerers[1].won + answerers[2].won, 8);
	for (int i = 0; i < 8; i++) {
		read_answer(setup, fds[i]);
		CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
		(void)close(fds[i]);
	}
	setup_free(setup);
}

/* Answers race with deadlines: whoever wins, the client hears exactly that. */
static void test_http_server_lets_answer_or_deadline_win(void)
{
	enum { ROUNDS = 25 };
	struct setup *setup = setup_new();
	struct answerer answerer = {setup, 0};
	int answered = 0;
	int expired = 0;
	setup->world.deadline_ms = 2;
	setup_start(setup);
	for (int round = 0; round < ROUNDS; round++) {
		int fds[8];
		atomic_store(&setup->world.ticket_count, 0);
		suspend_eight(setup, fds);
		(void)answer_all(&answerer);
		for (int i = 0; i < 8; i++) {
			read_answer(setup, fds[i]);
			answered += wire_status(&setup->wire) == 200 ? 1 : 0;
			expired += wire_status(&setup->wire) == 503 ? 1 : 0;
			(void)close(fds[i]);
		}
	}
	CU_ASSERT_EQUAL(answered, answerer.won);
	CU_ASSERT_EQUAL(answered + expired, 8 * ROUNDS);
	setup_free(setup);
}

static bool is_refused(void *context)
{
	struct setup *setup = context;
	int fd = wire_connect(http_server_port(setup->world.server));
	if (fd >= 0) (void)close(fd);
	return fd < 0;
}

static void test_http_server_quiesce_lets_open_requests_end(void)
{
	struct setup *setup = setup_started();
	int fd = suspend_one(setup);
	http_server_quiesce(setup->world.server);
	CU_ASSERT_TRUE(wire_wait(is_refused, setup));
	CU_ASSERT_TRUE(http_answer(setup->world.server, setup->world.tickets[0], &ok));
	wire_init(&setup->wire, fd);
	CU_ASSERT_TRUE(wire_read_end(&setup->wire));
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	CU_ASSERT_TRUE(has(setup, "Connection: close\r\n"));
	(void)close(fd);
	setup_free(setup);
}

static void test_http_server_makes_connections_over_the_limit_wait(void)
{
	struct setup *setup = setup_new();
	int first;
	int second;
	setup->options.connection_limit = 1;
	setup_start(setup);
	first = ask(setup, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	second = dial(setup);
	CU_ASSERT_TRUE(wire_send(second, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"));
	CU_ASSERT_FALSE(wire_is_readable(second, 50));
	(void)close(first);
	read_answer(setup, second);
	CU_ASSERT_EQUAL(wire_status(&setup->wire), 200);
	(void)close(second);
	setup_free(setup);
}

static void test_http_server_works_with_several_threads(void)
{
	struct setup *setup = setup_new();
	int fds[8];
	setup->options.threads = 2;
	setup_start(setup);
	for (int i = 0; i < 8; i++)
		fds[i] = ask(setup, "GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
	for (int i = 0; i < 8; i++)
		(void)close(fds[i]);
	CU_ASSERT_EQUAL(atomic_load(&setup->world.ended), 8);
	setup_free(setup);
}

static void test_http_server_checks_its_address(void)
{
	static const struct {
		const char *name, *listen;
		enum err_code code;
	} rows[] = {
		{"no port", "127.0.0.1", ERR_INPUT}, {"empty port", "127.0.0.1:", ERR_INPUT},
		{"name", "localhost:0", ERR_INPUT},  {"not ours", "192.0.2.1:0", ERR_INPUT},
		{"nonsense", "[::1:0", ERR_INPUT},
	};
	struct setup *setup = setup_started();
	struct http_server_options options = setup->options;
	struct http_server *server = NULL;
	struct err err = {0};
	char taken[32];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		options.listen = rows[i].listen;
		CHECK(rows[i].name, !http_server_new(&options, &server, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
	}
	(void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_server_port(setup->world.server));
	options.listen = taken;
	CU_ASSERT_FALSE(http_server_new(&options, &server, &err));
	CU_ASSERT_EQUAL(err.code, ERR_BUSY);
	options.listen = ":0";
	CU_ASSERT_TRUE(http_server_new(&options, &server, &err));
	http_server_free(server);
	http_server_free(NULL);
	setup_free(setup);
}

void suite_http_server(void)
{
	CU_pSuite suite = CU_add_suite("http_server", NULL, NULL);
	CU_ADD_TEST(suite, test_http_server_finds_routes);
	CU_ADD_TEST(suite, test_http_server_writes_reply_headers);
	CU_ADD_TEST(suite, test_http_server_keeps_connections_and_pipelines);
	CU_ADD_TEST(suite, test_http_server_refuses_bad_framing);
	CU_ADD_TEST(suite, test_http_server_refuses_too_large_headers);
	CU_ADD_TEST(suite, test_http_server_refuses_large_bodies_before_they_come);
	CU_ADD_TEST(suite, test_http_server_continues_when_expected);
	CU_ADD_TEST(suite, test_http_server_refuses_large_chunked_bodies);
	CU_ADD_TEST(suite, test_http_server_shows_routes_all_of_a_large_body);
	CU_ADD_TEST(suite, test_http_server_lets_routes_refuse_early);
	CU_ADD_TEST(suite, test_http_server_ends_trickled_requests);
	CU_ADD_TEST(suite, test_http_server_closes_idle_connections_silently);
	CU_ADD_TEST(suite, test_http_server_times_later_requests_anew);
	CU_ADD_TEST(suite, test_http_server_answers_suspended_requests_once);
	CU_ADD_TEST(suite, test_http_server_answers_at_the_deadline);
	CU_ADD_TEST(suite, test_http_server_keeps_old_tickets_from_new_requests);
	CU_ADD_TEST(suite, test_http_server_refuses_when_slots_are_gone);
	CU_ADD_TEST(suite, test_http_server_survives_clients_that_leave);
	CU_ADD_TEST(suite, test_http_server_free_answers_suspended_requests);
	CU_ADD_TEST(suite, test_http_server_lets_one_of_many_answers_win);
	CU_ADD_TEST(suite, test_http_server_lets_answer_or_deadline_win);
	CU_ADD_TEST(suite, test_http_server_quiesce_lets_open_requests_end);
	CU_ADD_TEST(suite, test_http_server_makes_connections_over_the_limit_wait);
	CU_ADD_TEST(suite, test_http_server_works_with_several_threads);
	CU_ADD_TEST(suite, test_http_server_checks_its_address);
}
