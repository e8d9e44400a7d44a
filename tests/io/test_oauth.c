/* OAuth: one-time states, the address for the browser, codes and refresh tokens on the wire. */

#include "common/connect/oauth.h"

#include "common/base/encode.h"
#include "common/base/mem.h"
#include "common/domain/settings.h"
#include "tests/io/api_script.h"
#include "tests/io/linker_bench.h"

#include <stdlib.h>

#include "common/base/banned.h"

#define KEYS_TEXT \
	"k1 "     \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN_URL "https://jira.example/jira/rest/oauth2/latest/token"
#define REDIRECT "redirect_uri=https%3A%2F%2Fapp.example.com%2Fintegration%2Fjira-dc%2Fcallback"
#define COOKIE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM-_01"

struct desk {
	struct linker_bench bench;
	struct crypto_keyring keys;
	struct config *config;
	struct oauth oauth;
};

static void desk_init(struct desk *desk)
{
	static const char *const pairs[][2] = {
		{"OHDC_DATABASE_URL", "postgresql://x"}, {"OHDC_KAFKA_BROKERS", "x:1"},
		{"OHDC_SEAL_KEYS_FILE", "/dev/null"},    {"OHDC_OPENHANDS_URL", "https://ohe.example"},
		{"WEB_HOST", "app.example.com"},         {"JIRA_DC_BASE_URL", "https://jira.example/jira/"},
		{"JIRA_DC_CLIENT_ID", "client id"},      {"JIRA_DC_CLIENT_SECRET", "s&cret"},
	};
	struct err err = {0};
	size_t count;
	linker_bench_init(&desk->bench);
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse(KEYS_TEXT, &desk->keys, NULL));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		(void)setenv(pairs[i][0], pairs[i][1], 1);
	const struct setting *table = settings_all(&count);
	bool is_loaded = config_load(table, count, SETTING_LINKER, &desk->config, &err);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		(void)unsetenv(pairs[i][0]);
	if (!is_loaded) (void)printf("  %s\n", err.message);
	CU_ASSERT_TRUE_FATAL(is_loaded);
	desk->oauth = (struct oauth){.states = {desk->bench.pool, &desk->keys}, .config = desk->config};
}

static void desk_done(struct desk *desk)
{
	config_free(desk->config);
	linker_bench_done(&desk->bench);
}

/* --- states ------------------------------------------------------------------------------------------ */

static enum err_code take(struct desk *desk, const char *purpose, const char *state, const char *wanted)
{
	json_auto_t *found = NULL;
	struct err err = {0};
	if (!oauth_state_take(&desk->oauth.states, purpose, state, &found, &err)) return err.code;
	CHECK_TEXT("content", json_string_value(json_object_get(found, "x")), wanted);
	return ERR_NONE;
}

static void test_oauth_state_is_taken_once(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	json_auto_t *content = json_pack("{s:s}", "x", "y");
	char state[OAUTH_STATE_SIZE] = "";
	desk_init(&desk);
	CU_ASSERT_TRUE(oauth_state_put(&desk.oauth.states, "authorize", "u1", content, state, NULL));
	CU_ASSERT_EQUAL(strlen(state), OAUTH_STATE_SIZE - 1);
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select count(*) from oauth_state where"
							 " length(state_sha256) = 64"),
			1);
	CU_ASSERT_EQUAL(take(&desk, "authorize", NULL, ""), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(take(&desk, "authorize", "x", ""), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(take(&desk, "confirm", state, ""), ERR_NOT_FOUND);
	CU_ASSERT_EQUAL(take(&desk, "authorize", state, "y"), ERR_NONE);
	CU_ASSERT_EQUAL(take(&desk, "authorize", state, ""), ERR_NOT_FOUND);
}

static void test_oauth_state_expires(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	json_auto_t *content = json_pack("{s:s}", "x", "y");
	char state[OAUTH_STATE_SIZE] = "";
	desk_init(&desk);
	CU_ASSERT_TRUE(oauth_state_put(&desk.oauth.states, "authorize", "u1", content, state, NULL));
	linker_bench_run(&desk.bench, "update oauth_state set expires_at = expires_at - interval '600 s'");
	CU_ASSERT_EQUAL(take(&desk, "authorize", state, ""), ERR_NOT_FOUND);
	/* The next one of anybody sweeps it away. */
	CU_ASSERT_TRUE(oauth_state_put(&desk.oauth.states, "authorize", "u2", content, state, NULL));
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select count(*) from oauth_state"), 1);
}

static void test_oauth_state_open_ones_are_counted(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	json_auto_t *content = json_pack("{s:s}", "x", "y");
	char first[OAUTH_STATE_SIZE] = "";
	char state[OAUTH_STATE_SIZE] = "";
	desk_init(&desk);
	CU_ASSERT_TRUE(oauth_state_put(&desk.oauth.states, "authorize", "u2", content, first, NULL));
	for (int i = 0; i < 25; i++)
		CU_ASSERT_TRUE(oauth_state_put(&desk.oauth.states, "authorize", "u1", content, state, NULL));
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select count(*) from oauth_state where user_id = 'u1'"), 20);
	CU_ASSERT_EQUAL(take(&desk, "authorize", state, "y"), ERR_NONE);
	CU_ASSERT_EQUAL(take(&desk, "authorize", first, "y"), ERR_NONE);
}

/* --- begin ------------------------------------------------------------------------------------------- */

static void reply_done(struct web_reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++)
		mem_free(reply->headers[i]);
	strbuf_done(&reply->body);
}

