/* caller: who OHE says it is, for how long that counts, and what its refusals become. */
#include "common/connect/caller.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/domain/settings.h"
#include "tests/io/api_script.h"
#include "tests/io/http_wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/base/banned.h"

#define ME "http://ohe.example/api/v1/users/me"
#define GET_ME(line, code, text) \
	{.method = "GET", .url = ME, .header = (line), .body = "", .status = (code), .answer = (text)}
#define ANN                                                                                    \
	"{\"id\":\"ann\",\"email\":\"ann@example.com\",\"org_id\":\"o1\",\"role\":\"member\"," \
	"\"permissions\":[7,\"manage_integrations\"],\"llm_api_key\":\"private\"}"

/* A web whose one handler asks who calls. */
struct world {
	struct http_client *client;
	struct callers *callers;
	struct config *config;
	struct web *web;
	struct wire wire;
};

/* The test's clock: callers are given a function alone. */
static _Atomic(int64_t) clock_ms;

static int64_t read_clock(void)
{
	return atomic_load(&clock_ms);
}

static void show(void *context, const struct web_request *request, struct web_reply *reply)
{
	struct world *world = context;
	CLEANUP(caller_done) struct caller caller = {0};
	if (!callers_find(world->callers, request, &caller, reply)) return;
	if (web_query(request, "must") && !caller_must(&caller, web_query(request, "must"), reply)) return;
	web_reply_json(reply, 200,
		       json_pack("{s:s, s:s, s:s, s:s, s:b, s:b}", "id", caller.user_id, "email", caller.email, "org",
				 caller.org_id, "role", caller.role, "connects", caller_may(&caller, CALLER_CONNECTS),
				 "manages", caller_may(&caller, CALLER_MANAGES)));
}

static struct world *world_new(const struct fake_http_step *steps, size_t count)
{
	static const struct web_route routes[] = {{"GET", "/who", show, 0}};
	static const struct setting settings[] = {
		{.name = "OHDC_OPENHANDS_URL", .readers = SETTING_ALL, .kind = SETTING_URL}};
	struct world *world = mem_zalloc(1, sizeof(*world));
	const struct web_options options = {.listen = "127.0.0.1:0", .routes = routes, .route_count = 1, .context = world};
	struct err err = {0};
	(void)setenv("OHDC_OPENHANDS_URL", "http://ohe.example/", 1);
	CU_ASSERT_TRUE_FATAL(config_load(settings, 1, SETTING_LINKER, &world->config, &err));
	(void)unsetenv("OHDC_OPENHANDS_URL");
	atomic_store(&clock_ms, 1000);
	world->client = fake_http_new(steps, count);
	world->callers = callers_new(world->client, world->config, read_clock);
	CU_ASSERT_TRUE_FATAL(web_new(&options, &world->web, &err));
	return world;
}

static void world_free(struct world *world, const char *row)
{
	web_free(world->web);
	callers_free(world->callers);
	script_end(row, world->client);
	config_free(world->config);
	mem_free(world);
}

/* Ask with these headers (each with its line break); the status, and the body in the wire. */
static int ask(struct world *world, const char *target, const char *headers)
{
	CLEANUP(strbuf_done) struct strbuf text;
	strbuf_init(&text, 4096);
	strbuf_addf(&text, "GET %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n", target, headers);
	wire_init(&world->wire, wire_connect(web_port(world->web)));
	(void)wire_send(world->wire.fd, strbuf_text(&text));
	CU_ASSERT_TRUE(wire_read_end(&world->wire));
	(void)close(world->wire.fd);
	return wire_status(&world->wire);
}

static const char *body(const struct world *world)
{
	const char *end = strstr(world->wire.text, "\r\n\r\n");
	return end ? end + 4 : "";
}

