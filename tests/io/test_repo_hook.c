/* repo_api and repo_hook: which webhook is ours, what is written and looked at, whose refusal a 401 is. */
#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "services/installer/repo_hook.h"
#include "tests/io/api_script.h"

#include "common/base/banned.h"

#define BASE "https://bb.example.com/ctx"
#define REST BASE "/rest/api/latest"
#define HOOKS REST "/projects/~ann/repos/my.site/webhooks"
#define LIST HOOKS "?limit=100&start=0"
#define APP "https://app.example.com"
#define OWN "/integration/bitbucket-dc/connections/7/events"
#define NAMED "\"name\":\"OpenHands Resolver\","
#define EVENTS                                                                                     \
	"[\"repo:refs_changed\",\"repo:comment:added\",\"repo:comment:edited\","                   \
	"\"repo:comment:deleted\",\"pr:opened\",\"pr:from_ref_updated\",\"pr:modified\","          \
	"\"pr:reviewer:approved\",\"pr:reviewer:unapproved\",\"pr:reviewer:needs_work\","          \
	"\"pr:merged\",\"pr:declined\",\"pr:deleted\",\"pr:comment:added\",\"pr:comment:edited\"," \
	"\"pr:comment:deleted\"]"
#define RIGHT(id, secret)                                                    \
	"{\"id\":" id "," NAMED "\"url\":\"" APP OWN "\",\"events\":" EVENTS \
	",\"active\":true,\"configuration\":{\"secret\":\"" secret "\"}}"
#define PAGE(values) "{\"isLastPage\":true,\"values\":[" values "]}"
#define WORDS(text) "{\"errors\":[{\"context\":null,\"message\":\"" text "\"}]}"
#define PROPERTIES REST "/application-properties"

static char token_text[] = "token";
static char secret_text[] = "s3cret";
static char key_text[] = "~ann";
static char slug_text[] = "my.site";

static const struct bot_repository repository = {key_text, slug_text, 9};

#define SCRIPT(...)                                                        \
	static const struct fake_http_step steps[] = {__VA_ARGS__};        \
	struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps)); \
	const struct bot_server server = server_of(fake)

static struct bot_server server_of(struct http_client *fake)
{
	return (struct bot_server){.provider = PROVIDER_BITBUCKET,
				   .base_url = BASE,
				   .client = fake,
				   .token = secret_over(token_text),
				   .auth_prefix = "Bearer "};
}

static json_t *list_of(const char *text)
{
	json_t *list = json_loads(text, 0, NULL);
	if (!list) CU_FAIL_FATAL("list");
	return list;
}

static void test_repo_hook_is_created_and_looked_at(void)
{
	SCRIPT({.method = "POST",
		.url = HOOKS,
		.header = "Authorization: Bearer token",
		.body = "{\"name\":\"OpenHands Resolver\",\"url\":\"" APP OWN "\",\"events\":" EVENTS
			",\"active\":true,\"configuration\":{\"secret\":\"s3cret\"},"
			"\"sslVerificationRequired\":true}",
		.is_unsafe = true,
		.status = 201,
		.answer = "{\"id\":12}"},
	       {.method = "GET", .url = LIST, .status = 200, .answer = PAGE(RIGHT("12", "s3cret"))});
	const struct secret secret = secret_over(secret_text);
	const struct own_hook own = repo_hook_own(APP OWN, NULL);
	json_auto_t *none = json_array();
	CLEANUP(mem_free_text) char *id = NULL;

	CU_ASSERT(repo_hook_install(&server, &repository, &own, &secret, none, &id, NULL));
	CHECK_TEXT("id", id, "12");
	script_end("created", fake);
}

