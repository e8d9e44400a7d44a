/* jira_api: the calls as Jira wants them, and answers that nobody should trust. */
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "services/dispatcher/jira_api.h"
#include "tests/io/api_script.h"

#include <stdio.h>

#include "common/base/banned.h"

#define BASE "https://jira.example.com/jira"
#define REST BASE "/rest/api/2"
#define AUTH "Authorization: Bearer pat"
#define NO_CHECK "X-Atlassian-Token: no-check"
#define HTML "<html><body>Log in</body></html>"
#define MARKER "ohdc-0123456789abcdef"

static char token_text[] = "pat";

static struct bot_server api_of(struct http_client *fake, const struct secret *token)
{
	return (struct bot_server){
		.provider = PROVIDER_JIRA, .client = fake, .base_url = BASE, .token = *token, .auth_prefix = "Bearer "};
}

#define SCRIPT(...)                                                        \
	static const struct fake_http_step steps[] = {__VA_ARGS__};        \
	struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps)); \
	const struct secret token = secret_over(token_text);               \
	const struct bot_server api = api_of(fake, &token)

static void test_jira_api_reads_an_issue(void)
{
	SCRIPT({.method = "GET",
		.url = REST "/issue/10%2F1?fields=summary,description,labels,reporter",
		.header = AUTH,
		.body = "",
		.status = 200,
		.answer = "{\"id\":\"10001\",\"key\":\"P-1\",\"fields\":{\"summary\":\"S\","
			  "\"description\":null,\"project\":{\"key\":\"P\"},"
			  "\"labels\":[\"x\",\"OpenHands\",7],\"reporter\":{\"key\":\"K\"},"
			  "\"creator\":null}}"});
	CLEANUP(jira_issue_done) struct jira_issue issue = {0};
	struct err err = {0};

	CU_ASSERT(jira_api_read_issue(&api, "10/1", &issue, &err));
	CHECK_TEXT("id", issue.id, "10001");
	CHECK_TEXT("description", issue.description, "");
	CHECK_TEXT("reporter", issue.reporter.key, "K");
	CHECK("labels", issue.label_count == 2 && jira_issue_has_label(&issue, "openhands") &&
				!jira_issue_has_label(&issue, "openhand"));
	script_end("issue", fake);
}

static void test_jira_api_translates_refusals(void)
{
	static const struct {
		const char *name;
		struct fake_http_step step;
		enum err_code code;
		const char *message;
	} rows[] = {
		{"html 401", {.status = 401, .answer = HTML}, ERR_AUTH, "read issue 'P-1': Jira answered 401"},
		{"not visible",
		 {.status = 404, .answer = "{\"errorMessages\":[\"Issue Does Not Exist\"],\"errors\":{}}"},
		 ERR_NOT_FOUND,
		 "read issue 'P-1': Jira answered 404: Issue Does Not Exist"},
		{"field error",
		 {.status = 400, .answer = "{\"errorMessages\":[],\"errors\":{\"a\":\"b\"}}"},
		 ERR_INPUT,
		 "read issue 'P-1': Jira answered 400: b"},
		{"engine error",
		 {.status = 400, .answer = "{\"errors\":[{\"context\":null,\"message\":\"m\"}]}"},
		 ERR_INPUT,
		 "read issue 'P-1': Jira answered 400: m"},
		{"limit",
		 {.status = 429, .answer = "slow", .retry_after_ms = 7000},
		 ERR_LIMIT,
		 "read issue 'P-1': Jira answered 429"},
		{"broken", {.status = 503, .answer = HTML}, ERR_INTERNAL, "read issue 'P-1': Jira answered 503"},
		{"html 200",
		 {.status = 200, .answer = HTML},
		 ERR_INTERNAL,
		 "read issue 'P-1': Jira answered 200 without usable JSON"},
		{"empty 200",
		 {.status = 200, .answer = ""},
		 ERR_INTERNAL,
		 "read issue 'P-1': Jira answered 200 without usable JSON"},
		{"wrong types",
		 {.status = 200, .answer = "{\"id\":[],\"key\":7,\"fields\":\"x\"}"},
		 ERR_INTERNAL,
		 "Jira sent an issue without id"},
		{"an array", {.status = 200, .answer = "[1]"}, ERR_INTERNAL, "Jira sent an issue without id"},
		{"anonymous",
		 {.status = 200, .answer = "{}", .user_name = "anonymous"},
		 ERR_AUTH,
		 "read issue 'P-1': " BASE " treats the token as anonymous"},
		{"away", {.fails = ERR_NETWORK}, ERR_NETWORK, NULL},
	};
	const struct secret token = secret_over(token_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_http_step step = rows[i].step;
		step.method = "GET";
		step.url = REST "/issue/P-1?fields=summary,description,labels,reporter";
		struct http_client *fake = fake_http_new(&step, 1);
		const struct bot_server api = api_of(fake, &token);
		struct jira_issue issue = {0};
		struct err err = {0};
		CHECK(rows[i].name, !jira_api_read_issue(&api, "P-1", &issue, &err));
		CHECK(rows[i].name, err.code == rows[i].code && !issue.id);
		if (rows[i].message) CHECK_TEXT(rows[i].name, err.message, rows[i].message);
		CHECK(rows[i].name, err.retry_after_ms == rows[i].step.retry_after_ms);
		script_end(rows[i].name, fake);
	}
}

