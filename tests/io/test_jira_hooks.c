/* jira_hooks: which webhook is ours, what Jira may answer, who may ask. */

#include "services/installer/jira_hooks.h"

#include "common/base/mem.h"
#include "tests/io/api_script.h"

#include "common/base/banned.h"

#define BASE "https://jira.example.com/ctx"
#define HOOKS BASE "/rest/jira-webhook/1.0/webhooks"
#define APP "https://app.example.com"
#define PATH "/integration/jira-dc/connections/7/events"
#define NAMED(name) "\"name\":\"" name "\","
#define ITEM(id, name, url) "{\"id\":" id "," NAMED(name) "\"url\":\"" url "\"}"
#define STORED                                                                       \
	"{\"id\":5,\"name\":\"OpenHands\",\"active\":true,\"url\":\"" APP PATH "\"," \
	"\"events\":[\"comment_created\",\"comment_deleted\",\"comment_updated\","   \
	"\"jira:issue_deleted\",\"jira:issue_created\",\"jira:issue_updated\"]}"

static char token_text[] = "admin pat";
static char secret_text[] = "s3cret";

static struct bot_server server_of(struct http_client *fake)
{
	return (struct bot_server){.provider = PROVIDER_JIRA,
				   .base_url = BASE,
				   .client = fake,
				   .token = secret_over(token_text),
				   .auth_prefix = "Bearer "};
}

static bool install(struct http_client *fake, const char *known_id, struct jira_hook_done *ret, struct err *err)
{
	const struct bot_server server = server_of(fake);
	const struct secret secret = secret_over(secret_text);
	const struct jira_hook hook = {APP PATH, known_id, &secret};
	return jira_hooks_install(&server, &hook, ret, err);
}

static void test_jira_hooks_install_finds_ours(void)
{
	static const struct {
		const char *name;
		const char *list;
		const char *known_id;
		const char *updates; /* NULL: a new one is made */
		bool is_noted;       /* that others are there */
	} rows[] = {
		{"none", "[]", NULL, NULL, false},
		{"others", "[" ITEM("1", "Other", "https://x.example.com/y") "]", NULL, NULL, false},
		{"same URL", "[" ITEM("1", "Any", APP PATH) "]", NULL, "1", false},
		{"other spelling", "[" ITEM("1", "Any", "HTTPS://APP.example.com:443" PATH "/?a={b}") "]", NULL, "1",
		 false},
		{"another port", "[" ITEM("1", "Any", "https://app.example.com:8443" PATH) "]", NULL, NULL, false},
		{"no TLS", "[" ITEM("1", "openhands", "http://app.example.com" PATH) "]", NULL, NULL, true},
		{"our name, older number",
		 "[" ITEM("1", "openhands", APP "/integration/jira-dc/connections/12/events") "]", NULL, "1", false},
		{"our name, oldest path", "[" ITEM("1", "OpenHands", APP "/integration/jira-dc/events") "]", NULL, "1",
		 false},
		{"our path, another name", "[" ITEM("1", "Mine", APP "/integration/jira-dc/connections/12/events") "]",
		 NULL, NULL, true},
		{"our name, another path",
		 "[" ITEM("1", "OpenHands", APP "/integration/jira-dc/connections//events") "]", NULL, NULL, true},
		{"our name, Bitbucket's path",
		 "[" ITEM("1", "OpenHands", APP "/integration/bitbucket-dc/connections/7/events") "]", NULL, NULL, true},
		{"our name, no URL", "[{\"id\":1,\"name\":\"OpenHands\"}]", NULL, NULL, true},
		{"two with our URL", "[" ITEM("3", "a", APP PATH) "," ITEM("2", "b", APP PATH) "]", NULL, "3", true},
		{"the URL before the name",
		 "[" ITEM("9", "OpenHands", APP "/integration/jira-dc/events") "," ITEM("2", "b", APP PATH) "]", NULL,
		 "2", true},
		{"the known one before all",
		 "[" ITEM("9", "OpenHands", APP PATH) "," ITEM("2", "b", "https://x.example.com") "]", "2", "2", true},
		{"not objects", "[1,null,\"x\",{}]", NULL, NULL, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char url[256];
		char back[256];
		CLEANUP(jira_hook_done_free) struct jira_hook_done done = {0};
		struct err err = {0};
		bool is_new = !rows[i].updates;
		(void)snprintf(url, sizeof(url), HOOKS "%s%s", is_new ? "" : "/", is_new ? "" : rows[i].updates);
		(void)snprintf(back, sizeof(back), HOOKS "/%s", is_new ? "5" : rows[i].updates);
		const struct fake_http_step steps[] = {
			{.method = "GET",
			 .url = HOOKS,
			 .status = 200,
			 .answer = rows[i].list,
			 .header = "Authorization: Bearer admin pat"},
			{.method = is_new ? "POST" : "PUT",
			 .url = url,
			 .status = 200,
			 .answer = STORED,
			 .is_unsafe = is_new,
			 .body = "\"SECRET\":\"s3cret\",\"EXCLUDE_BODY\":\"false\""},
			{.method = "GET", .url = back, .status = 200, .answer = STORED},
		};
		struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps));
		CHECK(rows[i].name, install(fake, rows[i].known_id, &done, &err));
		CHECK_TEXT(rows[i].name, err.message, "");
		CHECK_TEXT(rows[i].name, done.id, is_new ? "5" : rows[i].updates);
		CHECK(rows[i].name, (done.note != NULL) == rows[i].is_noted);
		script_end(rows[i].name, fake);
	}
}

