/* reply: what people read, guarded: real mention, exact sentences, limits, never a call of ourselves. */
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/dispatcher/marker.h"
#include "services/dispatcher/reply.h"
#include "services/dispatcher/reply_fill.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define CONVERSATION "5013cafe-0000-4000-8000-0123456789ab"
#define HEX "5013cafe0000400080000123456789ab"
#define LINK "https://app.example.com/conversations/" HEX
#define MARKER "ohdc-0123456789abcdef"
#define JIRA_END "\n\n{anchor:" MARKER "}"
#define BITBUCKET_END "\n\n[ohdc]: # (" MARKER ")"

/* Texts of an ask are owned, so that a test's must be writable. */
struct asker {
	char name[32];
	char key[32];
	char display_name[64];
	char issue[16];
	char comment[16];
};

static const struct bot bot = {.label = "openhands", .names = {"openhands-bot"}};

static struct ask ask_of(struct asker *asker)
{
	return (struct ask){
		.actor = {.name = asker->name,
			  .key = asker->key[0] ? asker->key : NULL,
			  .display_name = asker->display_name},
		.issue_key = asker->issue,
		.comment_id = asker->comment,
	};
}

static struct reply_context context_of(enum provider provider, const struct ask *ask)
{
	return (struct reply_context){
		.provider = provider,
		.host = "app.example.com",
		.app_url = "https://app.example.com",
		.provider_url = "https://jira.example.com",
		.bot = &bot,
		.ask = ask,
	};
}

static void test_reply_says_the_contracts_sentences(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		enum text_id text;
		const char *org;
		const char *body;
	} rows[] = {
		{"jira ack", PROVIDER_JIRA, TEXT_ACK, NULL,
		 "I'm on it in PROJ/my_repo! Ann \\*X\\* can [track my progress here|" LINK "]." JIRA_END},
		{"jira ack with org", PROVIDER_JIRA, TEXT_ACK, "Acme",
		 "I'm on it in PROJ/my_repo! Ann \\*X\\* can [track my progress here|" LINK "].\n\n"
		 "It runs in the organization Acme." JIRA_END},
		{"bitbucket ack", PROVIDER_BITBUCKET, TEXT_ACK, NULL,
		 "I'm on it in PROJ/my_repo! Ann \\*X\\* can [track my progress at "
		 "app.example.com](" LINK ")" BITBUCKET_END},
		{"jira no account", PROVIDER_JIRA, TEXT_USER_UNKNOWN, NULL,
		 "[~ann] it looks like you haven't created an OpenHands account yet. Please sign "
		 "up at "
		 "[OpenHands|https://app.example.com] and try again." JIRA_END},
		{"bitbucket no account", PROVIDER_BITBUCKET, TEXT_USER_UNKNOWN, NULL,
		 "@ann_x it looks like you haven't created an OpenHands account yet. Please sign "
		 "up at "
		 "[OpenHands](https://app.example.com) and try again." BITBUCKET_END},
		{"bitbucket error", PROVIDER_BITBUCKET, TEXT_ENDED_IN_ERROR, NULL,
		 "@ann_x OpenHands encountered an error: **it \\*broke\\* here**\n\n"
		 "[See the conversation](" LINK ") for more information." BITBUCKET_END},
		{"jira names", PROVIDER_JIRA, TEXT_REPOSITORY_AMBIGUOUS, NULL,
		 "[~ann] Multiple repositories found: A/b, C/d. Please specify exactly one "
		 "repository in "
		 "the issue description or comment." JIRA_END},
		{"jira not linked", PROVIDER_JIRA, TEXT_USER_NOT_LINKED, NULL,
		 "[~ann] you have an OpenHands account but haven't linked it to this workspace "
		 "yet. "
		 "Please link it at [OpenHands|https://app.example.com] under Settings > "
		 "Integrations "
		 "and try again." JIRA_END},
	};
	struct asker asker = {"ann", "ann_x", "Ann *X*", "PROJ-1", "77"};
	const struct ask ask = ask_of(&asker);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct reply_context context = context_of(rows[i].provider, &ask);
		const struct reply_values values = {.conversation_id = CONVERSATION,
						    .repository = "PROJ/my_repo",
						    .org = rows[i].org,
						    .detail = "it *broke*\nhere",
						    .names = "A/b, C/d",
						    .marker = MARKER};
		CLEANUP(mem_free_text) char *body = reply_text(&context, rows[i].text, &values);
		CHECK_TEXT(rows[i].name, body, rows[i].body);
	}
}

