/* bitbucket_api: the calls as Bitbucket wants them, threads and replies, and answers that nobody should trust. */
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "services/dispatcher/bitbucket_api.h"
#include "tests/io/api_script.h"

#include <stdio.h>

#include "common/base/banned.h"

#define BASE "https://bb.example.com/ctx"
#define REST BASE "/rest/api/latest"
#define PULL REST "/projects/~ann/repos/site/pull-requests/12"
#define MARKER "ohdc-0123456789abcdef"
#define LINE "[ohdc]: # (" MARKER ")"

static char bearer_text[] = "token";
static char basic_text[] = "user:?\?>";
static const struct pull_request_ref pull_ref = {"~ann", "site", "12"};

static struct bot_server api_of(struct http_client *fake, const struct secret *token)
{
	return (struct bot_server){.provider = PROVIDER_BITBUCKET,
				   .client = fake,
				   .base_url = BASE,
				   .token = *token,
				   .auth_prefix = "Bearer "};
}

#define SCRIPT(...)                                                        \
	static const struct fake_http_step steps[] = {__VA_ARGS__};        \
	struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps)); \
	const struct secret token = secret_over(bearer_text);              \
	const struct bot_server api = api_of(fake, &token)

static void test_bitbucket_api_reads_a_pull_request(void)
{
	SCRIPT({.method = "GET",
		.url = PULL,
		.header = "Authorization: Bearer token",
		.body = "",
		.status = 200,
		.answer = "{\"title\":\"T\",\"state\":\"OPEN\",\"author\":{\"user\":{\"slug\":"
			  "\"ann\"}},"
			  "\"fromRef\":{\"displayId\":\"feature/"
			  "x\",\"repository\":{\"slug\":\"fork\","
			  "\"project\":{\"key\":\"~BOB\"}}},\"toRef\":{\"displayId\":\"main\","
			  "\"repository\":{\"id\":9,\"slug\":\"site\",\"project\":{\"key\":\"~"
			  "ann\"}}}}"},
	       {.method = "GET", .url = PULL, .status = 200, .answer = "{\"title\":\"T\"}"});
	CLEANUP(pull_request_done) struct pull_request pull = {0};
	CLEANUP(pull_request_done) struct pull_request broken = {0};
	struct err err = {0};

	CU_ASSERT(bitbucket_api_read_pull_request(&api, &pull_ref, &pull, &err));
	CHECK_TEXT("no description", pull.description, "");
	CU_ASSERT(!bitbucket_api_read_pull_request(&api, &pull_ref, &broken, &err));
	CU_ASSERT(err.code == ERR_INTERNAL);
	script_end("pull request", fake);
}

static void test_bitbucket_api_sends_basic_for_a_token_with_a_colon(void)
{
	/* base64 of "user:", two question marks and ">": the characters in which base64url differs */
	static const struct fake_http_step step = {
		.method = "GET",
		.url = PULL "/comments/5",
		.header = "Authorization: Basic dXNlcjo/Pz4=",
		.status = 200,
		.answer = "{\"id\":5,\"version\":3,\"text\":\"x\",\"createdDate\":1761580448905}"};
	struct http_client *fake = fake_http_new(&step, 1);
	const struct secret token = secret_over(basic_text);
	CLEANUP(bot_server_done) struct bot_server api = {
		.provider = PROVIDER_BITBUCKET, .client = fake, .base_url = BASE};
	bot_server_use(&api, &token);
	CLEANUP(comment_done) struct comment comment = {0};

	CU_ASSERT(bitbucket_api_read_comment(&api, &pull_ref, "5", &comment, NULL));
	CHECK_TEXT("id", comment.id, "5");
	CHECK("version", comment.version == 3);
	CHECK_TEXT("time", comment.created, "2025-10-27 15:54 UTC");
	script_end("basic", fake);
}

#define ACTIVITIES PULL "/activities?limit=100&start="

static void test_bitbucket_api_finds_the_thread_of_a_reply(void)
{
	SCRIPT({.method = "GET",
		.url = ACTIVITIES "0&fromType=COMMENT&fromId=22",
		.status = 200,
		.answer = "{\"isLastPage\":true,\"values\":[{\"action\":\"APPROVED\"},"
			  "{\"action\":\"COMMENTED\",\"comment\":{\"id\":20,\"comments\":[{\"id\":21,"
			  "\"comments\":[{\"id\":22}]}]},\"commentAnchor\":{\"path\":\"src/a.c\","
			  "\"line\":42}}]}"},
	       {.method = "GET",
		.url = ACTIVITIES "0&fromType=COMMENT&fromId=23",
		.status = 200,
		.answer = "{\"isLastPage\":true,\"values\":[]}"},
	       {.method = "GET",
		.url = ACTIVITIES "0&fromType=COMMENT&fromId=24",
		.status = 200,
		.answer = "{\"isLastPage\":true,\"values\":[{\"comment\":{\"id\":24,\"anchor\":"
			  "{\"path\":{\"components\":[\"src\",\"b.c\"]},\"line\":4}}}]}"});
	struct bitbucket_thread thread = {0};
	struct bitbucket_thread object = {0};
	struct bitbucket_thread none = {0};
	struct err err = {0};

	CU_ASSERT(bitbucket_api_read_thread(&api, &pull_ref, "22", &thread, &err));
	CHECK_TEXT("path", thread.anchor_path, "src/a.c");
	CHECK("line", thread.anchor_line == 42);
	CU_ASSERT(!bitbucket_api_read_thread(&api, &pull_ref, "23", &none, &err));
	CU_ASSERT(err.code == ERR_NOT_FOUND);
	CU_ASSERT(bitbucket_api_read_thread(&api, &pull_ref, "24", &object, &err));
	CHECK_TEXT("path object", object.anchor_path, "src/b.c");
	CHECK("its line", object.anchor_line == 4);
	MEM_FREE_ALL(thread.anchor_path, object.anchor_path);
	script_end("thread", fake);
}