/* The value of a parameter of the address; new. */
static char *parameter(const char *url, const char *name)
{
	const char *at = strstr(url, name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at += strlen(name);
	return mem_dup_n(at, strcspn(at, "&"));
}

static void check_challenge(const char *challenge, const char *verifier)
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	CLEANUP(strbuf_done) struct strbuf text = {0};
	crypto_sha256(bytes_text(verifier), digest);
	strbuf_init(&text, 64);
	encode_base64url(&text, bytes_of(digest, sizeof(digest)));
	CHECK_TEXT("challenge", challenge, strbuf_text(&text));
}

static void begin(struct desk *desk, const char *cookie, bool is_kept)
{
	static const char start[] = "https://jira.example/jira/rest/oauth2/latest/authorize?client_id="
				    "client%20id&scope=WRITE&" REDIRECT "&state=";
	CLEANUP(reply_done) struct web_reply reply = {0};
	CLEANUP(mem_free_text) char *url = NULL;
	const struct oauth_intent intent = {.user_id = "u1",
					    .email = "ann@example.com",
					    .connection_id = 7,
					    .landing = "/settings/integrations",
					    .cookie = cookie};
	json_auto_t *content = NULL;
	char digest[CRYPTO_DIGEST_TEXT_SIZE] = "";
	CU_ASSERT_TRUE_FATAL(oauth_begin(&desk->oauth, &intent, &reply, &url, NULL));
	CHECK(url, strncmp(url, start, sizeof(start) - 1) == 0);
	CHECK(url, strstr(url, "&response_type=code&code_challenge=") != NULL);
	CHECK(url, strstr(url, "&code_challenge_method=S256") != NULL);
	CLEANUP(mem_free_text) char *state = parameter(url, "&state=");
	CLEANUP(mem_free_text) char *challenge = parameter(url, "&code_challenge=");
	CU_ASSERT_TRUE_FATAL(oauth_state_take(&desk->oauth.states, "authorize", state, &content, NULL));
	check_challenge(challenge, json_string_value(json_object_get(content, "verifier")));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(content, "connection_id")), 7);
	CHECK_TEXT("base", json_string_value(json_object_get(content, "base_url")), "https://jira.example/jira");
	CU_ASSERT_EQUAL_FATAL(reply.header_count, 1);
	CLEANUP(mem_free_text) char *value = mem_dup_n(reply.headers[0] + strlen("Set-Cookie: " OAUTH_COOKIE "="), 43);
	CHECK_TEXT("attributes", strchr(reply.headers[0], ';'), "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600");
	CU_ASSERT(!is_kept || strcmp(value, cookie) == 0);
	CU_ASSERT_TRUE(oauth_cookie_digest(value, digest));
	CHECK_TEXT("cookie", json_string_value(json_object_get(content, "cookie")), digest);
}

static void test_oauth_begin(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk);
	begin(&desk, NULL, false);
	begin(&desk, COOKIE, true);
	begin(&desk, "short", false);
	begin(&desk, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM; _1", false);
}

/* --- the token endpoint ------------------------------------------------------------------------------ */

#define EXCHANGE                                                                             \
	"grant_type=authorization_code&client_id=client%20id&client_secret=s%26cret&code=c%" \
	"2B1&" REDIRECT "&code_verifier=v-1"
#define RENEW                                                                                    \
	"grant_type=refresh_token&client_id=client%20id&client_secret=s%26cret&refresh_token=r-" \
	"0&" REDIRECT