static void test_jira_hooks_install_says_why_not(void)
{
	static const struct {
		const char *name;
		struct fake_http_step steps[3];
		size_t count;
		const char *words;
	} rows[] = {
		{"no right to list",
		 {{.method = "GET",
		   .url = HOOKS,
		   .status = 403,
		   .answer = "{\"errorMessages\":[\"You must be an administrator.\"]}"}},
		 1,
		 "list of webhooks, with the Jira admin PAT: Jira answered 403: You must be an administrator."},
		{"a list that is none",
		 {{.method = "GET", .url = HOOKS, .status = 200, .answer = "{\"values\":[]}"}},
		 1,
		 "Jira's list of webhooks is no list"},
		{"not taken",
		 {{.method = "GET", .url = HOOKS, .status = 200, .answer = "[]"},
		  {.method = "POST",
		   .url = HOOKS,
		   .status = 400,
		   .is_unsafe = true,
		   .answer = "{\"errors\":[{\"context\":\"url\",\"message\":\"URL is not "
			     "valid\"}]}"}},
		 2,
		 "create the webhook: Jira answered 400: URL is not valid"},
		{"no id",
		 {{.method = "GET", .url = HOOKS, .status = 200, .answer = "[]"},
		  {.method = "POST", .url = HOOKS, .status = 201, .is_unsafe = true, .answer = "{}"}},
		 2,
		 "Jira does not say the webhook's id"},
		{"gone when read back",
		 {{.method = "GET", .url = HOOKS, .status = 200, .answer = "[]"},
		  {.method = "POST", .url = HOOKS, .status = 201, .is_unsafe = true, .answer = STORED},
		  {.method = "GET", .url = HOOKS "/5", .status = 404}},
		 3,
		 "read the webhook back: Jira answered 404"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(jira_hook_done_free) struct jira_hook_done done = {0};
		struct err err = {0};
		struct http_client *fake = fake_http_new(rows[i].steps, rows[i].count);
		CHECK(rows[i].name, !install(fake, NULL, &done, &err) && !done.id);
		CHECK_TEXT(rows[i].name, err.message, rows[i].words);
		script_end(rows[i].name, fake);
	}
}

static void test_jira_hooks_remove(void)
{
	static const struct fake_http_step steps[] = {
		{.method = "GET",
		 .url = HOOKS,
		 .status = 200,
		 .answer = "[" ITEM("1", "OpenHands", APP PATH) "," ITEM("2", "x", APP PATH) "," ITEM(
			 "3", "OpenHands", APP "/integration/jira-dc/events") "]"},
		{.method = "DELETE", .url = HOOKS "/1", .status = 404},
		{.method = "DELETE", .url = HOOKS "/2", .status = 204},
		{.method = "GET", .url = HOOKS, .status = 200, .answer = "[]"},
	};
	struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps));
	const struct bot_server server = server_of(fake);
	struct err err = {0};
	CU_ASSERT_TRUE(jira_hooks_remove(&server, APP PATH, &err));
	CU_ASSERT_FALSE(jira_hooks_remove(&server, APP PATH, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
	script_end("remove", fake);
}

static void test_jira_hooks_may(void)
{
	static const struct {
		const char *name;
		const char *answer;
		const char *user;
		bool may;
	} rows[] = {
		{"administrator", "{\"permissions\":{\"ADMINISTER\":{\"havePermission\":true}}}", "root", true},
		{"system administrator",
		 "{\"permissions\":{\"ADMINISTER\":{\"havePermission\":false},"
		 "\"SYSTEM_ADMIN\":{\"havePermission\":true}}}",
		 "root", true},
		{"neither",
		 "{\"permissions\":{\"ADMINISTER\":{\"havePermission\":false},"
		 "\"SYSTEM_ADMIN\":{\"havePermission\":false}}}",
		 "plain", false},
		{"as a text", "{\"permissions\":{\"ADMINISTER\":{\"havePermission\":\"true\"}}}", "x", false},
		{"nobody", "{\"permissions\":{\"ADMINISTER\":{\"havePermission\":true}}}", "anonymous", false},
		{"nothing", "{}", NULL, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step step = {.method = "GET",
						    .url = BASE "/rest/api/2/mypermissions",
						    .status = 200,
						    .answer = rows[i].answer,
						    .user_name = rows[i].user};
		struct http_client *fake = fake_http_new(&step, 1);
		const struct bot_server server = server_of(fake);
		struct err err = {0};
		CHECK(rows[i].name, jira_hooks_may(&server, &err) == rows[i].may);
		CHECK(rows[i].name, rows[i].may || err.code == ERR_AUTH);
		script_end(rows[i].name, fake);
	}
}

void suite_jira_hooks(void)
{
	CU_pSuite suite = CU_add_suite("jira_hooks", NULL, NULL);
	CU_ADD_TEST(suite, test_jira_hooks_install_finds_ours);
	CU_ADD_TEST(suite, test_jira_hooks_install_says_why_not);
	CU_ADD_TEST(suite, test_jira_hooks_remove);
	CU_ADD_TEST(suite, test_jira_hooks_may);
}