static void test_reply_mentions_the_asker_really(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		struct asker asker;
		const char *start;
	} rows[] = {
		{"jira name", PROVIDER_JIRA, {"ann", "", "Ann", "", ""}, "[~ann] OpenHands may"},
		{"jira without name", PROVIDER_JIRA, {"", "", "Ann [x]", "", ""}, "Ann \\[x\\] OpenHands may"},
		{"jira hostile name", PROVIDER_JIRA, {"a]|b", "", "Ann", "", ""}, "Ann OpenHands may"},
		{"slug", PROVIDER_BITBUCKET, {"Ann X", "ann.x-1", "Ann", "", ""}, "@ann.x-1 OpenHands may"},
		{"personal slug", PROVIDER_BITBUCKET, {"a", "ann x", "Ann", "", ""}, "@\"ann x\" OpenHands may"},
		{"no slug", PROVIDER_BITBUCKET, {"ann", "", "Ann", "", ""}, "@ann OpenHands may"},
		{"nobody", PROVIDER_BITBUCKET, {"", "", "", "", ""}, "You OpenHands may"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asker asker = rows[i].asker;
		const struct ask ask = ask_of(&asker);
		const struct reply_context context = context_of(rows[i].provider, &ask);
		const struct reply_values values = {0};
		CLEANUP(mem_free_text) char *body = reply_text(&context, TEXT_POLICY_DENIED, &values);
		body[strlen(rows[i].start)] = '\0';
		CHECK_TEXT(rows[i].name, body, rows[i].start);
	}
}

static void test_reply_never_calls_the_bot(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		const char *final_text;
		const char *kept; /* must still be there */
	} rows[] = {
		{"mention", PROVIDER_BITBUCKET, "ask @openhands again", "ask openhands again"},
		{"case", PROVIDER_JIRA, "ask @OpenHands, please", "ask OpenHands, please"},
		{"twice", PROVIDER_JIRA, "@openhands @openhands", "openhands openhands"},
		{"picker", PROVIDER_JIRA, "ask [~openhands-bot]", "ask \\[\\~openhands-bot]"},
		{"address stays", PROVIDER_BITBUCKET, "me@openhands.dev", "me@openhands.dev"},
		{"code stays", PROVIDER_BITBUCKET, "use `@openhands/sdk` here", "`@openhands/sdk`"},
	};
	struct asker asker = {"ann", "ann", "Ann", "PROJ-1", "77"};
	const struct ask ask = ask_of(&asker);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct reply_context context = context_of(rows[i].provider, &ask);
		const struct reply_values values = {.conversation_id = CONVERSATION};
		CLEANUP(mem_free_text) char *body = reply_result(&context, rows[i].final_text, &values);
		CHECK(rows[i].name, !mention_found(rows[i].provider, body, &bot));
		CHECK(rows[i].name, strstr(body, rows[i].kept) != NULL);
	}
}

static void test_reply_result_names_asker_and_source(void)
{
	struct asker asker = {"ann", "ann", "Ann", "PROJ-1", "77"};
	const struct ask ask = ask_of(&asker);
	const struct reply_context jira = context_of(PROVIDER_JIRA, &ask);
	const struct reply_context bitbucket = context_of(PROVIDER_BITBUCKET, &ask);
	const struct reply_values values = {.conversation_id = CONVERSATION, .marker = MARKER};
	CLEANUP(mem_free_text) char *a = reply_result(&jira, "**Done**", &values);
	CLEANUP(mem_free_text) char *b = reply_result(&bitbucket, "**Done**", &values);
	CLEANUP(mem_free_text) char *c = reply_result(&jira, " \n", &values);
	CHECK_TEXT("jira", a,
		   "[~ann] OpenHands resolved this issue:\n\n*Done*\n\nIn reply to [this comment|"
		   "https://jira.example.com/browse/PROJ-1?focusedCommentId=77]." JIRA_END);
	CHECK_TEXT("bitbucket", b, "@ann\n\n**Done**" BITBUCKET_END);
	CHECK("empty", strstr(c, "There is no closing message") != NULL);
}

/* A long text of units that grow when they are converted. */
static char *long_text(const char *unit, size_t count)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	strbuf_init(&text, 512 * 1024);
	for (size_t i = 0; i < count; i++)
		strbuf_add(&text, unit);
	return strbuf_take(&text);
}