#define POST(form, code, text) \
	{.method = "POST",     \
	 .url = TOKEN_URL,     \
	 .body = form,         \
	 .is_unsafe = true,    \
	 .status = (code),     \
	 .answer = (text),     \
	 .header = "Accept: application/json"}

static void test_oauth_exchange(void)
{
	static const struct {
		const char *name;
		struct fake_http_step step;
		enum err_code code;
		const char *message;
		const char *access;
		int64_t expires_in_s;
	} rows[] = {
		{"number", POST(EXCHANGE, 200, "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":3600}"),
		 ERR_NONE, "", "a", 3600},
		{"text", POST(EXCHANGE, 200, "{\"access_token\":\"a\",\"expires_in\":\"7200\"}"), ERR_NONE, "", "a", 7200},
		{"no expiry", POST(EXCHANGE, 200, "{\"access_token\":\"a\",\"expires_in\":-1}"), ERR_NONE, "", "a", 0},
		{"no token", POST(EXCHANGE, 200, "{\"token_type\":\"bearer\"}"), ERR_INPUT,
		 "the answer holds no access_token", NULL, 0},
		{"no JSON", POST(EXCHANGE, 200, "<html>sign in</html>"), ERR_INPUT, "the answer holds no access_token",
		 NULL, 0},
		{"expired code", POST(EXCHANGE, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"expired\"}"),
		 ERR_AUTH, "invalid_grant: expired", NULL, 0},
		{"wrong client", POST(EXCHANGE, 401, "{\"error\":\"invalid_client\"}"), ERR_INPUT, "invalid_client",
		 NULL, 0},
		{"what was sent comes back",
		 POST(EXCHANGE, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"no c+1, s&cret\"}"),
		 ERR_AUTH, "invalid_grant: no ***, ******", NULL, 0},
		{"a proxy", POST(EXCHANGE, 502, "<html>"), ERR_UNCERTAIN, "Jira answered with status 502", NULL, 0},
		{"away",
		 {.method = "POST", .url = TOKEN_URL, .is_unsafe = true, .fails = ERR_NETWORK},
		 ERR_NETWORK,
		 NULL,
		 NULL,
		 0},
	};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(oauth_tokens_done) struct oauth_tokens tokens = {0};
		struct err err = {0};
		desk.oauth.client = fake_http_new(&rows[i].step, 1);
		bool is_done = oauth_exchange(&desk.oauth, "c+1", "v-1", &tokens, &err);
		CHECK(rows[i].name, is_done == (rows[i].code == ERR_NONE) && err.code == rows[i].code);
		if (rows[i].message) CHECK_TEXT(rows[i].name, err.message, rows[i].message);
		CHECK_TEXT(rows[i].name, tokens.access.text, rows[i].access);
		CHECK(rows[i].name, tokens.expires_in_s == rows[i].expires_in_s);
		script_end(rows[i].name, desk.oauth.client);
	}
}

static void test_oauth_renew(void)
{
	static const struct fake_http_step steps[] = {
		POST(RENEW, 200, "{\"access_token\":\"a2\",\"refresh_token\":\"r2\"}"),
		POST(RENEW, 400, "{\"error\":\"invalid_grant\"}"),
	};
	CLEANUP(desk_done) struct desk desk = {0};
	CLEANUP(oauth_tokens_done) struct oauth_tokens tokens = {0};
	CLEANUP(oauth_tokens_done) struct oauth_tokens none = {0};
	char text[] = "r-0";
	const struct secret refresh = secret_over(text);
	struct err err = {0};
	desk_init(&desk);
	desk.oauth.client = fake_http_new(steps, ARRAY_LEN(steps));
	CU_ASSERT_TRUE(oauth_renew(&desk.oauth, &refresh, &tokens, &err));
	CHECK_TEXT("refresh", tokens.refresh.text, "r2");
	CU_ASSERT_FALSE(oauth_renew(&desk.oauth, &refresh, &none, &err));
	CU_ASSERT_EQUAL(err.code, ERR_AUTH);
	CU_ASSERT_EQUAL(err.http_status, 400);
	script_end("renew", desk.oauth.client);
}

void suite_oauth(void)
{
	CU_pSuite suite = CU_add_suite("oauth", NULL, NULL);
	CU_ADD_TEST(suite, test_oauth_state_is_taken_once);
	CU_ADD_TEST(suite, test_oauth_state_expires);
	CU_ADD_TEST(suite, test_oauth_state_open_ones_are_counted);
	CU_ADD_TEST(suite, test_oauth_begin);
	CU_ADD_TEST(suite, test_oauth_exchange);
	CU_ADD_TEST(suite, test_oauth_renew);
}
