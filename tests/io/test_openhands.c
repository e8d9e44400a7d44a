/* openhands: keys, starts, limits, and what events say; each answer a real server was seen to give, and worse ones. */
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "services/dispatcher/openhands.h"
#include "services/dispatcher/openhands_follow.h"
#include "tests/io/api_script.h"

#include <stdio.h>

#include "common/base/banned.h"

#define BASE "http://openhands.example:3000"
#define KEYS BASE "/api/service/users/u1/orgs/o1/api-keys"
#define STARTS BASE "/api/v1/app-conversations"
#define ID "5013cafe-0000-4000-8000-0123456789ab"
#define HEX "5013cafe0000400080000123456789ab"
#define NOW_MS 1795305600000 /* 2026-11-22T00:00:00Z */

#define MINT                                     \
	{.method = "POST",                       \
	 .url = KEYS,                            \
	 .header = "X-Service-API-Key: service", \
	 .body = "{\"name\":\"ohdc\"}",          \
	 .status = 200,                          \
	 .answer = "{\"key\":\"sk-1\",\"user_id\":\"u1\",\"org_id\":\"o1\",\"name\":\"ohdc\"}"}

static const struct openhands_user user = {"u1", "o1"};
static const struct call_gate gate = {.deadline_ms = 5000};

static bool service_key(void *context, struct secret *ret)
{
	const char *key = context;
	if (!key) return false;
	secret_set(ret, key, strlen(key));
	return true;
}

static int64_t now_ms(void)
{
	return NOW_MS;
}

static struct openhands *client_of(struct http_client *fake)
{
	static char key[] = "service";
	const struct openhands_options options = {
		.client = fake, .base_url = BASE, .service_key = service_key, .context = key, .now_ms = now_ms};
	return openhands_new(&options);
}

static void free_client(struct openhands **client)
{
	openhands_free(*client);
}

#define SCRIPT(...)                                                        \
	static const struct fake_http_step steps[] = {__VA_ARGS__};        \
	struct http_client *fake = fake_http_new(steps, ARRAY_LEN(steps)); \
	CLEANUP(free_client) struct openhands *client = client_of(fake)

static const struct openhands_start start = {
	.conversation_id = ID,
	.message = "do\xED\xA0\x80it",
	.suffix = "how",
	.repository = "PROJ/site",
	.branch = "main",
	.git_provider = "bitbucket_data_center",
	.trigger = "resolver",
	.title = "T",
	.pr_number = 7,
};

static void test_openhands_starts_once_with_a_minted_key(void)
{
	SCRIPT(MINT,
	       {.method = "POST",
		.url = STARTS,
		.header = "Authorization: Bearer sk-1",
		.body = "{\"conversation_id\":\"" ID "\",\"initial_message\":{\"role\":\"user\","
			"\"content\":[{\"type\":\"text\",\"text\":\"do\xEF\xBF\xBD",
		.is_unsafe = true,
		.status = 200,
		.answer = "{\"id\":\"" ID "\",\"status\":\"WORKING\",\"detail\":null,"
			  "\"app_conversation_id\":null}"},
	       {.method = "GET",
		.url = STARTS "/start-tasks?ids=" HEX,
		.header = "Authorization: Bearer sk-1",
		.status = 200,
		.answer = "[null,{\"id\":\"" HEX "\",\"status\":\"READY\",\"app_conversation_id\":\"" ID
			  "\",\"sandbox_id\":\"s\"}]"},
	       {.method = "GET", .url = STARTS "/start-tasks?ids=other", .status = 200, .answer = "[null]"});
	struct openhands_task task = {0};
	struct err err = {0};

	CU_ASSERT(openhands_start(client, &user, &start, &gate, &task, &err));
	CHECK_TEXT("id", task.id, HEX);
	CHECK("working", task.status == OPENHANDS_TASK_WORKING);
	CU_ASSERT(openhands_read_task(client, &user, ID, &task, &err));
	CHECK("ready", task.status == OPENHANDS_TASK_READY);
	CU_ASSERT(openhands_read_task(client, &user, "other", &task, &err));
	CHECK("missing", task.status == OPENHANDS_TASK_MISSING);
	script_end("start", fake);
}