static void test_jira_api_reads_recent_comments_when_order_is_ignored(void)
{
	SCRIPT({.method = "GET",
		.url = REST "/issue/P-1/comment?startAt=0&maxResults=16&orderBy=-created",
		.status = 200,
		.answer = "{\"total\":40,\"comments\":[{\"id\":\"1\",\"body\":\"a\"},"
			  "{\"id\":\"2\",\"body\":\"b\"}]}"},
	       {.method = "GET",
		.url = REST "/issue/P-1/comment?startAt=24&maxResults=16&orderBy=-created",
		.status = 200,
		.answer = "{\"total\":40,\"comments\":[{\"id\":\"39\",\"body\":\"y\"},"
			  "{\"id\":\"40\",\"body\":\"z\",\"visibility\":{\"type\":\"role\","
			  "\"value\":\"Devs\"}},{\"id\":\"41\",\"body\":null},{}]}"});
	CLEANUP(comments_done) struct comments comments = {0};

	CU_ASSERT(jira_api_recent_comments(&api, "P-1", "39", &comments, NULL));
	CU_ASSERT_FATAL(comments.count == 3);
	CHECK_TEXT("newest last", comments.list[2].text, "z");
	CHECK_TEXT("restriction", comments.list[2].visibility_value, "Devs");
	CHECK_TEXT("oldest", comments.list[0].id, "1");
	script_end("recent", fake);
}

static void test_jira_api_finds_our_comments_on_all_pages(void)
{
	SCRIPT({.method = "GET",
		.url = REST "/issue/P-1/comment?startAt=0&maxResults=100&orderBy=-created",
		.status = 200,
		.answer = "{\"total\":3,\"comments\":[{\"id\":\"30\",\"author\":{\"name\":\"bot\"},"
			  "\"body\":\"x\\r\\n\\r\\n{anchor:" MARKER "}\"},"
			  "{\"id\":\"20\",\"author\":{\"name\":\"ann\"},\"body\":\"{anchor:" MARKER "}\"}]}"},
	       {.method = "GET",
		.url = REST "/issue/P-1/comment?startAt=2&maxResults=100&orderBy=-created",
		.status = 200,
		.answer = "{\"total\":3,\"comments\":[{\"id\":\"10\",\"author\":{\"name\":\"BOT\"},"
			  "\"body\":\"y\\n{anchor:" MARKER "}\"}]}"});
	const struct bot bot = {.label = "openhands", .names = {"bot"}};
	struct comment_hits hits = {0};

	CU_ASSERT(jira_api_find_comments(&api, "P-1", MARKER, &bot, &hits, NULL));
	CU_ASSERT_FATAL(hits.count == 2);
	CHECK_TEXT("oldest first", hits.ids[0], "10");
	CHECK_TEXT("younger", hits.ids[1], "30");
	script_end("find", fake);
}

static void test_jira_api_takes_no_broken_page_for_a_clean_miss(void)
{
	SCRIPT({.method = "GET",
		.url = REST "/issue/P-1/comment?startAt=0&maxResults=100&orderBy=-created",
		.status = 200,
		.answer = "{\"total\":300,\"comments\":[{\"id\":\"30\",\"body\":\"x\"}]}"},
	       {.method = "GET",
		.url = REST "/issue/P-1/comment?startAt=1&maxResults=100&orderBy=-created",
		.status = 200,
		.answer = "{\"total\":300,\"comments\":null}"});
	struct comment_hits hits = {0};
	struct err err = {0};

	CU_ASSERT(!jira_api_find_comments(&api, "P-1", MARKER, NULL, &hits, &err));
	CU_ASSERT(err.code == ERR_INTERNAL);
	script_end("broken page", fake);
}