static void test_bitbucket_api_reads_recent_comments_with_replies(void)
{
	SCRIPT({.method = "GET",
		.url = ACTIVITIES "0",
		.status = 200,
		.answer = "{\"isLastPage\":false,\"start\":0,\"nextPageStart\":50,\"values\":["
			  "{\"comment\":{\"id\":30,\"text\":\"c\",\"author\":null}},"
			  "{\"comment\":{\"id\":10,\"text\":\"a\",\"comments\":["
			  "{\"id\":20,\"text\":\"b\"},{\"id\":40,\"text\":\"asking\"}]}},"
			  "{\"comment\":{\"id\":10,\"text\":\"a\"}}]}"},
	       {.method = "GET",
		.url = ACTIVITIES "50",
		.status = 200,
		.answer = "{\"isLastPage\":false,\"start\":50,\"nextPageStart\":100,\"values\":["
			  "{\"comment\":{\"id\":5,\"text\":7}},{\"comment\":\"x\"},null]}"});
	CLEANUP(comments_done) struct comments comments = {0};

	CU_ASSERT(bitbucket_api_recent_comments(&api, &pull_ref, "40", &comments, NULL));
	CU_ASSERT_FATAL(comments.count == 3);
	CHECK_TEXT("oldest", comments.list[0].text, "a");
	CHECK_TEXT("reply", comments.list[1].text, "b");
	CHECK_TEXT("newest", comments.list[2].text, "c");
	script_end("recent", fake);
}

static void test_bitbucket_api_finds_our_comments_in_replies(void)
{
	SCRIPT({.method = "GET",
		.url = ACTIVITIES "0",
		.status = 200,
		.answer = "{\"isLastPage\":false,\"start\":0,\"nextPageStart\":3,\"values\":["
			  "{\"comment\":{\"id\":1,\"text\":\"q\",\"comments\":[{\"id\":300,"
			  "\"author\":{\"slug\":\"bot\"},\"text\":\"x\\n\\n" LINE "\"}]}}]}"},
	       {.method = "GET",
		.url = ACTIVITIES "3",
		.status = 200,
		.answer = "{\"isLastPage\":true,\"nextPageStart\":null,\"values\":["
			  "{\"comment\":{\"id\":200,\"author\":{\"slug\":\"bot\"},\"text\":\"" LINE "\"}},"
			  "{\"comment\":{\"id\":201,\"author\":{\"slug\":\"ann\"},\"text\":\"" LINE "\"}}]}"});
	const struct bot bot = {.label = "openhands", .names = {"bot"}};
	struct comment_hits hits = {0};

	CU_ASSERT(bitbucket_api_find_comments(&api, &pull_ref, MARKER, &bot, &hits, NULL));
	CU_ASSERT_FATAL(hits.count == 2);
	CHECK_TEXT("oldest", hits.ids[0], "200");
	CHECK_TEXT("reply", hits.ids[1], "300");
	script_end("find", fake);
}

static void test_bitbucket_api_paging_that_turns_back_ends(void)
{
	SCRIPT({.method = "GET",
		.url = ACTIVITIES "0",
		.status = 200,
		.answer = "{\"isLastPage\":false,\"start\":0,\"nextPageStart\":10,\"values\":[]}"},
	       {.method = "GET",
		.url = ACTIVITIES "10",
		.status = 200,
		.answer = "{\"isLastPage\":false,\"start\":10,\"nextPageStart\":10,\"values\":[]}"});
	struct comment_hits hits = {0};

	CU_ASSERT(bitbucket_api_find_comments(&api, &pull_ref, MARKER, NULL, &hits, NULL));
	CU_ASSERT(hits.count == 0);
	script_end("turns back", fake);
}