static void test_openhands_body_of_a_start_has_all_fields(void)
{
	SCRIPT(MINT, {.method = "POST",
		      .url = STARTS,
		      .body = "\"run\":true},\"system_message_suffix\":\"how\","
			      "\"selected_repository\":\"PROJ/site\",\"selected_branch\":\"main\","
			      "\"git_provider\":\"bitbucket_data_center\",\"trigger\":\"resolver\","
			      "\"title\":\"T\",\"pr_number\":[7]}",
		      .is_unsafe = true,
		      .status = 200,
		      .answer = "{\"id\":\"t\",\"status\":\"A_NEW_WORD\"}"});
	struct openhands_task task = {0};

	CU_ASSERT(openhands_start(client, &user, &start, &gate, &task, NULL));
	CHECK("unknown words are progress", task.status == OPENHANDS_TASK_WORKING);
	CHECK_TEXT("phase", task.phase, "A_NEW_WORD");
	script_end("fields", fake);
}

static void test_openhands_mints_once_more_after_a_401(void)
{
	SCRIPT(MINT,
	       {.method = "POST", .url = STARTS, .is_unsafe = true, .status = 401, .answer = "{\"error\":\"BearerTokenError\"}"},
	       MINT,
	       {.method = "POST",
		.url = STARTS,
		.is_unsafe = true,
		.status = 401,
		.answer = "{\"error\":\"BearerTokenError\"}"});
	struct openhands_task task = {0};
	struct err err = {0};

	CU_ASSERT(!openhands_start(client, &user, &start, &gate, &task, &err));
	CU_ASSERT(err.code == ERR_AUTH && err.http_status == 401);
	script_end("401", fake);
}