#define HISTORY                                                                        \
	"{\"fields\":{\"creator\":{\"key\":\"MAKER\"}},\"changelog\":{\"histories\":[" \
	"{\"id\":\"5\",\"author\":{\"key\":\"A\"},\"items\":[{\"field\":\"labels\","   \
	"\"fromString\":\"x\",\"toString\":\"x OpenHands\"}]},"                        \
	"{\"id\":\"6\",\"author\":{\"key\":\"B\"},\"items\":[{\"field\":\"labels\","   \
	"\"fromString\":\"x openhands\",\"toString\":\"x\"}]},"                        \
	"{\"id\":\"7\",\"author\":{\"key\":\"E\"},\"items\":[{\"field\":\"labels\","   \
	"\"fromString\":\"openhands\",\"toString\":\"openhands y\"}]},"                \
	"{\"id\":\"9\",\"author\":{\"key\":\"C\"},\"items\":[{\"field\":\"status\"},"  \
	"{\"field\":\"labels\",\"fromString\":null,\"toString\":\"openhands\"}]},"     \
	"{\"id\":\"10\",\"author\":{\"key\":\"D\"},\"items\":[{\"field\":\"labels\","  \
	"\"fromString\":\"\",\"toString\":\"openhands-later\"}]},7]}}"

static void test_jira_api_names_who_set_a_label(void)
{
	static const struct {
		const char *name;
		const char *changelog_id;
		const char *key; /* NULL: not found */
	} rows[] = {
		{"entry", "5", "A"},
		{"entry that removed it", "6", NULL},
		{"entry that added another", "7", NULL},
		{"entry with several changes", "9", "C"},
		{"entry with a longer label", "10", NULL},
		{"no such entry", "11", NULL},
		{"created", "created", "MAKER"},
		{"newest that added it", NULL, "C"},
	};
	static const struct fake_http_step step = {.method = "GET",
						   .url = REST "/issue/P-1?fields=labels,creator&expand=changelog",
						   .status = 200,
						   .answer = HISTORY};
	const struct secret token = secret_over(token_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_client *fake = fake_http_new(&step, 1);
		const struct bot_server api = api_of(fake, &token);
		CLEANUP(person_done) struct person author = {0};
		struct err err = {0};
		bool is_found = jira_api_label_author(&api, "P-1", rows[i].changelog_id, "openhands", &author, &err);
		CHECK(rows[i].name, is_found == (rows[i].key != NULL));
		CHECK_TEXT(rows[i].name, author.key, rows[i].key);
		CHECK(rows[i].name, is_found || err.code == ERR_NOT_FOUND);
		script_end(rows[i].name, fake);
	}
}

static void test_jira_api_adds_a_restricted_comment_unsafely(void)
{
	SCRIPT({.method = "POST",
		.url = REST "/issue/P-1/comment",
		.header = NO_CHECK,
		.body = "{\"body\":\"text\",\"visibility\":{\"type\":\"role\",\"value\":\"Devs\"}}",
		.is_unsafe = true,
		.status = 201,
		.answer = "{\"id\":\"77\"}"});
	const struct call_gate gate = {.deadline_ms = 5000};
	const struct jira_comment_draft draft = {"text", "role", "Devs"};
	char id[LIMIT_ID_BYTES] = "";

	CU_ASSERT(jira_api_add_comment(&api, "P-1", &draft, &gate, id, NULL));
	CHECK_TEXT("id", id, "77");
	script_end("add", fake);
}