static void test_reply_result_fits_the_limit(void)
{
	static const struct {
		const char *name;
		enum provider provider;
		const char *unit;
		size_t count;
	} rows[] = {
		{"letters", PROVIDER_BITBUCKET, "word ", 20000},
		{"wide letters", PROVIDER_BITBUCKET, "\xF0\x9F\x98\x80", 30000},
		{"escapes double", PROVIDER_JIRA, "{x} ", 15000},
		{"lines", PROVIDER_JIRA, "a line of text\n\n", 5000},
		{"code", PROVIDER_JIRA, "```\ncode\n", 1},
	};
	struct asker asker = {"ann", "ann", "Ann", "PROJ-1", "77"};
	const struct ask ask = ask_of(&asker);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct reply_context context = context_of(rows[i].provider, &ask);
		const struct reply_values values = {.conversation_id = CONVERSATION, .marker = MARKER};
		CLEANUP(mem_free_text) char *text = long_text(rows[i].unit, rows[i].count);
		CLEANUP(mem_free_text) char *body = reply_result(&context, text, &values);
		size_t units = reply_units(body);
		bool is_jira = rows[i].provider == PROVIDER_JIRA;
		CHECK(rows[i].name, units <= (is_jira ? LIMIT_JIRA_COMMENT_CHARS : LIMIT_BITBUCKET_COMMENT_CHARS));
		CHECK(rows[i].name, rows[i].count == 1 || units > 25000);
		CHECK(rows[i].name, (rows[i].count > 1) == (strstr(body, "longer than a comment") != NULL));
		CHECK(rows[i].name, marker_is_last(rows[i].provider, body, MARKER));
		CHECK(rows[i].name, text_is_utf8(bytes_text(body)));
	}
}

static void test_reply_cut_closes_open_code(void)
{
	CLEANUP(mem_free_text) char *text = long_text("some line of code\n", 100);
	CLEANUP(strbuf_done) struct strbuf markdown = {0};
	strbuf_init(&markdown, 64 * 1024);
	strbuf_addf(&markdown, "```c\n%s```\n", text);
	CLEANUP(mem_free_text) char *cut = reply_cut_markdown(strbuf_text(&markdown), 500);
	CHECK("closed", strcmp(cut + strlen(cut) - 4, "\n```") == 0);
	CHECK("at a line", strcmp(cut + strlen(cut) - 8, "code\n```") == 0);
	CLEANUP(mem_free_text) char *whole = reply_cut_markdown("a\nb", 3);
	CHECK_TEXT("fits", whole, "a\nb");
}

static void test_reply_keeps_unknown_placeholders_and_fills_patterns(void)
{
	struct asker asker = {"ann", "ann", "Ann", "PROJ-1", "77"};
	const struct ask ask = ask_of(&asker);
	struct reply_context context = context_of(PROVIDER_BITBUCKET, &ask);
	CLEANUP(strbuf_done) struct strbuf body = {0};
	const struct reply_values values = {.conversation_id = CONVERSATION};
	context.conversation_pattern = "https://{host}/canvas/{hex id}?x={y}";
	strbuf_init(&body, 1024);
	reply_fill(&context, "{nope} {} { {link} {issue} {", &values, &body);
	CHECK_TEXT("filled", strbuf_text(&body), "{nope} {} { https://app.example.com/canvas/" HEX "?x={y} PROJ-1 {");
	CLEANUP(mem_free_text) char *url = reply_conversation_url(&context, NULL);
	CHECK_TEXT("no conversation", url, "https://app.example.com");
}

void suite_reply(void)
{
	CU_pSuite suite = CU_add_suite("reply", NULL, NULL);
	CU_ADD_TEST(suite, test_reply_says_the_contracts_sentences);
	CU_ADD_TEST(suite, test_reply_mentions_the_asker_really);
	CU_ADD_TEST(suite, test_reply_never_calls_the_bot);
	CU_ADD_TEST(suite, test_reply_result_names_asker_and_source);
	CU_ADD_TEST(suite, test_reply_result_fits_the_limit);
	CU_ADD_TEST(suite, test_reply_cut_closes_open_code);
	CU_ADD_TEST(suite, test_reply_keeps_unknown_placeholders_and_fills_patterns);
}