static void test_repo_hook_is_replaced_in_place(void)
{
	SCRIPT({.method = "PUT", .url = HOOKS "/12", .is_unsafe = true, .status = 200, .answer = "{}"},
	       {.method = "GET", .url = LIST, .status = 200, .answer = PAGE(RIGHT("12", "*****"))});
	const struct secret secret = secret_over(secret_text);
	const struct own_hook own = repo_hook_own(APP OWN, NULL);
	json_auto_t *now = list_of("[" RIGHT("12", "other") "]");
	CLEANUP(mem_free_text) char *id = NULL;

	CU_ASSERT(repo_hook_install(&server, &repository, &own, &secret, now, &id, NULL));
	CHECK_TEXT("id", id, "12");
	CHECK("the caller's list stays", json_array_size(now) == 1);
	script_end("replaced", fake);
}

static void test_repo_hook_unknown_outcome_is_looked_for(void)
{
	SCRIPT({.method = "POST", .url = HOOKS, .is_unsafe = true, .fails = ERR_UNCERTAIN},
	       {.method = "GET", .url = LIST, .status = 200, .answer = PAGE(RIGHT("12", "s3cret"))});
	const struct secret secret = secret_over(secret_text);
	const struct own_hook own = repo_hook_own(APP OWN, NULL);
	json_auto_t *none = json_array();
	CLEANUP(mem_free_text) char *id = NULL;

	CU_ASSERT(repo_hook_install(&server, &repository, &own, &secret, none, &id, NULL));
	CHECK_TEXT("id", id, "12");
	script_end("unknown outcome", fake);
}

static void test_repo_hook_of_another_writer_is_put_right(void)
{
	SCRIPT({.method = "POST", .url = HOOKS, .is_unsafe = true, .status = 201, .answer = "{}"},
	       {.method = "GET",
		.url = LIST,
		.status = 200,
		.answer = PAGE(RIGHT("13", "s3cret") "," RIGHT("12", "theirs"))},
	       {.method = "PUT", .url = HOOKS "/12", .is_unsafe = true, .status = 200, .answer = "{}"},
	       {.method = "GET",
		.url = LIST,
		.status = 200,
		.answer = PAGE(
			RIGHT("13", "s3cret") "," RIGHT("12", "s3cret") ",{\"id\":1,\"name\":"
									"\"CI\",\"url\":\"https://ci.example/\"}")},
	       {.method = "DELETE", .url = HOOKS "/13", .status = 404, .answer = WORDS("gone")});
	const struct secret secret = secret_over(secret_text);
	const struct own_hook own = repo_hook_own(APP OWN, NULL);
	json_auto_t *none = json_array();
	CLEANUP(mem_free_text) char *id = NULL;

	CU_ASSERT(repo_hook_install(&server, &repository, &own, &secret, none, &id, NULL));
	CHECK_TEXT("the older one", id, "12");
	script_end("another writer", fake);
}

static void test_repo_hook_that_stays_wrong_is_an_error(void)
{
	static const char *const wrongs[] = {
		PAGE(RIGHT("12", "other")),
		PAGE("{\"id\":12," NAMED "\"url\":\"" APP OWN "\",\"events\":" EVENTS ",\"active\":false}"),
		PAGE("{\"id\":12," NAMED "\"url\":\"" APP OWN "\",\"events\":[\"pr:opened\"],\"active\":true}"),
		PAGE("{\"id\":12," NAMED "\"url\":\"" APP OWN "/\",\"events\":" EVENTS ",\"active\":true}"),
	};
	const struct secret secret = secret_over(secret_text);
	const struct own_hook own = repo_hook_own(APP OWN, NULL);
	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		const struct fake_http_step put = {
			.method = "PUT", .url = HOOKS "/12", .is_unsafe = true, .status = 200, .answer = "{}"};
		const struct fake_http_step look = {.method = "GET", .url = LIST, .status = 200, .answer = wrongs[i]};
		const struct fake_http_step steps[] = {put, look, put, look, put, look};
		struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps));
		const struct bot_server server = server_of(fake);
		json_auto_t *now = list_of("[" RIGHT("12", "old") "]");
		CLEANUP(mem_free_text) char *id = NULL;
		struct err err = {0};
		CHECK(wrongs[i], !repo_hook_install(&server, &repository, &own, &secret, now, &id, &err));
		CHECK(wrongs[i], err.code == ERR_INTERNAL && err.http_status == 0 && !id);
		script_end(wrongs[i], fake);
	}
}