static void test_caller_passes_each_credential_on(void)
{
	static const struct {
		const char *name, *sent, *passed;
	} rows[] = {
		{"cookie", "cookie: keycloak_auth=x; b=c\r\n", "Cookie: keycloak_auth=x; b=c"},
		{"bearer", "AUTHORIZATION: Bearer k\r\n", "Authorization: Bearer k"},
		{"key", "X-Session-API-Key: k\r\n", "X-Session-API-Key: k"},
		{"organisation", "X-Session-API-Key: k\r\nX-Org-Id: o\r\n", "X-Org-Id: o"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step steps[] = {GET_ME(rows[i].passed, 200, ANN)};
		struct world *world = world_new(steps, 1);
		CHECK(rows[i].name, ask(world, "/who", rows[i].sent) == 200);
		CHECK_TEXT(rows[i].name, body(world),
			   "{\"id\":\"ann\",\"email\":\"ann@example.com\",\"org\":\"o1\",\"role\":"
			   "\"member\",\"connects\":false,\"manages\":true}");
		world_free(world, rows[i].name);
	}
}

static void test_caller_needs_credentials(void)
{
	static const char *const sent[] = {"", "X-Org-Id: o\r\n", "Cookie:\r\n",
					   "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"};
	struct world *world = world_new(NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		CHECK(sent[i], ask(world, "/who", sent[i]) == 401);
		CHECK_TEXT(sent[i], body(world), "{\"error\":\"NoCredentialsError\"}");
	}
	world_free(world, "nobody");
}

static void test_caller_says_what_openhands_refused(void)
{
	static const struct {
		const char *name;
		struct fake_http_step step;
		int status;
		const char *body;
	} rows[] = {
		{"expired", GET_ME(NULL, 401, "{\"error\":\"ExpiredError\"}"), 401, "{\"error\":\"ExpiredError\"}"},
		{"no JSON", GET_ME(NULL, 401, "<html>"), 401, "{\"error\":\"NoCredentialsError\"}"},
		{"suspended", GET_ME(NULL, 403, "{\"detail\":\"Organization is suspended\"}"), 403,
		 "{\"detail\":\"Organization is suspended\"}"},
		{"wrong organisation", GET_ME(NULL, 400, "{\"detail\":\"Invalid X-Org-Id\"}"), 400,
		 "{\"detail\":\"Invalid X-Org-Id\"}"},
		{"forbidden", GET_ME(NULL, 403, ""), 403, "{\"detail\":\"Forbidden\"}"},
		{"no id", GET_ME(NULL, 200, "{\"email\":\"x\"}"), 401, "{\"detail\":\"User not authenticated\"}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&rows[i].step, 1);
		CHECK(rows[i].name, ask(world, "/who", "Cookie: a\r\n") == rows[i].status);
		CHECK_TEXT(rows[i].name, body(world), rows[i].body);
		world_free(world, rows[i].name);
	}
}

/* Neither is remembered: the next request asks again. */
static void test_caller_says_when_openhands_cannot_be_asked(void)
{
	static const struct fake_http_step steps[] = {
		{.method = "GET", .url = ME, .body = "", .fails = ERR_NETWORK},
		GET_ME(NULL, 500, "{\"detail\":\"secret trace\"}"),
		GET_ME(NULL, 302, ""),
		GET_ME(NULL, 200, "<html>"),
		{.method = "GET", .url = ME, .body = "", .status = 429, .retry_after_ms = 6500},
		GET_ME(NULL, 200, ANN),
	};
	struct world *world = world_new(steps, ARRAY_LEN(steps));
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\n"), 502);
		CHECK("502", strstr(body(world), "{\"detail\":\"OpenHands could not be asked"));
	}
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\n"), 429);
	CHECK("429", strstr(world->wire.text, "Retry-After: 7\r\n"));
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\n"), 200);
	world_free(world, "away");
}

static void test_caller_is_known_for_20_seconds(void)
{
	static const struct fake_http_step steps[] = {
		GET_ME("Cookie: a", 200, ANN),
		GET_ME("X-Org-Id: o2", 200, ANN),
		GET_ME("Authorization: Bearer a", 200, ANN),
		GET_ME("Cookie: b", 200, "{\"id\":\"bob\"}"),
		GET_ME("Cookie: a", 401, "{\"error\":\"ExpiredError\"}"),
	};
	struct world *world = world_new(steps, ARRAY_LEN(steps));
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\n"), 200);
	/* Any other credential, or the same text in another header, is another caller. */
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\nX-Org-Id: o2\r\n"), 200);
	CU_ASSERT_EQUAL(ask(world, "/who", "Authorization: Bearer a\r\n"), 200);
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: b\r\n"), 200);
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\nX-Org-Id: o2\r\n"), 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(body(world), "\"ann\""));
	atomic_store(&clock_ms, 20999);
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\n"), 200);
	atomic_store(&clock_ms, 21000);
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: a\r\n"), 401);
	world_free(world, "known");
}

/* More callers than places: the oldest is asked for again, the newest is not. */
static void test_caller_memory_is_bounded(void)
{
	enum { PLACES = 1024 };
	struct fake_http_step *steps = mem_zalloc(PLACES + 2, sizeof(*steps));
	struct world *world;
	char header[64];
	for (size_t i = 0; i < PLACES + 2; i++)
		steps[i] = (struct fake_http_step)GET_ME(NULL, 200, ANN);
	world = world_new(steps, PLACES + 2);
	for (int i = 0; i <= PLACES; i++) {
		(void)snprintf(header, sizeof(header), "Cookie: c%d\r\n", i);
		atomic_fetch_add(&clock_ms, 1);
		CU_ASSERT_EQUAL(ask(world, "/who", header), 200);
	}
	CU_ASSERT_EQUAL(ask(world, "/who", header), 200);
	CU_ASSERT_EQUAL(fake_http_played(world->client), PLACES + 1);
	CU_ASSERT_EQUAL(ask(world, "/who", "Cookie: c0\r\n"), 200);
	world_free(world, "bounded");
	mem_free(steps);
}

static void test_caller_needs_permissions(void)
{
	static const struct fake_http_step steps[] = {GET_ME(NULL, 200, ANN)};
	struct world *world = world_new(steps, 1);
	CU_ASSERT_EQUAL(ask(world, "/who?must=manage_integrations", "Cookie: a\r\n"), 200);
	CU_ASSERT_EQUAL(ask(world, "/who?must=manage_integration_providers", "Cookie: a\r\n"), 403);
	CU_ASSERT_STRING_EQUAL(body(world), "{\"detail\":\"Requires manage_integration_providers permission\"}");
	CU_ASSERT_EQUAL(ask(world, "/who?must=", "Cookie: a\r\n"), 403);
	world_free(world, "permissions");
}

void suite_caller(void)
{
	CU_pSuite suite = CU_add_suite("caller", NULL, NULL);
	CU_ADD_TEST(suite, test_caller_passes_each_credential_on);
	CU_ADD_TEST(suite, test_caller_needs_credentials);
	CU_ADD_TEST(suite, test_caller_says_what_openhands_refused);
	CU_ADD_TEST(suite, test_caller_says_when_openhands_cannot_be_asked);
	CU_ADD_TEST(suite, test_caller_is_known_for_20_seconds);
	CU_ADD_TEST(suite, test_caller_memory_is_bounded);
	CU_ADD_TEST(suite, test_caller_needs_permissions);
}