static void test_openhands_refusals_of_a_start(void)
{
	static const struct {
		const char *name;
		struct fake_http_step step;
		enum err_code code;
		enum openhands_limit limit;
		int64_t retry_after_ms;
	} rows[] = {
		{"concurrency",
		 {.status = 429,
		  .answer = "{\"detail\":{\"error\":\"CONCURRENCY_LIMIT_REACHED\",\"message\":\"m\","
			    "\"limit\":3,\"current\":3}}"},
		 ERR_LIMIT,
		 OPENHANDS_LIMIT_CONCURRENCY,
		 60000},
		{"daily, with a time",
		 {.status = 429,
		  .answer = "{\"detail\":{\"code\":\"daily_conversation_limit_reached\","
			    "\"message\":\"m\","
			    "\"reset_at\":\"2026-11-22T02:00:00.123456+00:00\"}}"},
		 ERR_LIMIT,
		 OPENHANDS_LIMIT_DAILY,
		 7200000},
		{"daily, without",
		 {.status = 429, .answer = "{\"detail\":{\"code\":\"daily_conversation_limit_reached\"}}"},
		 ERR_LIMIT,
		 OPENHANDS_LIMIT_DAILY,
		 3600000},
		{"daily, in the past",
		 {.status = 429,
		  .answer = "{\"detail\":{\"code\":\"daily_conversation_limit_reached\","
			    "\"reset_at\":\"2020-01-01T00:00:00Z\"}}"},
		 ERR_LIMIT,
		 OPENHANDS_LIMIT_DAILY,
		 60000},
		{"daily, in years",
		 {.status = 429,
		  .answer = "{\"detail\":{\"code\":\"daily_conversation_limit_reached\","
			    "\"reset_at\":\"2099-01-01T00:00:00Z\"}}"},
		 ERR_LIMIT,
		 OPENHANDS_LIMIT_DAILY,
		 26 * 3600000},
		{"rate",
		 {.status = 429, .answer = "{\"message\":\"Too many requests\"}", .retry_after_ms = 1000},
		 ERR_LIMIT,
		 OPENHANDS_LIMIT_RATE,
		 1000},
		{"rate without a time", {.status = 429, .answer = "slow down"}, ERR_LIMIT, OPENHANDS_LIMIT_RATE, 2000},
		{"not in the organisation",
		 {.status = 403, .answer = "{\"detail\":\"User is not a member\"}"},
		 ERR_AUTH,
		 OPENHANDS_LIMIT_NONE,
		 0},
		{"our bug",
		 {.status = 422, .answer = "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"bad uuid\",\"type\":\"x\"}]}"},
		 ERR_INPUT,
		 OPENHANDS_LIMIT_NONE,
		 0},
		{"500 as text", {.status = 500, .answer = "Internal"}, ERR_UNCERTAIN, OPENHANDS_LIMIT_NONE, 0},
		{"lost", {.fails = ERR_UNCERTAIN}, ERR_UNCERTAIN, OPENHANDS_LIMIT_NONE, 0},
		{"html 200", {.status = 200, .answer = "<html>"}, ERR_UNCERTAIN, OPENHANDS_LIMIT_NONE, 0},
		{"no id", {.status = 200, .answer = "{\"status\":\"WORKING\"}"}, ERR_UNCERTAIN, OPENHANDS_LIMIT_NONE, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_http_step steps[] = {MINT, rows[i].step};
		steps[1].method = "POST";
		steps[1].url = STARTS;
		steps[1].is_unsafe = true;
		struct http_client *fake = fake_http_new(steps, 2);
		CLEANUP(free_client) struct openhands *client = client_of(fake);
		struct openhands_task task = {0};
		struct err err = {0};
		CHECK(rows[i].name, !openhands_start(client, &user, &start, &gate, &task, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
		CHECK(rows[i].name, err.retry_after_ms == rows[i].retry_after_ms);
		CHECK(rows[i].name, openhands_limit_of(err.message) == rows[i].limit);
		script_end(rows[i].name, fake);
	}
}

static void test_openhands_service_key_trouble_is_no_fault_of_the_person(void)
{
	static const struct {
		const char *name;
		int status;
		const char *answer;
		enum err_code code;
	} rows[] = {
		{"wrong service key", 401, "{\"detail\":\"Invalid service API key\"}", ERR_INTERNAL},
		{"not set on the server", 503, "{}", ERR_INTERNAL},
		{"no such user", 404, "{}", ERR_NOT_FOUND},
		{"not in that organisation", 403, "{}", ERR_AUTH},
		{"no key in the answer", 200, "{\"key\":\"\"}", ERR_INTERNAL},
		{"a number as key", 200, "{\"key\":7}", ERR_INTERNAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_http_step step = MINT;
		step.status = rows[i].status;
		step.answer = rows[i].answer;
		struct http_client *fake = fake_http_new(&step, 1);
		CLEANUP(free_client) struct openhands *client = client_of(fake);
		struct openhands_orgs orgs;
		struct err err = {0};
		CHECK(rows[i].name, !openhands_list_orgs(client, &user, &orgs, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
		script_end(rows[i].name, fake);
	}
}

static void test_openhands_lists_organisations_of_the_personal_one(void)
{
	SCRIPT({.method = "POST",
		.url = BASE "/api/service/users/u1/orgs/u1/api-keys",
		.status = 200,
		.answer = "{\"key\":\"sk-2\"}"},
	       {.method = "GET",
		.url = BASE "/api/organizations?limit=100",
		.header = "Authorization: Bearer sk-2",
		.status = 200,
		.answer = "{\"items\":[{\"id\":\"o1\",\"name\":\"Acme\",\"is_personal\":false},"
			  "{\"name\":\"no id\"},{\"id\":\"u1\",\"name\":null,\"is_personal\":true}],"
			  "\"current_org_id\":\"o1\"}"});
	const struct openhands_user personal = {"u1", NULL};
	struct openhands_orgs orgs = {0};

	CU_ASSERT(openhands_list_orgs(client, &personal, &orgs, NULL));
	CU_ASSERT_FATAL(orgs.count == 2);
	CHECK_TEXT("name", orgs.list[0].name, "Acme");
	CHECK("personal", orgs.list[1].is_personal && !orgs.list[0].is_personal);
	script_end("orgs", fake);
}

#define SEARCH BASE "/api/v1/git/repositories/search?provider="

static void test_openhands_finds_a_repository_by_exact_name(void)
{
	SCRIPT(MINT,
	       {.method = "GET",
		.url = SEARCH "github&query=proj%2Fsite&limit=100",
		.status = 403,
		.answer = "{\"detail\":\"Git provider token required for github\"}"},
	       {.method = "GET",
		.url = SEARCH "bitbucket_data_center&query=proj%2Fsite&limit=100",
		.status = 200,
		.answer = "{\"items\":[{\"full_name\":\"PROJ/site-two\"},{\"full_name\":7},"
			  "{\"full_name\":\"PROJ/Site\",\"git_provider\":\"bitbucket_data_center\"}],"
			  "\"next_page_id\":\"x\"}"});
	static const char *const providers[] = {"github", "bitbucket_data_center", "gitlab"};
	struct openhands_repository found = {0};

	CU_ASSERT(openhands_find_repository(client, &user, providers, 3, "proj/site", &found, NULL));
	CHECK("found", found.is_found && found.has_provider);
	CHECK_TEXT("canonical", found.full_name, "PROJ/Site");
	CHECK_TEXT("provider", found.git_provider, "bitbucket_data_center");
	script_end("repository", fake);
}

static void test_openhands_tells_a_miss_from_a_failure(void)
{
	SCRIPT(MINT,
	       {.method = "GET",
		.url = SEARCH "github&query=a%2Fb&limit=100",
		.status = 200,
		.answer = "{\"items\":[{\"full_name\":\"a/b2\"}]}"},
	       {.method = "GET",
		.url = SEARCH "github&query=a%2Fb&limit=100",
		.status = 403,
		.answer = "{\"detail\":\"Git provider token required\"}"},
	       {.method = "GET", .url = SEARCH "github&query=a%2Fb&limit=100", .status = 502});
	static const char *const providers[] = {"github"};
	struct openhands_repository found = {0};
	struct err err = {0};

	CU_ASSERT(openhands_find_repository(client, &user, providers, 1, "a/b", &found, &err));
	CU_ASSERT(!found.is_found && found.has_provider);
	CU_ASSERT(openhands_find_repository(client, &user, providers, 1, "a/b", &found, &err));
	CU_ASSERT(!found.is_found && !found.has_provider);
	CU_ASSERT(!openhands_find_repository(client, &user, providers, 1, "a/b", &found, &err));
	CU_ASSERT(err.code == ERR_INTERNAL);
	script_end("miss", fake);
}

#define TASKS                                                                     \
	STARTS "/start-tasks/search?created_at__gte=2026-11-22T00%3A00%3A00.000Z" \
	       "&sort_order=CREATED_AT_DESC&limit=100"

static void test_openhands_finds_a_start_in_flight(void)
{
	SCRIPT(MINT,
	       {.method = "GET",
		.url = TASKS,
		.status = 200,
		.answer = "{\"items\":[{\"id\":\"t0\",\"status\":\"WORKING\",\"request\":null},null],"
			  "\"next_page_id\":\"p 2\"}"},
	       {.method = "GET",
		.url = TASKS "&page_id=p%202",
		.status = 200,
		.answer = "{\"items\":[{\"id\":\"t1\",\"status\":\"ERROR\",\"detail\":\"\","
			  "\"request\":{\"conversation_id\":\"" ID "\"}}],\"next_page_id\":null}"},
	       {.method = "GET", .url = TASKS, .status = 200, .answer = "{\"items\":[],\"next_page_id\":null}"});
	struct openhands_task task = {0};

	CU_ASSERT(openhands_find_task(client, &user, HEX, NOW_MS, &task, NULL));
	CHECK_TEXT("id", task.id, "t1");
	CHECK("error without a detail", task.status == OPENHANDS_TASK_ERROR && !task.detail[0]);
	CU_ASSERT(openhands_find_task(client, &user, HEX, NOW_MS, &task, NULL));
	CHECK("clean miss", task.status == OPENHANDS_TASK_MISSING);
	script_end("in flight", fake);
}

static void test_openhands_reads_conversations(void)
{
	SCRIPT(MINT,
	       {.method = "GET",
		.url = STARTS "?ids=" HEX,
		.status = 200,
		.answer = "[{\"id\":\"" HEX "\",\"sandbox_status\":\"RUNNING\",\"execution_status\":\"finished\","
			  "\"sandbox_id\":\"s1\"}]"},
	       {.method = "GET", .url = STARTS "?ids=c2", .status = 200, .answer = "[null]"},
	       {.method = "GET",
		.url = STARTS "?ids=c3",
		.status = 200,
		.answer = "[{\"id\":\"c3\",\"sandbox_status\":\"PAUSED\",\"execution_status\":null}]"});
	struct openhands_conversation found[3];

	CU_ASSERT(openhands_read_conversation(client, &user, ID, &found[0], NULL));
	CU_ASSERT(openhands_read_conversation(client, &user, "c2", &found[1], NULL));
	CU_ASSERT(openhands_read_conversation(client, &user, "c3", &found[2], NULL));
	CHECK("finished", found[0].execution == OPENHANDS_EXECUTION_FINISHED);
	CHECK("absent", !found[1].exists);
	CHECK("paused", found[2].sandbox == OPENHANDS_SANDBOX_PAUSED && found[2].execution == OPENHANDS_EXECUTION_NONE);
	script_end("conversations", fake);
}

/* --- events ------------------------------------------------------------------------------------------ */

#define EVENTS BASE "/api/v1/conversation/" HEX "/events/search?kind__eq="
#define MESSAGES EVENTS "MessageEvent&sort_order=TIMESTAMP_DESC&limit=100"
#define STATES EVENTS "ConversationStateUpdateEvent&sort_order=TIMESTAMP_DESC&limit=20"
#define ACTIONS EVENTS "ActionEvent&sort_order=TIMESTAMP_DESC&limit=20"
#define ERRORS EVENTS "ConversationErrorEvent&sort_order=TIMESTAMP_DESC&limit=5"
#define MESSAGE(source, stamp, text)                                                  \
	"{\"kind\":\"MessageEvent\",\"source\":\"" source "\",\"timestamp\":\"" stamp \
	"\",\"llm_message\":{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}}"
#define GET(address, items) \
	{.method = "GET", .url = address, .status = 200, .answer = "{\"items\":[" items "],\"next_page_id\":null}"}

static void test_openhands_outcome_is_what_came_after_our_message(void)
{
	SCRIPT(MINT,
	       GET(MESSAGES, MESSAGE("user", "2026-11-21T10:00:05.5",
				     "do it (ohdc-1)") "," MESSAGE("agent", "2026-11-21T10:00:03", "old words")),
	       GET(STATES, "{\"kind\":\"ConversationStateUpdateEvent\",\"key\":\"stats\","
			   "\"timestamp\":\"2026-11-21T10:00:09\",\"value\":{}},"
			   "{\"kind\":\"ConversationStateUpdateEvent\",\"key\":\"full_state\","
			   "\"timestamp\":\"2026-11-21T10:00:08\","
			   "\"value\":{\"execution_status\":\"finished\"}}"),
	       GET(ACTIONS, "{\"kind\":\"ActionEvent\",\"timestamp\":\"2026-11-21T10:00:07\","
			    "\"tool_name\":\"finish\",\"action\":{\"kind\":\"FinishAction\","
			    "\"message\":\"All done.\"}}"),
	       GET(ERRORS, "{\"kind\":\"ConversationErrorEvent\",\"timestamp\":\"2026-11-21T10:00:05Z\","
			   "\"code\":\"Old\",\"detail\":\"of before\"}"));
	CLEANUP(openhands_outcome_done) struct openhands_outcome outcome = {0};

	CU_ASSERT(openhands_read_outcome(client, &user, ID, "ohdc-1", &outcome, NULL));
	CHECK("seen", outcome.is_message_seen);
	CHECK("finished", outcome.execution == OPENHANDS_EXECUTION_FINISHED);
	CHECK_TEXT("final text", outcome.final_text, "All done.");
	CHECK_TEXT("an older error", outcome.error_code, "");
	script_end("outcome", fake);
}

static void test_openhands_outcome_reads_no_older_finish(void)
{
	SCRIPT(MINT, GET(MESSAGES, MESSAGE("user", "2026-11-21T10:00:05Z", "again ohdc-2")),
	       GET(STATES, "{\"kind\":\"ConversationStateUpdateEvent\",\"key\":\"execution_status\","
			   "\"timestamp\":\"2026-11-21T10:00:04.9Z\",\"value\":\"finished\"}"),
	       GET(ACTIONS, "{\"kind\":\"ActionEvent\",\"timestamp\":\"2026-11-21T10:00:04\","
			    "\"action\":{\"kind\":\"FinishAction\",\"message\":\"old\"}}"),
	       GET(ERRORS, ""));
	CLEANUP(openhands_outcome_done) struct openhands_outcome outcome = {0};

	CU_ASSERT(openhands_read_outcome(client, &user, ID, "ohdc-2", &outcome, NULL));
	CHECK("seen", outcome.is_message_seen);
	CHECK("not the old state", outcome.execution == OPENHANDS_EXECUTION_NONE);
	CHECK_TEXT("not the old text", outcome.final_text, NULL);
	script_end("older finish", fake);
}

static void test_openhands_outcome_of_a_plain_answer_and_an_error(void)
{
	SCRIPT(MINT,
	       GET(MESSAGES, MESSAGE("agent", "2026-11-21T10:00:08", "Newest.") "," MESSAGE(
				     "agent", "2026-11-21T10:00:07",
				     "Older.") "," MESSAGE("user", "2026-11-21T10:00:05", "ohdc-3")),
	       GET(STATES, "{\"kind\":\"ConversationStateUpdateEvent\",\"key\":\"execution_status\","
			   "\"timestamp\":\"2026-11-21T10:00:09\",\"value\":\"error\"}"),
	       GET(ACTIONS, "{\"kind\":\"ActionEvent\",\"timestamp\":\"2026-11-21T10:00:06\","
			    "\"tool_name\":\"terminal\",\"action\":{\"kind\":\"Bash\","
			    "\"message\":\"no\"}},7,{\"kind\":\"Other\"}"),
	       GET(ERRORS, "{\"kind\":\"ConversationErrorEvent\",\"timestamp\":\"2026-11-21T10:00:09\","
			   "\"code\":\"LLMError\",\"detail\":\"no budget\"}"));
	CLEANUP(openhands_outcome_done) struct openhands_outcome outcome = {0};

	CU_ASSERT(openhands_read_outcome(client, &user, ID, "ohdc-3", &outcome, NULL));
	CHECK("error", outcome.execution == OPENHANDS_EXECUTION_ERROR);
	CHECK_TEXT("last words", outcome.final_text, "Newest.");
	CHECK_TEXT("code", outcome.error_code, "LLMError");
	CHECK_TEXT("detail", outcome.error_detail, "no budget");
	script_end("plain answer", fake);
}

static void test_openhands_outcome_without_our_message_reads_nothing_else(void)
{
	SCRIPT(MINT,
	       {.method = "GET",
		.url = MESSAGES,
		.status = 200,
		.answer = "{\"items\":[" MESSAGE("agent", "2026-11-21T10:00:08",
						 "quotes ohdc-4") "],\"next_page_id\":\"2\"}"},
	       GET(MESSAGES "&page_id=2", "{\"kind\":\"MessageEvent\",\"source\":\"user\"},"
					  "{\"kind\":\"MessageEvent\",\"llm_message\":7}"));
	struct openhands_outcome outcome = {0};

	CU_ASSERT(openhands_read_outcome(client, &user, ID, "ohdc-4", &outcome, NULL));
	CU_ASSERT(!outcome.is_message_seen && !outcome.final_text);
	script_end("not seen", fake);
}

static void test_openhands_names_a_conversation(void)
{
	SCRIPT(MINT, {.method = "PATCH", .url = STARTS "/" HEX, .body = "{\"title\":\"T\"}", .status = 200});

	CU_ASSERT(openhands_rename(client, &user, ID, "T", NULL));
	script_end("title", fake);
}

static void test_openhands_reads_a_sandbox(void)
{
	SCRIPT(MINT,
	       {.method = "GET",
		.url = BASE "/api/v1/sandboxes?id=" HEX,
		.status = 200,
		.answer = "[{\"id\":\"" HEX "\",\"status\":\"RUNNING\"}]"},
	       {.method = "GET", .url = BASE "/api/v1/sandboxes?id=" HEX, .status = 200, .answer = "[null]"},
	       {.method = "GET", .url = BASE "/api/v1/sandboxes?id=" HEX, .status = 200, .answer = "{}"});
	enum openhands_sandbox sandbox = OPENHANDS_SANDBOX_ERROR;
	struct err err = {0};

	CU_ASSERT(openhands_read_sandbox(client, &user, ID, &sandbox, NULL));
	CU_ASSERT(sandbox == OPENHANDS_SANDBOX_RUNNING);
	CU_ASSERT(openhands_read_sandbox(client, &user, ID, &sandbox, NULL));
	CU_ASSERT(sandbox == OPENHANDS_SANDBOX_MISSING);
	CU_ASSERT(!openhands_read_sandbox(client, &user, ID, &sandbox, &err));
	CU_ASSERT(err.code == ERR_INTERNAL);
	script_end("sandbox", fake);
}

static void test_openhands_limits_are_known_by_their_words(void)
{
	static const struct {
		const char *text;
		enum openhands_limit limit;
	} rows[] = {
		{"CONCURRENCY_LIMIT_REACHED: 3 of 3", OPENHANDS_LIMIT_CONCURRENCY},
		{"error daily_conversation_limit_reached", OPENHANDS_LIMIT_DAILY},
		{"OpenHands answered 429", OPENHANDS_LIMIT_RATE},
		{"git clone failed", OPENHANDS_LIMIT_NONE},
		{"", OPENHANDS_LIMIT_NONE},
		{NULL, OPENHANDS_LIMIT_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].text ? rows[i].text : "nothing", openhands_limit_of(rows[i].text) == rows[i].limit);
}

void suite_openhands(void)
{
	CU_pSuite suite = CU_add_suite("openhands", NULL, NULL);
	CU_ADD_TEST(suite, test_openhands_starts_once_with_a_minted_key);
	CU_ADD_TEST(suite, test_openhands_body_of_a_start_has_all_fields);
	CU_ADD_TEST(suite, test_openhands_mints_once_more_after_a_401);
	CU_ADD_TEST(suite, test_openhands_refusals_of_a_start);
	CU_ADD_TEST(suite, test_openhands_service_key_trouble_is_no_fault_of_the_person);
	CU_ADD_TEST(suite, test_openhands_lists_organisations_of_the_personal_one);
	CU_ADD_TEST(suite, test_openhands_finds_a_repository_by_exact_name);
	CU_ADD_TEST(suite, test_openhands_tells_a_miss_from_a_failure);
	CU_ADD_TEST(suite, test_openhands_finds_a_start_in_flight);
	CU_ADD_TEST(suite, test_openhands_reads_conversations);
	CU_ADD_TEST(suite, test_openhands_outcome_is_what_came_after_our_message);
	CU_ADD_TEST(suite, test_openhands_outcome_reads_no_older_finish);
	CU_ADD_TEST(suite, test_openhands_outcome_of_a_plain_answer_and_an_error);
	CU_ADD_TEST(suite, test_openhands_outcome_without_our_message_reads_nothing_else);
	CU_ADD_TEST(suite, test_openhands_names_a_conversation);
	CU_ADD_TEST(suite, test_openhands_reads_a_sandbox);
	CU_ADD_TEST(suite, test_openhands_limits_are_known_by_their_words);
}