/* Pages that go on for ever: the search says that it did not see all. */
static void test_bitbucket_api_endless_paging_is_no_clean_miss(void)
{
	enum { PAGES = 200 };
	struct fake_http_step *steps = mem_zalloc(PAGES, sizeof(*steps));
	char(*texts)[2][160] = mem_zalloc(PAGES, sizeof(*texts));
	const struct secret token = secret_over(bearer_text);
	struct comment_hits hits = {0};
	struct err err = {0};

	for (int i = 0; i < PAGES; i++) {
		(void)snprintf(texts[i][0], sizeof(texts[i][0]), ACTIVITIES "%d", i);
		(void)snprintf(texts[i][1], sizeof(texts[i][1]),
			       "{\"isLastPage\":false,\"start\":%d,\"nextPageStart\":%d,\"values\":[]}", i, i + 1);
		steps[i] = (struct fake_http_step){
			.method = "GET", .url = texts[i][0], .status = 200, .answer = texts[i][1]};
	}
	struct http_client *fake = fake_http_new(steps, PAGES);
	const struct bot_server api = api_of(fake, &token);
	CU_ASSERT(!bitbucket_api_find_comments(&api, &pull_ref, MARKER, NULL, &hits, &err));
	CU_ASSERT(err.code == ERR_INTERNAL);
	script_end("endless", fake);
	mem_free(steps);
	mem_free(texts);
}

static void test_bitbucket_api_replies_to_the_asking_comment(void)
{
	SCRIPT({.method = "POST",
		.url = PULL "/comments",
		.body = "{\"text\":\"hi\",\"parent\":{\"id\":22}}",
		.is_unsafe = true,
		.status = 201,
		.answer = "{\"id\":77}"},
	       {.method = "POST",
		.url = PULL "/comments",
		.body = "{\"text\":\"hi\"}",
		.is_unsafe = true,
		.status = 409,
		.answer = "{\"errors\":[{\"message\":\"archived\"}]}"},
	       {.method = "POST", .url = PULL "/comments", .is_unsafe = true, .status = 502, .answer = "<html>"});
	const struct call_gate gate = {.deadline_ms = 5000};
	char id[LIMIT_ID_BYTES] = "";
	struct err err = {0};

	CU_ASSERT(bitbucket_api_add_comment(&api, &pull_ref, "22", "hi", &gate, id, &err));
	CHECK_TEXT("id", id, "77");
	CU_ASSERT(!bitbucket_api_add_comment(&api, &pull_ref, NULL, "hi", &gate, id, &err));
	CHECK_TEXT("words", err.message, "add a comment: Bitbucket answered 409: archived");
	CU_ASSERT(!bitbucket_api_add_comment(&api, &pull_ref, NULL, "hi", &gate, id, &err));
	CU_ASSERT(err.code == ERR_UNCERTAIN);
	script_end("reply", fake);
}

static void test_bitbucket_api_deletes_with_the_version(void)
{
	SCRIPT({.method = "GET",
		.url = PULL "/comments/7",
		.status = 200,
		.answer = "{\"id\":7,\"version\":5,\"text\":\"b\"}"},
	       {.method = "DELETE", .url = PULL "/comments/7?version=5", .status = 204},
	       {.method = "GET", .url = PULL "/comments/7", .status = 404, .answer = "{}"});

	CU_ASSERT(bitbucket_api_delete_comment(&api, &pull_ref, "7", NULL));
	CU_ASSERT(bitbucket_api_delete_comment(&api, &pull_ref, "7", NULL));
	script_end("change", fake);
}

static void test_bitbucket_api_treats_reactions_as_a_favour(void)
{
	static const struct {
		int status;
		bool is_ok;
	} rows[] = {{200, true}, {400, true}, {401, true}, {404, true}, {409, true}, {429, false}, {500, false}};
	const struct secret token = secret_over(bearer_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step step = {
			.method = "PUT",
			.url = BASE "/rest/comment-likes/latest/projects/~ann/repos/site/pull-requests/12"
				    "/comments/7/reactions/eyes",
			.body = "",
			.status = rows[i].status,
			.answer = "{}"};
		struct http_client *fake = fake_http_new(&step, 1);
		const struct bot_server api = api_of(fake, &token);
		CU_ASSERT(bitbucket_api_react(&api, &pull_ref, "7", NULL) == rows[i].is_ok);
		script_end("reaction", fake);
	}
}

void suite_bitbucket_api(void)
{
	CU_pSuite suite = CU_add_suite("bitbucket_api", NULL, NULL);
	CU_ADD_TEST(suite, test_bitbucket_api_reads_a_pull_request);
	CU_ADD_TEST(suite, test_bitbucket_api_sends_basic_for_a_token_with_a_colon);
	CU_ADD_TEST(suite, test_bitbucket_api_finds_the_thread_of_a_reply);
	CU_ADD_TEST(suite, test_bitbucket_api_reads_recent_comments_with_replies);
	CU_ADD_TEST(suite, test_bitbucket_api_finds_our_comments_in_replies);
	CU_ADD_TEST(suite, test_bitbucket_api_paging_that_turns_back_ends);
	CU_ADD_TEST(suite, test_bitbucket_api_endless_paging_is_no_clean_miss);
	CU_ADD_TEST(suite, test_bitbucket_api_replies_to_the_asking_comment);
	CU_ADD_TEST(suite, test_bitbucket_api_deletes_with_the_version);
	CU_ADD_TEST(suite, test_bitbucket_api_treats_reactions_as_a_favour);
}
