/* own_hook: which webhook is ours, the best of several, what is wrong with one. */
#include "common/domain/own_hook.h"

#include "tests/unit/check.h"

#include "common/base/banned.h"

#define APP "https://app.example.com"
#define OWN "/integration/bitbucket-dc/connections/7/events"
#define NAMED "\"name\":\"OpenHands Resolver\","

static const char *const events[] = {"pr:opened", "pr:merged"};

static const struct own_hook own_bitbucket = {
	.name = "OpenHands Resolver", .url = APP OWN, .known_id = "5", .events = events, .event_count = 2};

static json_t *json_of(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	if (!json) CU_FAIL_FATAL("JSON");
	return json;
}

static void test_own_hook_finds_ours(void)
{
	static const struct {
		const char *name;
		const char *hooks;
		int place;
	} rows[] = {
		{"none", "[]", -1},
		{"no hook", "[{},7,null]", -1},
		{"our URL", "[{\"id\":1,\"name\":\"x\",\"url\":\"" APP OWN "\"}]", 0},
		{"port and capitals", "[{\"id\":1,\"name\":\"x\",\"url\":\"https://APP.example.com:443" OWN "/\"}]", 0},
		{"other scheme's port", "[{\"id\":1,\"name\":\"x\",\"url\":\"http://app.example.com" OWN "\"}]", -1},
		{"stored id",
		 "[{\"id\":1," NAMED "\"url\":\"https://o.example/x\"},{\"id\":5," NAMED
		 "\"url\":\"https://o.example/y\"}]",
		 1},
		{"stored id that somebody changed", "[{\"id\":5,\"name\":\"CI\",\"url\":\"https://o.example/y\"}]", 0},
		{"stored id before URL",
		 "[{\"id\":1," NAMED "\"url\":\"" APP OWN "\"},{\"id\":5," NAMED "\"url\":\"https://o.example/y\"}]", 1},
		{"stored id as text", "[{\"id\":\"5\"," NAMED "\"url\":\"https://o.example/y\"}]", 0},
		{"older path", "[{\"id\":1," NAMED "\"url\":\"" APP "/integration/bitbucket-dc/events\"}]", 0},
		{"older path without our name",
		 "[{\"id\":1,\"name\":\"x\",\"url\":\"" APP "/integration/bitbucket-dc/events\"}]", -1},
		{"another connection",
		 "[{\"id\":1," NAMED "\"url\":\"" APP "/integration/bitbucket-dc/connections/3/events\"}]", 0},
		{"no number", "[{\"id\":1," NAMED "\"url\":\"" APP "/integration/bitbucket-dc/connections/x/events\"}]",
		 -1},
		{"more behind it",
		 "[{\"id\":1," NAMED "\"url\":\"" APP "/integration/bitbucket-dc/connections/3/events/x\"}]", -1},
		{"our path elsewhere", "[{\"id\":1," NAMED "\"url\":\"https://old.example" OWN "\"}]", 0},
		{"our path elsewhere, not ours", "[{\"id\":1,\"name\":\"x\",\"url\":\"https://old.example" OWN "\"}]", -1},
		{"another connection elsewhere",
		 "[{\"id\":1," NAMED "\"url\":\"https://staging.example/integration/bitbucket-dc/"
		 "connections/3/events\"}]",
		 -1},
		{"here before elsewhere",
		 "[{\"id\":1," NAMED "\"url\":\"https://old.example" OWN "\"},{\"id\":2," NAMED "\"url\":\"" APP
		 "/integration/bitbucket-dc/events\"}]",
		 1},
		{"the oldest of equals",
		 "[{\"id\":4," NAMED "\"url\":\"" APP OWN "\"},{\"id\":2," NAMED "\"url\":\"" APP OWN
		 "\"},{\"id\":3," NAMED "\"url\":\"" APP OWN "\"}]",
		 1},
		{"a query is no part of it", "[{\"id\":1,\"name\":\"x\",\"url\":\"" APP OWN "?x=1#y\"}]", 0},
		{"our name in another case",
		 "[{\"id\":1,\"name\":\"openhands resolver\",\"url\":\"https://old.example" OWN "\"}]", 0},
		{"our name alone", "[{\"id\":1," NAMED "\"url\":\"https://o.example/x\"}]", -1},
		{"a URL that is none", "[{\"id\":1," NAMED "\"url\":\"ftp://x/y\"}]", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *hooks = json_of(rows[i].hooks);
		CHECK(rows[i].name, own_hook_find(hooks, &own_bitbucket, OWN_HOOK_MOVED) == rows[i].place);
	}
}

static void test_own_hook_of_equals_the_newest_where_wanted(void)
{
	json_auto_t *hooks = json_of("[{\"id\":2," NAMED "\"url\":\"" APP OWN "\"},{\"id\":4," NAMED
				     "\"url\":\"" APP OWN "\"},{\"id\":3," NAMED "\"url\":\"" APP OWN "\"}]");
	struct own_hook own = own_bitbucket;
	own.prefers_newest = true;
	CHECK("newest", own_hook_find(hooks, &own, OWN_HOOK_URL) == 1);
}

static void test_own_hook_says_how_sure_it_is(void)
{
	static const struct {
		const char *name;
		const char *hook;
		enum own_hook_match match;
	} rows[] = {
		{"nothing", "{}", OWN_HOOK_NOT},
		{"a name", "{" NAMED "\"url\":\"https://o.example/\"}", OWN_HOOK_NAMESAKE},
		{"a name and no URL", "{" NAMED "\"url\":null}", OWN_HOOK_NAMESAKE},
		{"a path like ours", "{\"url\":\"" APP "/integration/bitbucket-dc/connections/3/events\"}",
		 OWN_HOOK_NAMESAKE},
		{"our host alone", "{\"url\":\"" APP "/x\"}", OWN_HOOK_NOT},
		{"moved", "{" NAMED "\"url\":\"https://o.example" OWN "\"}", OWN_HOOK_MOVED},
		{"like", "{" NAMED "\"url\":\"" APP "/integration/bitbucket-dc/events\"}", OWN_HOOK_LIKE},
		{"URL", "{\"url\":\"" APP OWN "\"}", OWN_HOOK_URL},
		{"id", "{\"id\":5,\"url\":\"" APP OWN "\"}", OWN_HOOK_ID},
		{"id of a changed one", "{\"id\":5,\"url\":\"" APP "/x\"}", OWN_HOOK_ID},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *hook = json_of(rows[i].hook);
		CHECK(rows[i].name, own_hook_match(hook, &own_bitbucket) == rows[i].match);
	}
}

static void test_own_hook_under_a_context_path(void)
{
	static const char hook[] = "{" NAMED "\"url\":\"https://x.example/oh/integration/jira-dc/connections/"
				   "12/events\"}";
	json_auto_t *json = json_of(hook);
	struct own_hook own = own_bitbucket;
	own.url = "https://x.example/oh/integration/jira-dc/connections/7/events";
	CHECK("same", own_hook_match(json, &own) == OWN_HOOK_LIKE);
	own.url = "https://x.example/integration/jira-dc/connections/7/events";
	CHECK("without", own_hook_match(json, &own) == OWN_HOOK_NAMESAKE);
	own.url = "https://x.example";
	CHECK("no path at all", own_hook_match(json, &own) == OWN_HOOK_NAMESAKE);
}

#define REST "\"url\":\"" APP OWN "\",\"active\":true"
#define BOTH ",\"events\":[\"pr:merged\",\"pr:opened\"]"

static void test_own_hook_says_what_is_wrong(void)
{
	static const struct {
		const char *name;
		const char *hook;
		const char *wrong;
	} rows[] = {
		{"right in another order", "{" NAMED REST BOTH "}", NULL},
		{"name", "{\"name\":\"openhands resolver\"," REST BOTH "}", "name"},
		{"no name", "{" REST BOTH "}", "name"},
		{"URL", "{" NAMED "\"url\":\"" APP OWN "/\",\"active\":true" BOTH "}", "url"},
		{"an event too few", "{" NAMED REST ",\"events\":[\"pr:opened\"]}", "events"},
		{"an event twice", "{" NAMED REST ",\"events\":[\"pr:opened\",\"pr:opened\"]}", "events"},
		{"an event too many", "{" NAMED REST ",\"events\":[\"pr:opened\",\"pr:merged\",\"pr:declined\"]}",
		 "events"},
		{"no events", "{" NAMED REST "}", "events"},
		{"no texts", "{" NAMED REST ",\"events\":[1,2]}", "events"},
		{"off", "{" NAMED "\"url\":\"" APP OWN "\",\"active\":false" BOTH "}", "active"},
	};
	json_auto_t *list = own_hook_events(&own_bitbucket);
	CHECK("as given", json_array_size(list) == 2);
	CHECK_TEXT("first", json_string_value(json_array_get(list, 0)), "pr:opened");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *hook = json_of(rows[i].hook);
		CHECK_TEXT(rows[i].name, own_hook_wrong(hook, &own_bitbucket), rows[i].wrong);
	}
}

void suite_own_hook(void);

void suite_own_hook(void)
{
	CU_pSuite suite = CU_add_suite("own_hook", NULL, NULL);
	CU_ADD_TEST(suite, test_own_hook_finds_ours);
	CU_ADD_TEST(suite, test_own_hook_of_equals_the_newest_where_wanted);
	CU_ADD_TEST(suite, test_own_hook_says_how_sure_it_is);
	CU_ADD_TEST(suite, test_own_hook_under_a_context_path);
	CU_ADD_TEST(suite, test_own_hook_says_what_is_wrong);
}
