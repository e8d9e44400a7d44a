/* peer_client: which servers are ours, and that nothing goes to an address that people may not name. */
#include "common/connect/peer_client.h"

#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "tests/io/http_peer.h"
#include "tests/unit/check.h"

#include <stdlib.h>

#include "common/base/banned.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static const struct setting settings[] = {
	{.name = "JIRA_DC_BASE_URL", .readers = SETTING_ALL, .kind = SETTING_HOST},
	{.name = "BITBUCKET_DATA_CENTER_HOST", .readers = SETTING_ALL, .kind = SETTING_HOST},
	{.name = "OHDC_JIRA_ALLOWED_HOSTS", .readers = SETTING_ALL, .kind = SETTING_LIST},
	{.name = "OHDC_DENIED_NETWORKS", .readers = SETTING_ALL, .kind = SETTING_LIST},
	{.name = "OHDC_ALLOWED_NETWORKS", .readers = SETTING_ALL, .kind = SETTING_LIST},
	{.name = "SSL_CERT_FILE", .readers = SETTING_ALL, .kind = SETTING_FILE},
};

/* Clients, and a server on loopback that would answer. */
struct world {
	struct config *config;
	struct peer_clients *clients;
	struct http_peer *peer;
};

static const struct peer_step answers[] = {{OK, true}, {OK, true}, {OK, true}, {OK, true}};

static void set(const char *name, const char *value)
{
	if (value)
		(void)setenv(name, value, 1);
	else
		(void)unsetenv(name);
}

static bool open_clients(struct world *world, struct err *err)
{
	return config_load(settings, ARRAY_LEN(settings), SETTING_INSTALLER, &world->config, err) &&
	       peer_clients_new(world->config, "test", &world->clients, err);
}

static void world_init(struct world *world)
{
	struct err err = {0};
	*world = (struct world){.peer = http_peer_new(answers, ARRAY_LEN(answers))};
	CU_ASSERT_TRUE_FATAL(open_clients(world, &err));
}

static void world_done(struct world *world)
{
	peer_clients_free(world->clients);
	config_free(world->config);
	http_peer_free(world->peer);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		set(settings[i].name, NULL);
}

/* GET {scheme and host}:{the server's port}/x with the client for that base URL. */
static bool get(struct world *world, const char *host, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf base;
	CLEANUP(strbuf_done) struct strbuf url;
	CLEANUP(http_result_done) struct http_result result = {0};
	strbuf_init(&base, 1024);
	strbuf_init(&url, 1024);
	strbuf_addf(&base, "http://%s:%u", host, (unsigned)world->peer->port);
	strbuf_addf(&url, "%s/x?y=1", strbuf_text(&base));
	const struct http_call call = {.method = "GET", .url = strbuf_text(&url), .deadline_ms = 5000};
	*err = (struct err){0};
	return http_client_send(peer_client_for(world->clients, strbuf_text(&base)), &call, &result, err);
}

static void test_peer_client_knows_own_servers(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		const char *base_url;
		bool is_own;
	} rows[] = {
		{"Jira", PROVIDER_JIRA, "https://jira.example.com:8443/jira", true},
		{"another port", PROVIDER_JIRA, "https://jira.example.com/jira", false},
		{"another path", PROVIDER_JIRA, "https://jira.example.com:8443", false},
		{"no TLS", PROVIDER_JIRA, "http://jira.example.com:8443/jira", false},
		{"not its Bitbucket", PROVIDER_BITBUCKET, "https://jira.example.com:8443/jira", false},
		{"Bitbucket", PROVIDER_BITBUCKET, "https://bb.example.com", true},
		{"not its Jira", PROVIDER_JIRA, "https://bb.example.com", false},
		{"allowed", PROVIDER_JIRA, "https://two.example.com:444/x", true},
		{"allowed, second", PROVIDER_JIRA, "https://three.example.com", true},
		{"longer than allowed", PROVIDER_JIRA, "https://two.example.com.evil.com", false},
		{"allowed for Jira alone", PROVIDER_BITBUCKET, "https://two.example.com", false},
	};
	struct world world;
	set("JIRA_DC_BASE_URL", "https://jira.example.com:8443/jira/");
	set("BITBUCKET_DATA_CENTER_HOST", "bb.example.com");
	set("OHDC_JIRA_ALLOWED_HOSTS", "two.example.com, three.example.com");
	world_init(&world);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_plain = peer_client_for(world.clients, rows[i].base_url) == peer_client_plain(world.clients);
		CHECK(rows[i].name, peer_is_own(world.config, rows[i].provider, rows[i].base_url) == rows[i].is_own);
		if (rows[i].is_own) CHECK(rows[i].name, is_plain);
	}
	CU_ASSERT_FALSE(peer_client_for(world.clients, "https://other.example.com") == peer_client_plain(world.clients));
	world_done(&world);
}