static void test_repo_hook_is_removed_with_its_doubles(void)
{
	SCRIPT({.method = "DELETE", .url = HOOKS "/12", .status = 204},
	       {.method = "DELETE", .url = HOOKS "/14", .status = 204},
	       {.method = "DELETE", .url = HOOKS "/15", .status = 204});
	const struct own_hook own = repo_hook_own(APP OWN, "12");
	json_auto_t *now = list_of("[{\"id\":11,\"name\":\"CI\",\"url\":\"https://ci.example/\"}," RIGHT(
		"12", "s") ","
			   "{\"id\":13," NAMED "\"url\":\"https://staging.example" OWN "\"},"
			   "{\"id\":15," NAMED "\"url\":\"" APP
			   "/integration/bitbucket-dc/events\"}," RIGHT("14", "s") "]");
	json_auto_t *none = json_array();
	CLEANUP(mem_free_text) char *no_id = NULL;
	CLEANUP(mem_free_text) char *id = NULL;

	CU_ASSERT(repo_hook_remove(&server, &repository, &own, now, &id, NULL));
	CHECK_TEXT("id", id, "12");
	CU_ASSERT(repo_hook_remove(&server, &repository, &own, none, &no_id, NULL));
	CHECK_TEXT("nothing there", no_id, NULL);
	script_end("removed", fake);
}