static void test_jira_api_says_when_a_comment_may_be_there(void)
{
	static const struct {
		const char *name;
		struct fake_http_step step;
		enum err_code code;
	} rows[] = {
		{"lost answer", {.fails = ERR_UNCERTAIN}, ERR_UNCERTAIN},
		{"not sent", {.fails = ERR_NETWORK}, ERR_NETWORK},
		{"500", {.status = 500, .answer = HTML}, ERR_UNCERTAIN},
		{"html 200", {.status = 200, .answer = HTML}, ERR_UNCERTAIN},
		{"no id", {.status = 201, .answer = "{}"}, ERR_UNCERTAIN},
		{"too long", {.status = 400, .answer = "{}"}, ERR_INPUT},
		{"no right", {.status = 403, .answer = "{}"}, ERR_AUTH},
	};
	const struct secret token = secret_over(token_text);
	const struct call_gate gate = {.deadline_ms = 5000};
	const struct jira_comment_draft draft = {"text", NULL, NULL};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_http_step step = rows[i].step;
		step.method = "POST";
		step.url = REST "/issue/P-1/comment";
		step.is_unsafe = true;
		struct http_client *fake = fake_http_new(&step, 1);
		const struct bot_server api = api_of(fake, &token);
		char id[LIMIT_ID_BYTES] = "";
		struct err err = {0};
		CHECK(rows[i].name, !jira_api_add_comment(&api, "P-1", &draft, &gate, id, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
		script_end(rows[i].name, fake);
	}
}

static bool never(void *gate)
{
	(void)gate;
	return false;
}

static void test_jira_api_asks_the_gate_before_a_comment(void)
{
	struct http_client *fake = fake_http_new(NULL, 0);
	const struct secret token = secret_over(token_text);
	const struct bot_server api = api_of(fake, &token);
	const struct call_gate gate = {.may_send = never, .deadline_ms = 5000};
	const struct jira_comment_draft draft = {"text", NULL, NULL};
	char id[LIMIT_ID_BYTES] = "";
	struct err err = {0};
	CU_ASSERT(!jira_api_add_comment(&api, "P-1", &draft, &gate, id, &err));
	CU_ASSERT(err.code == ERR_CONFLICT && fake_http_stopped(fake) == 1);
	script_end("gate", fake);
}

static void test_jira_api_treats_reactions_as_a_favour(void)
{
	static const struct {
		const char *name;
		int status;
		bool is_ok;
	} rows[] = {{"added", 200, true},  {"palette", 400, true}, {"right", 403, true},  {"old Jira", 404, true},
		    {"method", 405, true}, {"limit", 429, false},  {"broken", 500, false}};
	const struct secret token = secret_over(token_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step step = {.method = "POST",
						    .url = BASE "/rest/internal/2/reactions",
						    .body = "{\"commentId\":77,\"emojiId\":\"1f44d\"}",
						    .status = rows[i].status,
						    .answer = "{}"};
		struct http_client *fake = fake_http_new(&step, 1);
		const struct bot_server api = api_of(fake, &token);
		CHECK(rows[i].name, jira_api_react(&api, "77", NULL) == rows[i].is_ok);
		script_end(rows[i].name, fake);
	}
}

static void test_jira_api_deletes_what_may_be_gone(void)
{
	SCRIPT({.method = "DELETE", .url = REST "/issue/P-1/comment/7", .status = 204},
	       {.method = "DELETE", .url = REST "/issue/P-1/comment/7", .status = 404, .answer = "{}"},
	       {.method = "DELETE", .url = REST "/issue/P-1/comment/7", .status = 403, .answer = "{}"});
	struct err err = {0};

	CU_ASSERT(jira_api_delete_comment(&api, "P-1", "7", &err));
	CU_ASSERT(jira_api_delete_comment(&api, "P-1", "7", &err));
	CU_ASSERT(!jira_api_delete_comment(&api, "P-1", "7", &err));
	CU_ASSERT(err.code == ERR_AUTH);
	script_end("delete", fake);
}

void suite_jira_api(void)
{
	CU_pSuite suite = CU_add_suite("jira_api", NULL, NULL);
	CU_ADD_TEST(suite, test_jira_api_reads_an_issue);
	CU_ADD_TEST(suite, test_jira_api_translates_refusals);
	CU_ADD_TEST(suite, test_jira_api_reads_recent_comments_when_order_is_ignored);
	CU_ADD_TEST(suite, test_jira_api_finds_our_comments_on_all_pages);
	CU_ADD_TEST(suite, test_jira_api_takes_no_broken_page_for_a_clean_miss);
	CU_ADD_TEST(suite, test_jira_api_names_who_set_a_label);
	CU_ADD_TEST(suite, test_jira_api_adds_a_restricted_comment_unsafely);
	CU_ADD_TEST(suite, test_jira_api_says_when_a_comment_may_be_there);
	CU_ADD_TEST(suite, test_jira_api_asks_the_gate_before_a_comment);
	CU_ADD_TEST(suite, test_jira_api_treats_reactions_as_a_favour);
	CU_ADD_TEST(suite, test_jira_api_deletes_what_may_be_gone);
}
