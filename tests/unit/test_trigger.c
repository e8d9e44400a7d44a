/* trigger: what deliveries of both products ask for. Bodies are written in the shapes that the products send. */
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/trigger.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define JIRA "http://jira.example.com:8080/jira/rest/api/2"
#define ALICE                                                                                      \
	"{\"self\":\"" JIRA "/user?username=alice\",\"name\":\"alice\",\"key\":\"JIRAUSER10100\"," \
	"\"emailAddress\":\"alice@example.com\",\"displayName\":\"Alice A\",\"active\":true}"
#define BOT "{\"self\":\"" JIRA "/user?username=oh-bot\",\"name\":\"oh-bot\",\"key\":\"oh-bot\"}"
#define COMMENT_OF(author, text, updated)                                                                  \
	"\"comment\":{\"self\":\"" JIRA "/issue/10013/comment/10082\",\"id\":\"10082\",\"author\":" author \
	",\"body\":\"" text "\",\"created\":\"2021-01-10T10:12:47.824+0100\",\"updated\":\"" updated "\"}"
#define CREATED_AT "2021-01-10T10:12:47.824+0100"
#define EDITED_AT "2021-01-10T11:12:47.824+0100"
#define COMMENT(text) COMMENT_OF(ALICE, text, CREATED_AT)
#define ISSUE(fields) \
	"\"issue\":{\"id\":\"10013\",\"self\":\"" JIRA "/issue/10013\",\"key\":\"PRJ-42\",\"fields\":{" fields "}}"
#define LABELS(from, to)                                                                           \
	"\"changelog\":{\"id\":\"10233\",\"items\":[{\"field\":\"labels\",\"fieldtype\":\"jira\"," \
	"\"from\":null,\"fromString\":" from ",\"to\":null,\"toString\":" to "}]}"
#define EVENT(name) "\"timestamp\":1610269967900,\"webhookEvent\":\"" name "\""
#define UPDATED(type) EVENT("jira:issue_updated") ",\"issue_event_type_name\":\"" type "\",\"user\":" ALICE

static const int64_t created_ms = 1610269967824;

static const struct bot jira_bot = {.label = "openhands", .names = {"oh-bot", "oh@example.com"}};
static const struct bot bitbucket_bot = {.label = "openhands", .names = {"oh-bot", "99"}};

static void decide(enum provider provider, const char *event, const char *text, struct ask *ret)
{
	const struct trigger_context context = {
		.provider = provider,
		.instance_id = 3,
		.event = event,
		.bot = provider == PROVIDER_JIRA ? &jira_bot : &bitbucket_bot,
		.received_at_ms = created_ms + 1000,
	};
	json_error_t error;
	json_auto_t *body = json_loads(text, JSON_DECODE_ANY, &error);
	CHECK(text, body != NULL);
	trigger_decide(&context, body, ret);
}