static void test_peer_client_opens_nothing_that_is_denied(void)
{
	static const char *const hosts[] = {
		"127.0.0.1",
		"localhost",
		"127.1",
		"2130706433",
		"0x7f000001",
		"0177.0.0.1",
		"[::1]",
		"[::ffff:127.0.0.1]",
		"[0:0:0:0:0:ffff:7f00:1]",
		"0.0.0.0",
		"[::]",
		"0",
	};
	struct world world;
	struct err err;
	world_init(&world);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		CHECK(hosts[i], !get(&world, hosts[i], &err));
		CHECK(hosts[i], err.code == ERR_INPUT);
		CHECK(hosts[i], strstr(err.message, "address may not be used"));
	}
	CU_ASSERT_EQUAL(atomic_load(&world.peer->connection_count), 0);
	world_done(&world);
}

static void test_peer_client_opens_what_is_allowed(void)
{
	struct world world;
	struct err err;
	char own[64];
	set("OHDC_ALLOWED_NETWORKS", "127.0.0.0/8");
	world_init(&world);
	CU_ASSERT_TRUE(get(&world, "127.0.0.1", &err));
	CU_ASSERT_FALSE(get(&world, "0.0.0.0", &err));
	world_done(&world);

	world = (struct world){.peer = http_peer_new(answers, ARRAY_LEN(answers))};
	(void)snprintf(own, sizeof(own), "http://127.0.0.1:%u", (unsigned)world.peer->port);
	set("JIRA_DC_BASE_URL", own);
	CU_ASSERT_TRUE_FATAL(open_clients(&world, &err));
	CU_ASSERT_TRUE(get(&world, "127.0.0.1", &err));
	CU_ASSERT_FALSE(get(&world, "localhost", &err));
	CU_ASSERT_EQUAL(atomic_load(&world.peer->request_count), 1);
	world_done(&world);
}

/* The proxy is on loopback and may be used; what it would reach for us may not, by number or by name. */
static void test_peer_client_looks_behind_a_proxy(void)
{
	static const char *const denied[] = {"169.254.169.254",    "127.0.0.1", "localhost", "[fe80::1]",
					     "[::ffff:10.96.0.1]", "10.96.0.1", "10.0.9.9"};
	struct world world = {.peer = http_peer_new(answers, ARRAY_LEN(answers))};
	struct err err;
	char proxy[64];
	(void)snprintf(proxy, sizeof(proxy), "http://me:pw@127.0.0.1:%u", (unsigned)world.peer->port);
	set("NO_PROXY", NULL);
	set("HTTP_PROXY", proxy);
	set("KUBERNETES_SERVICE_HOST", "10.96.0.1");
	set("OHDC_DENIED_NETWORKS", "10.0.9.0/24");
	CU_ASSERT_TRUE_FATAL(open_clients(&world, &err));
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		CHECK(denied[i], !get(&world, denied[i], &err));
		CHECK(denied[i], strstr(err.message, "address may not be used"));
	}
	CU_ASSERT_EQUAL(atomic_load(&world.peer->request_count), 0);
	CHECK(err.message, get(&world, "10.96.0.2", &err));
	CU_ASSERT_PTR_NOT_NULL(strstr(world.peer->requests[0], "GET http://10.96.0.2:"));
	set("HTTP_PROXY", NULL);
	set("NO_PROXY", "*"); /* as the other suites want it */
	set("KUBERNETES_SERVICE_HOST", NULL);
	world_done(&world);
}

static void test_peer_client_checks_its_settings(void)
{
	static const char *const names[] = {"OHDC_DENIED_NETWORKS", "OHDC_ALLOWED_NETWORKS"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct world world = {0};
		struct err err = {0};
		set(names[i], "10.0.0.0/8,cluster");
		CHECK(names[i], !open_clients(&world, &err));
		CHECK(names[i], err.code == ERR_INPUT && strstr(err.message, names[i]));
		CHECK(names[i], strstr(err.message, "'cluster' is no network"));
		set(names[i], NULL);
		config_free(world.config);
	}
}

void suite_peer_client(void)
{
	CU_pSuite suite = CU_add_suite("peer_client", NULL, NULL);
	CU_ADD_TEST(suite, test_peer_client_knows_own_servers);
	CU_ADD_TEST(suite, test_peer_client_opens_nothing_that_is_denied);
	CU_ADD_TEST(suite, test_peer_client_opens_what_is_allowed);
	CU_ADD_TEST(suite, test_peer_client_looks_behind_a_proxy);
	CU_ADD_TEST(suite, test_peer_client_checks_its_settings);
}