static void test_repo_api_tells_whose_refusal_it_is(void)
{
	static const struct {
		const char *name;
		int status;
		const char *owner; /* of the token; NULL: not asked */
		int properties;    /* status of that question */
		int http_status;
		enum err_code code;
	} rows[] = {
		{"no right", 401, "ann", 200, 403, ERR_AUTH},
		{"bad token", 401, "", 401, 401, ERR_AUTH},
		{"nobody's token", 401, "anonymous", 200, 401, ERR_AUTH},
		{"owner not said", 401, "", 200, 401, ERR_AUTH},
		{"forbidden", 403, NULL, 0, 403, ERR_AUTH},
		{"not there", 404, NULL, 0, 404, ERR_NOT_FOUND},
		{"limited", 429, NULL, 0, 429, ERR_LIMIT},
		{"moved", 302, NULL, 0, 302, ERR_INPUT},
		{"its fault", 500, NULL, 0, 500, ERR_INTERNAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step steps[] = {
			{.method = "GET", .url = LIST, .status = rows[i].status, .answer = WORDS("why")},
			{.method = "GET",
			 .url = PROPERTIES,
			 .header = "Authorization: Bearer token",
			 .status = rows[i].properties,
			 .answer = "{}",
			 .user_name = rows[i].owner}};
		struct http_client *fake = fake_http_new(steps, rows[i].owner ? 2 : 1);
		const struct bot_server server = server_of(fake);
		json_t *hooks = NULL;
		struct err err = {0};
		CHECK(rows[i].name, !repo_api_hooks(&server, &repository, &hooks, &err) && !hooks);
		CHECK(rows[i].name, err.http_status == rows[i].http_status && err.code == rows[i].code);
		script_end(rows[i].name, fake);
	}
}

static void test_repo_api_reads_a_name_as_bitbucket_writes_it(void)
{
	SCRIPT({.method = "GET",
		.url = REST "/projects/proj/repos/a%20b",
		.status = 200,
		.answer = "{\"id\":9,\"slug\":\"A-b\",\"project\":{\"key\":\"PROJ\"}}"},
	       {.method = "GET", .url = REST "/projects/p/repos/s", .status = 200, .answer = "{\"slug\":\"s\"}"});
	CLEANUP(bot_repository_done) struct bot_repository name = {0};
	CLEANUP(bot_repository_done) struct bot_repository broken = {0};
	struct err err = {0};

	CU_ASSERT(repo_api_read(&server, "proj", "a b", &name, NULL));
	CHECK_TEXT("key", name.project_key, "PROJ");
	CHECK_TEXT("slug", name.slug, "A-b");
	CHECK("id", name.id == 9);
	CU_ASSERT(!repo_api_read(&server, "p", "s", &broken, &err));
	CHECK("no id", err.code == ERR_INPUT && err.http_status == 0);
	script_end("names", fake);
}

static void test_repo_api_walks_all_pages(void)
{
	SCRIPT({.method = "GET",
		.url = REST "/repos?permission=REPO_ADMIN&limit=1000&start=0",
		.status = 200,
		.answer = "{\"start\":0,\"isLastPage\":false,\"nextPageStart\":31,\"values\":[{"
			  "\"id\":2,"
			  "\"slug\":\"b\",\"project\":{\"key\":\"K\"}},{\"id\":3,\"slug\":\"\"}]}"},
	       {.method = "GET",
		.url = REST "/repos?permission=REPO_ADMIN&limit=1000&start=31",
		.status = 200,
		.answer = "{\"start\":31,\"isLastPage\":true,\"nextPageStart\":null,\"values\":[{"
			  "\"id\":1,"
			  "\"slug\":\"a\",\"project\":{\"key\":\"~ann\"}}]}"},
	       {.method = "GET",
		.url = LIST,
		.status = 200,
		.answer = "{\"start\":0,\"isLastPage\":false,\"nextPageStart\":100,\"values\":[{"
			  "\"id\":1}]}"},
	       {.method = "GET",
		.url = HOOKS "?limit=100&start=100",
		.status = 200,
		.answer = "{\"start\":100,\"isLastPage\":true,\"values\":[{\"id\":2}]}"},
	       {.method = "GET", .url = LIST, .status = 200, .answer = "{\"values\":7}"});
	CLEANUP(repo_set_done) struct repo_set set = {0};
	json_auto_t *hooks = NULL;
	json_t *none = NULL;
	int64_t start = 0;

	CU_ASSERT(repo_api_list(&server, &start, &set, NULL) && start == 31);
	CU_ASSERT(repo_api_list(&server, &start, &set, NULL) && start == -1);
	repo_set_finish(&set);
	CHECK("two", set.count == 2);
	CHECK_TEXT("first", repo_set_name(&set, 0), "K/b");
	CU_ASSERT(repo_api_hooks(&server, &repository, &hooks, NULL));
	CHECK("all webhooks", json_array_size(hooks) == 2);
	CHECK("no list", !repo_api_hooks(&server, &repository, &none, NULL));
	script_end("pages", fake);
}

void suite_repo_hook(void);

void suite_repo_hook(void)
{
	CU_pSuite suite = CU_add_suite("repo_hook", NULL, NULL);
	CU_ADD_TEST(suite, test_repo_hook_is_created_and_looked_at);
	CU_ADD_TEST(suite, test_repo_hook_is_replaced_in_place);
	CU_ADD_TEST(suite, test_repo_hook_unknown_outcome_is_looked_for);
	CU_ADD_TEST(suite, test_repo_hook_of_another_writer_is_put_right);
	CU_ADD_TEST(suite, test_repo_hook_that_stays_wrong_is_an_error);
	CU_ADD_TEST(suite, test_repo_hook_is_removed_with_its_doubles);
	CU_ADD_TEST(suite, test_repo_api_tells_whose_refusal_it_is);
	CU_ADD_TEST(suite, test_repo_api_reads_a_name_as_bitbucket_writes_it);
	CU_ADD_TEST(suite, test_repo_api_walks_all_pages);
}