static void test_trigger_jira_decides(void)
{
	static const struct {
		const char *name;
		const char *body;
		enum reason verdict;
		enum trigger_kind kind;
		const char *event_key;
		const char *alias_key;
		const char *actor_key;
	} rows[] = {
		{"bare comment_created", "{" EVENT("comment_created") "," COMMENT("@openhands fix") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"comment_created with issue",
		 "{" EVENT("comment_created") "," ISSUE("\"summary\":\"x\"") "," COMMENT("@openhands fix") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"issue_updated with comment",
		 "{" UPDATED("issue_commented") "," ISSUE("\"summary\":\"x\"") "," COMMENT("@openhands fix") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"comment_updated",
		 "{" EVENT("comment_updated") ",\"user\":" BOT "," COMMENT_OF(ALICE, "@openhands", EDITED_AT) "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"comment without mention", "{" EVENT("comment_created") "," COMMENT("hello") "}", REASON_NO_TRIGGER,
		 TRIGGER_NONE, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"comment by the bot", "{" EVENT("comment_created") "," COMMENT_OF(BOT, "@openhands", CREATED_AT) "}",
		 REASON_BOT_AUTHOR, TRIGGER_NONE, "jira:3:comment:10082", NULL, "oh-bot"},
		{"comment by the bot, without mention",
		 "{" EVENT("comment_created") "," COMMENT_OF(BOT, "done", CREATED_AT) "}", REASON_BOT_AUTHOR,
		 TRIGGER_NONE, "jira:3:comment:10082", NULL, "oh-bot"},
		{"comment with our marker",
		 "{" EVENT("comment_created") "," COMMENT("@openhands\\n{anchor:ohdc-0123456789abcdef}\\n") "}",
		 REASON_BOT_AUTHOR, TRIGGER_NONE, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"marker that is not the last line",
		 "{" EVENT("comment_created") "," COMMENT("{anchor:ohdc-0123456789abcdef}\\n@openhands") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"marker in a sentence",
		 "{" EVENT("comment_created") "," COMMENT("@openhands what is ohdc-0123456789abcdef?") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"marker that is too short",
		 "{" EVENT("comment_created") "," COMMENT("@openhands\\n{anchor:ohdc-0123456789abcde}") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "JIRAUSER10100"},
		{"label added to a set",
		 "{" UPDATED("issue_updated") "," ISSUE("\"x\":1") "," LABELS("\"bad\"", "\"bad openhands\"") "}",
		 REASON_TRIGGERED, TRIGGER_LABEL, "jira:3:label:10013:10233", NULL, "JIRAUSER10100"},
		{"label added to none",
		 "{" UPDATED("issue_updated") "," ISSUE("\"x\":1") "," LABELS("null", "\"openhands\"") "}",
		 REASON_TRIGGERED, TRIGGER_LABEL, "jira:3:label:10013:10233", NULL, "JIRAUSER10100"},
		{"label stays when another goes",
		 "{" UPDATED("issue_updated") "," ISSUE("\"x\":1") "," LABELS("\"a openhands\"", "\"openhands\"") "}",
		 REASON_NO_TRIGGER, TRIGGER_NONE, NULL, NULL, "JIRAUSER10100"},
		{"label removed",
		 "{" UPDATED("issue_updated") "," ISSUE("\"x\":1") "," LABELS("\"openhands\"", "\"\"") "}",
		 REASON_NO_TRIGGER, TRIGGER_NONE, NULL, NULL, "JIRAUSER10100"},
		{"label that only starts like it",
		 "{" UPDATED("issue_updated") "," ISSUE("\"x\":1") "," LABELS("\"\"", "\"openhands-later\"") "}",
		 REASON_NO_TRIGGER, TRIGGER_NONE, NULL, NULL, "JIRAUSER10100"},
		{"label by the bot",
		 "{" EVENT("jira:issue_updated") ",\"user\":" BOT
						 "," ISSUE("\"x\":1") "," LABELS("\"\"", "\"openhands\"") "}",
		 REASON_BOT_AUTHOR, TRIGGER_NONE, "jira:3:label:10013:10233", NULL, "oh-bot"},
		{"label and comment",
		 "{" UPDATED("issue_generic") "," ISSUE("\"x\":1") "," COMMENT("@openhands") "," LABELS(
			 "\"\"", "\"openhands\"") "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", "jira:3:label:10013:10233", "JIRAUSER10100"},
		{"label and a comment without mention",
		 "{" UPDATED("issue_generic") "," ISSUE("\"x\":1") "," COMMENT("hi") "," LABELS("\"\"", "\"openhands\"") "}",
		 REASON_TRIGGERED, TRIGGER_LABEL, "jira:3:label:10013:10233", NULL, "JIRAUSER10100"},
		{"label at creation",
		 "{" EVENT("jira:issue_created") ",\"user\":" ALICE "," ISSUE("\"labels\":[\"a\",\"openhands\"]") "}",
		 REASON_TRIGGERED, TRIGGER_LABEL, "jira:3:label:10013:created", NULL, "JIRAUSER10100"},
		{"mention in a description",
		 "{" EVENT("jira:issue_created") ",\"user\":" ALICE
						 "," ISSUE("\"labels\":[],\"description\":\"@openhands\"") "}",
		 REASON_NO_TRIGGER, TRIGGER_NONE, NULL, NULL, "JIRAUSER10100"},
		{"plain change by the bot", "{" EVENT("jira:issue_updated") ",\"user\":" BOT "," ISSUE("\"x\":1") "}",
		 REASON_BOT_AUTHOR, TRIGGER_NONE, NULL, NULL, "oh-bot"},
		{"another event", "{" EVENT("jira:issue_deleted") "," ISSUE("\"x\":1") "}", REASON_NO_TRIGGER,
		 TRIGGER_NONE, NULL, NULL, NULL},
		{"comment_deleted", "{" EVENT("comment_deleted") "," COMMENT("@openhands") "}", REASON_NO_TRIGGER,
		 TRIGGER_NONE, NULL, NULL, NULL},
		{"no event at all", "{}", REASON_NO_TRIGGER, TRIGGER_NONE, NULL, NULL, NULL},
		{"not an object", "[1]", REASON_MALFORMED, TRIGGER_NONE, NULL, NULL, NULL},
		{"comment is a text", "{" EVENT("comment_created") ",\"comment\":\"x\"}", REASON_MALFORMED,
		 TRIGGER_NONE, NULL, NULL, NULL},
		{"no comment", "{" EVENT("comment_created") "," ISSUE("\"x\":1") "}", REASON_MALFORMED, TRIGGER_NONE,
		 NULL, NULL, NULL},
		{"comment id is an object", "{" EVENT("comment_created") "," ISSUE("\"x\":1") ",\"comment\":{\"id\":{}}}",
		 REASON_MALFORMED, TRIGGER_NONE, NULL, NULL, NULL},
		{"comment id tries to be a key",
		 "{" EVENT("comment_created") "," ISSUE("\"x\":1") ",\"comment\":{\"id\":\"1:2\"}}", REASON_MALFORMED,
		 TRIGGER_NONE, NULL, NULL, NULL},
		{"body is a document",
		 "{" EVENT("comment_created") "," ISSUE(
			 "\"x\":1") ",\"comment\":{\"id\":\"1\",\"body\":{\"type\":\"doc\"}}}",
		 REASON_MALFORMED, TRIGGER_NONE, NULL, NULL, NULL},
		{"no issue anywhere", "{" EVENT("comment_created") ",\"comment\":{\"id\":\"1\",\"body\":\"@openhands\"}}",
		 REASON_MALFORMED, TRIGGER_NONE, NULL, NULL, NULL},
		{"wrong types that nobody needs",
		 "{" EVENT("jira:issue_updated") ",\"user\":[],\"changelog\":{\"items\":{\"a\":1}}"
						 "," ISSUE("\"labels\":7") "}",
		 REASON_NO_TRIGGER, TRIGGER_NONE, NULL, NULL, NULL},
		{"author with an account id",
		 "{" EVENT("comment_created") "," COMMENT_OF("{\"accountId\":\"5c5f\"}", "@openhands", CREATED_AT) "}",
		 REASON_TRIGGERED, TRIGGER_COMMENT, "jira:3:comment:10082", NULL, "5c5f"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(ask_done) struct ask ask;
		decide(PROVIDER_JIRA, NULL, rows[i].body, &ask);
		CHECK_TEXT(rows[i].name, reason_name(ask.verdict), reason_name(rows[i].verdict));
		CHECK(rows[i].name, ask.kind == rows[i].kind);
		CHECK(rows[i].name, (ask.detail[0] == '\0') == (ask.verdict == REASON_TRIGGERED));
		if (rows[i].verdict == REASON_MALFORMED) continue;
		CHECK_TEXT(rows[i].name, ask.event_key, rows[i].event_key);
		CHECK_TEXT(rows[i].name, ask.alias_key, rows[i].alias_key);
		CHECK_TEXT(rows[i].name, ask.actor.key, rows[i].actor_key);
	}
}

static void test_trigger_jira_reads_the_rest(void)
{
	CLEANUP(ask_done) struct ask ask;
	decide(PROVIDER_JIRA, "ignored",
	       "{" UPDATED("issue_commented") "," ISSUE(
		       "\"description\":\"in acme/web\"") ",\"comment\":{"
							  "\"id\":10082,\"self\":\"" JIRA "/issue/10013/comment/"
							  "10082\",\"author\":" ALICE
							  ",\"body\":\"@openhands\\nRepository: "
							  "acme/api\",\"created\":\"" CREATED_AT
							  "\",\"updated\":\"" CREATED_AT
							  "\",\"visibility\":{\"type\":\"role\","
							  "\"value\":\"Developers\"}}}",
	       &ask);
	CU_ASSERT_STRING_EQUAL(ask.event, "jira:issue_updated");
	CU_ASSERT_STRING_EQUAL(ask.subject, "jira:3:10013");
	CU_ASSERT_STRING_EQUAL(ask.issue_id, "10013");
	CU_ASSERT_STRING_EQUAL(ask.issue_key, "PRJ-42");
	CU_ASSERT_STRING_EQUAL(ask.comment_id, "10082");
	CU_ASSERT_STRING_EQUAL(ask.actor.name, "alice");
	CU_ASSERT_STRING_EQUAL(ask.actor.email, "alice@example.com");
	CU_ASSERT_STRING_EQUAL(ask.actor.display_name, "Alice A");
	CU_ASSERT_STRING_EQUAL(ask.visibility_type, "role");
	CU_ASSERT_STRING_EQUAL(ask.visibility_value, "Developers");
	CU_ASSERT(ask.happened_at_ms == created_ms && !ask.is_edit && ask.is_mention);
	CU_ASSERT_FATAL(ask.repositories.count == 2);
	CU_ASSERT_STRING_EQUAL(ask.repositories.list[0].name, "acme/api");
	CU_ASSERT_STRING_EQUAL(ask.repositories.list[1].name, "acme/web");
}

#define REPO(key, id, slug) "\"repository\":{\"slug\":\"" slug "\"," id "\"project\":{\"key\":\"" key "\"}}"
#define PULL(to)                                                                                \
	"\"pullRequest\":{\"id\":7,\"title\":\"Fix\",\"fromRef\":{\"id\":\"refs/heads/feature/" \
	"x\",\"displayId\":"                                                                    \
	"\"feature/x\"," REPO("~ANN", "\"id\":31,", "app") "},\"toRef\":{\"id\":\"refs/heads/main\"," to "}}"
#define ANN                                                                                     \
	"{\"name\":\"Ann.B\",\"emailAddress\":\"ann@example.com\",\"id\":3231,\"displayName\":" \
	"\"Ann\",\"slug\":\"ann.b\"}"
#define BB_BOT "{\"name\":\"bot\",\"id\":99,\"slug\":\"bot\"}"
#define BB(author, text, more)                                                                                  \
	"{\"eventKey\":\"pr:comment:added\",\"date\":\"2021-01-10T09:12:48+0000\",\"actor\":" ANN               \
	"," PULL(REPO("TEAM", "\"id\":12,",                                                                     \
		      "app")) ",\"comment\":{\"id\":167,\"version\":0,\"text\":\"" text "\",\"author\":" author \
			      ",\"createdDate\":1610269967824,\"updatedDate\":1610269969000" more "}"

static void test_trigger_bitbucket_decides(void)
{
	static const struct {
		const char *name;
		const char *event;
		const char *body;
		enum reason verdict;
		const char *event_key;
	} rows[] = {
		{"added", "pr:comment:added", BB(ANN, "@openhands fix", "}"), REASON_TRIGGERED,
		 "bitbucket:3:12:comment:167"},
		{"edited", "pr:comment:edited", BB(ANN, "@openhands fix", "}"), REASON_TRIGGERED,
		 "bitbucket:3:12:comment:167"},
		{"event from the body", NULL, BB(ANN, "@openhands fix", "}"), REASON_TRIGGERED,
		 "bitbucket:3:12:comment:167"},
		{"no repository id", "pr:comment:added",
		 "{\"actor\":" ANN "," PULL(REPO("TEAM", "", "app")) ",\"comment\":{\"id\":1,\"text\":\"@openhands\"}}",
		 REASON_TRIGGERED, "bitbucket:3:TEAM/app:comment:1"},
		{"no mention", "pr:comment:added", BB(ANN, "hello", "}"), REASON_NO_TRIGGER, "bitbucket:3:12:comment:167"},
		{"the bot by its id", "pr:comment:added", BB(BB_BOT, "@openhands", "}"), REASON_BOT_AUTHOR,
		 "bitbucket:3:12:comment:167"},
		{"our marker under the asker's name", "pr:comment:added",
		 BB(ANN, "@openhands\\n\\n[ohdc]: # (ohdc-0123456789abcdef)", "}"), REASON_BOT_AUTHOR,
		 "bitbucket:3:12:comment:167"},
		{"our marker quoted", "pr:comment:added", BB(ANN, "@openhands\\n> [ohdc]: # (ohdc-0123456789abcdef)", "}"),
		 REASON_TRIGGERED, "bitbucket:3:12:comment:167"},
		{"deleted", "pr:comment:deleted", BB(ANN, "@openhands", "}"), REASON_NO_TRIGGER, NULL},
		{"ping", "diagnostics:ping", "{\"test\":true}", REASON_NO_TRIGGER, NULL},
		{"no event", NULL, "{}", REASON_NO_TRIGGER, NULL},
		{"nobody wrote it", "pr:comment:added",
		 "{" PULL(REPO("TEAM", "", "app")) ",\"comment\":{\"id\":1,\"text\":\"@openhands\"}}", REASON_MALFORMED,
		 NULL},
		{"comment id is a word", "pr:comment:added",
		 "{\"actor\":" ANN
		 "," PULL(REPO("TEAM", "", "app")) ",\"comment\":{\"id\":\"x\",\"text\":\"@openhands\"}}",
		 REASON_MALFORMED, NULL},
		{"no pull request", "pr:comment:added", "{\"comment\":{\"id\":1}}", REASON_MALFORMED, NULL},
		{"no repository", "pr:comment:added", "{\"pullRequest\":{\"id\":1},\"comment\":{\"id\":1}}",
		 REASON_MALFORMED, NULL},
		{"no comment", "pr:comment:added", "{" PULL(REPO("TEAM", "", "app")) "}", REASON_MALFORMED, NULL},
		{"text is a list", "pr:comment:added",
		 "{" PULL(REPO("TEAM", "", "app")) ",\"comment\":{\"id\":1,\"text\":[\"@openhands\"]}}",
		 REASON_MALFORMED, NULL},
		{"not an object", "pr:comment:added", "7", REASON_MALFORMED, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(ask_done) struct ask ask;
		decide(PROVIDER_BITBUCKET, rows[i].event, rows[i].body, &ask);
		CHECK_TEXT(rows[i].name, reason_name(ask.verdict), reason_name(rows[i].verdict));
		if (rows[i].verdict != REASON_MALFORMED) CHECK_TEXT(rows[i].name, ask.event_key, rows[i].event_key);
	}
}

static void test_trigger_bitbucket_reads_the_rest(void)
{
	CLEANUP(ask_done) struct ask ask;
	decide(PROVIDER_BITBUCKET, "pr:comment:edited",
	       BB(ANN, "@openhands", "},\"commentParentId\":164,\"commentAnchor\":{\"path\":\"src/a.c\",\"line\":12}"),
	       &ask);
	CU_ASSERT_STRING_EQUAL(ask.subject, "bitbucket:3:12:7");
	CU_ASSERT_STRING_EQUAL(ask.pull_request_id, "7");
	CU_ASSERT_STRING_EQUAL(ask.pull_request_title, "Fix");
	CU_ASSERT_STRING_EQUAL(ask.project_key, "TEAM");
	CU_ASSERT_STRING_EQUAL(ask.repo_slug, "app");
	CU_ASSERT_STRING_EQUAL(ask.repo_id, "12");
	CU_ASSERT_STRING_EQUAL(ask.from_project_key, "~ANN");
	CU_ASSERT_STRING_EQUAL(ask.from_repo_slug, "app");
	CU_ASSERT_STRING_EQUAL(ask.branch, "feature/x");
	CU_ASSERT_STRING_EQUAL(ask.actor.id, "3231");
	CU_ASSERT_STRING_EQUAL(ask.actor.key, "ann.b");
	CU_ASSERT_STRING_EQUAL(ask.actor.name, "Ann.B");
	CU_ASSERT_STRING_EQUAL(ask.parent_id, "164");
	CU_ASSERT_STRING_EQUAL(ask.anchor_path, "src/a.c");
	CU_ASSERT(ask.anchor_line == 12);
	CU_ASSERT(ask.is_edit && ask.happened_at_ms == 1610269969000);
	CU_ASSERT_FATAL(ask.repositories.count == 1);
	CU_ASSERT_STRING_EQUAL(ask.repositories.list[0].name, "TEAM/app");
}

static void test_trigger_bitbucket_takes_all_anchors(void)
{
	static const struct {
		const char *more;
		const char *path;
		int64_t line;
		const char *parent;
	} rows[] = {
		{"}", NULL, 0, NULL},
		{",\"anchor\":{\"path\":\"a.c\",\"line\":3}}", "a.c", 3, NULL},
		{",\"anchor\":{\"path\":{\"components\":[\"src\",\"a.c\"],\"name\":\"a.c\"}}}", "src/a.c", 0, NULL},
		{"},\"commentAnchor\":{\"path\":\"b.c\"}", "b.c", 0, NULL},
		{",\"parent\":{\"id\":5}}", NULL, 0, "5"},
		{"},\"commentAnchor\":7", NULL, 0, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(ask_done) struct ask ask;
		char body[2048];
		(void)snprintf(body, sizeof(body), "%s%s}", BB(ANN, "@openhands", ""), "");
		body[strlen(body) - 2] = '\0';
		(void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s}", rows[i].more);
		decide(PROVIDER_BITBUCKET, "pr:comment:added", body, &ask);
		CHECK(rows[i].more, ask.verdict == REASON_TRIGGERED);
		CHECK_TEXT(rows[i].more, ask.anchor_path, rows[i].path);
		CHECK(rows[i].more, ask.anchor_line == rows[i].line);
		CHECK_TEXT(rows[i].more, ask.parent_id, rows[i].parent);
	}
}

static void test_trigger_becomes_stale(void)
{
	static const struct {
		const char *name;
		const char *updated;
		int64_t received_after_ms;
		int64_t max_age_ms;
		int64_t activated_after_ms;
		enum reason verdict;
	} rows[] = {
		{"fresh", CREATED_AT, 1000, 60000, 0, REASON_TRIGGERED},
		{"exactly as old as allowed", CREATED_AT, 60000, 60000, 0, REASON_TRIGGERED},
		{"older", CREATED_AT, 60001, 60000, 0, REASON_STALE},
		{"no limit", CREATED_AT, 6000000000, 0, 0, REASON_TRIGGERED},
		{"new comment before activation", CREATED_AT, 1000, 60000, 500, REASON_TRIGGERED},
		{"edit before activation", EDITED_AT, 3601000, 60000, 3600001, REASON_STALE},
		{"edit at activation", EDITED_AT, 3601000, 60000, 3600000, REASON_TRIGGERED},
		{"edit counts, not the comment's age", EDITED_AT, 3601000, 60000, 0, REASON_TRIGGERED},
		{"from the future", EDITED_AT, 0, 60000, 0, REASON_TRIGGERED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(ask_done) struct ask ask;
		const struct trigger_context context = {
			.provider = PROVIDER_JIRA,
			.instance_id = 1,
			.bot = &jira_bot,
			.received_at_ms = created_ms + rows[i].received_after_ms,
			.max_age_ms = rows[i].max_age_ms,
			.activated_at_ms = rows[i].activated_after_ms > 0 ? created_ms + rows[i].activated_after_ms : 0,
		};
		char text[2048];
		json_auto_t *body = NULL;
		(void)snprintf(text, sizeof(text), "{%s}",
			       strcmp(rows[i].updated, CREATED_AT) == 0
				       ? EVENT("comment_created") "," COMMENT("@openhands")
				       : EVENT("comment_updated") "," COMMENT_OF(ALICE, "@openhands", EDITED_AT));
		body = json_loads(text, 0, NULL);
		trigger_decide(&context, body, &ask);
		CHECK_TEXT(rows[i].name, reason_name(ask.verdict), reason_name(rows[i].verdict));
		CHECK(rows[i].name, ask.kind == TRIGGER_COMMENT);
	}
}

static void test_trigger_subject_is_the_asks(void)
{
	static const struct {
		enum provider provider;
		const char *body;
		const char *subject;
	} rows[] = {
		{PROVIDER_JIRA, "{" EVENT("comment_created") "," COMMENT("x") "}", "jira:3:10013"},
		{PROVIDER_JIRA, "{" ISSUE("\"x\":1") "}", "jira:3:10013"},
		{PROVIDER_JIRA, "{\"issue\":{\"id\":10013}}", "jira:3:10013"},
		{PROVIDER_JIRA, "{\"comment\":{\"self\":\"http://h/issue/9/rest/api/2/issue/8/comment/1\"}}", "jira:3:8"},
		{PROVIDER_JIRA, "{\"comment\":{\"self\":\"http://h/rest/api/2/issue/PRJ-1/comment/1\"}}", NULL},
		{PROVIDER_JIRA, "{\"issue\":{\"id\":\"a b\"}}", NULL},
		{PROVIDER_JIRA, "{}", NULL},
		{PROVIDER_BITBUCKET, BB(ANN, "x", "}"), "bitbucket:3:12:7"},
		{PROVIDER_BITBUCKET, "{" PULL(REPO("~ANN", "", "app")) "}", "bitbucket:3:~ANN/app:7"},
		{PROVIDER_BITBUCKET, "{\"pullRequest\":{\"id\":1}}", NULL},
		{PROVIDER_BITBUCKET, "[]", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *body = json_loads(rows[i].body, 0, NULL);
		CLEANUP(mem_free_text) char *subject = trigger_subject(rows[i].provider, 3, body);
		CLEANUP(ask_done) struct ask ask;
		CHECK_TEXT(rows[i].body, subject, rows[i].subject);
		decide(rows[i].provider, "x", rows[i].body, &ask);
		CHECK_TEXT(rows[i].body, ask.subject, json_is_object(body) ? rows[i].subject : NULL);
	}
}

static void test_trigger_event_name(void)
{
	json_auto_t *jira = json_loads("{\"webhookEvent\":\"comment_created\"}", 0, NULL);
	json_auto_t *bitbucket = json_loads("{\"eventKey\":\"pr:opened\"}", 0, NULL);
	CLEANUP(mem_free_text) char *jira_name = trigger_event_name(PROVIDER_JIRA, jira);
	CLEANUP(mem_free_text) char *bitbucket_name = trigger_event_name(PROVIDER_BITBUCKET, bitbucket);
	CLEANUP(mem_free_text) char *none = trigger_event_name(PROVIDER_BITBUCKET, jira);
	CU_ASSERT_STRING_EQUAL(jira_name, "comment_created");
	CU_ASSERT_STRING_EQUAL(bitbucket_name, "pr:opened");
	CU_ASSERT_PTR_NULL(none);
}

static void test_trigger_origin_is_the_connections(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		const char *body;
		struct trigger_origin origin;
		bool is_ok;
	} rows[] = {
		{"jira's own host",
		 PROVIDER_JIRA,
		 "{" ISSUE("\"x\":1") "," COMMENT("x") "}",
		 {.host = "jira.example.com"},
		 true},
		{"another host", PROVIDER_JIRA, "{" ISSUE("\"x\":1") "}", {.host = "jira.example.org"}, false},
		{"one of two differs",
		 PROVIDER_JIRA,
		 "{" ISSUE("\"x\":1") ",\"user\":{\"self\":\"https://evil.example/x\"}}",
		 {.host = "jira.example.com"},
		 false},
		{"no links", PROVIDER_JIRA, "{}", {.host = "jira.example.com"}, true},
		{"links of wrong types", PROVIDER_JIRA, "{\"issue\":{\"self\":7}}", {.host = "jira.example.com"}, true},
		{"the repository",
		 PROVIDER_BITBUCKET,
		 BB(ANN, "x", "}"),
		 {.project_key = "TEAM", .repo_slug = "app", .repo_id = 12},
		 true},
		{"renamed, same id",
		 PROVIDER_BITBUCKET,
		 BB(ANN, "x", "}"),
		 {.project_key = "TEAM", .repo_slug = "old", .repo_id = 12},
		 true},
		{"made anew, same name",
		 PROVIDER_BITBUCKET,
		 BB(ANN, "x", "}"),
		 {.project_key = "TEAM", .repo_slug = "app", .repo_id = 11},
		 true},
		{"another repository",
		 PROVIDER_BITBUCKET,
		 BB(ANN, "x", "}"),
		 {.project_key = "TEAM", .repo_slug = "old", .repo_id = 11},
		 false},
		{"another, id not known",
		 PROVIDER_BITBUCKET,
		 BB(ANN, "x", "}"),
		 {.project_key = "OTHER", .repo_slug = "app"},
		 false},
		{"top-level repository",
		 PROVIDER_BITBUCKET,
		 "{" REPO("TEAM", "", "app") "}",
		 {.project_key = "TEAM", .repo_slug = "app"},
		 true},
		{"no repository", PROVIDER_BITBUCKET, "{\"test\":true}", {.project_key = "TEAM", .repo_slug = "app"}, true},
		{"repository without a name",
		 PROVIDER_BITBUCKET,
		 "{\"repository\":{}}",
		 {.project_key = "TEAM", .repo_slug = "app"},
		 false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *body = json_loads(rows[i].body, 0, NULL);
		CHECK(rows[i].name, trigger_origin_ok(rows[i].provider, body, &rows[i].origin) == rows[i].is_ok);
	}
}

static void test_trigger_may_ask_keeps_what_could(void)
{
	static const struct {
		const char *body;
		bool may;
	} rows[] = {
		{"{\"text\":\"@OpenHands\"}", true},
		{"{\"labels\":[\"openhands\"]}", true},
		{"{\"text\":\"[~OH-BOT]\"}", true},
		{"{\"text\":\"@\\u006fpenhands\"}", true},
		{"{\"text\":\"hello\"}", false},
		{"{\"id\":99}", false},
		{"", false},
	};
	const struct bot bot = {.label = "openhands", .names = {NULL, "oh-bot", "99", ""}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].body, trigger_may_ask(bytes_text(rows[i].body), &bot) == rows[i].may);
}

void suite_trigger(void)
{
	CU_pSuite suite = CU_add_suite("trigger", NULL, NULL);
	CU_ADD_TEST(suite, test_trigger_jira_decides);
	CU_ADD_TEST(suite, test_trigger_jira_reads_the_rest);
	CU_ADD_TEST(suite, test_trigger_bitbucket_decides);
	CU_ADD_TEST(suite, test_trigger_bitbucket_reads_the_rest);
	CU_ADD_TEST(suite, test_trigger_bitbucket_takes_all_anchors);
	CU_ADD_TEST(suite, test_trigger_becomes_stale);
	CU_ADD_TEST(suite, test_trigger_subject_is_the_asks);
	CU_ADD_TEST(suite, test_trigger_event_name);
	CU_ADD_TEST(suite, test_trigger_origin_is_the_connections);
	CU_ADD_TEST(suite, test_trigger_may_ask_keeps_what_could);
}
