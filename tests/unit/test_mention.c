/* mention: boundaries, and what code and quotes hide. */
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/domain/mention.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static const struct bot bot = {.label = "openhands", .names = {"oh-bot", "JIRAUSER10400", NULL, "oh@example.com"}};

struct row {
	const char *text;
	bool is_mention;
};

static void check_rows(enum provider provider, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		CHECK(rows[i].text, mention_found(provider, rows[i].text, &bot) == rows[i].is_mention);
}

static void test_mention_boundaries(void)
{
	static const struct row rows[] = {
		{"@openhands", true},
		{"@openhands fix this", true},
		{"@OpenHands", true},
		{"@OPENHANDS!", true},
		{"hi @openhands.", true},
		{"(@openhands)", true},
		{"@openhands,fix", true},
		{"@openhands: fix", true},
		{"please,@openhands", true},
		{"line\n@openhands\nline", true},
		{"-@openhands", true},
		{".@openhands", true},
		{"@openhands. Then more", true},
		{"@openhands/ or", true},
		{"@openhands...", true},
		{"\xE2\x80\x9C@openhands\xE2\x80\x9D", true},
		{"\xF0\x9F\x98\x80@openhands", true},
		{"x@openhands.dev @openhands", true},
		{"", false},
		{"openhands", false},
		{"x@openhands", false},
		{"x@openhands.dev", false},
		{"@openhands.dev", false},
		{"@openhands-exp", false},
		{"@openhands-", false},
		{"@openhands_bot", false},
		{"@openhands2", false},
		{"@openhands/pkg", false},
		{"@openhandsx", false},
		{"@openhands\xC3\xA9t\xC3\xA9", false},
		{"\xC3\xA9@openhands", false},
		{"@@openhands", false},
		{"_@openhands", false},
		{"@ openhands", false},
		{"@openhand", false},
	};
	check_rows(PROVIDER_BITBUCKET, rows, ARRAY_LEN(rows));
	check_rows(PROVIDER_JIRA, rows, ARRAY_LEN(rows));
}

static void test_mention_ignores_markdown_code_and_quotes(void)
{
	static const struct row rows[] = {
		{"write `@openhands` to start", false},
		{"write ``a ` @openhands`` to start", false},
		{"`a` @openhands `b`", true},
		{"`a @openhands", true},
		{"a ` b\n\n@openhands `", true},
		{"a ` b\n@openhands ` c", false},
		{"\\`@openhands\\`", true},
		{"```\n@openhands\n```", false},
		{"```\n@openhands\n```\n@openhands go", true},
		{"```java\n@openhands\n```", false},
		{"~~~\n@openhands\n~~~", false},
		{"````\n```\n@openhands\n````", false},
		{"````\n```\n````\n@openhands", true},
		{"```\nnever closed @openhands", false},
		{"```a`b @openhands", true},
		{"   ```\n@openhands\n   ```", false},
		{"    indented @openhands", true},
		{"> @openhands do it", false},
		{"  > @openhands do it", false},
		{">> @openhands", false},
		{"> said\n@openhands do it", true},
		{"a > @openhands", true},
		{"> ```\n@openhands", true},
	};
	check_rows(PROVIDER_BITBUCKET, rows, ARRAY_LEN(rows));
	check_rows(PROVIDER_JIRA, rows, ARRAY_LEN(rows));
}

static void test_mention_ignores_wiki_code_and_quotes(void)
{
	static const struct row rows[] = {
		{"{code}@openhands{code}", false},
		{"{code:java|title=a}\n@openhands\n{code}", false},
		{"{CODE}@openhands{CODE}", false},
		{"{noformat}@openhands{noformat}", false},
		{"{quote}@openhands{quote}", false},
		{"{quote}old{quote} @openhands", true},
		{"{code}a{code} @openhands {code}b{code}", true},
		{"{quote}a {code}b{code} @openhands{quote}", false},
		{"{code}{quote}{code} @openhands {quote}", true},
		{"{code} never closed @openhands", true},
		{"\\{code} @openhands \\{code}", true},
		{"{codex}@openhands{codex}", true},
		{"{color:red}@openhands{color}", true},
		{"{{@openhands}}", false},
		{"{{a}} @openhands {{b}}", true},
		{"{{a @openhands", true},
		{"bq. @openhands", false},
		{"bq. said\n@openhands", true},
		{"abq. @openhands", true},
	};
	check_rows(PROVIDER_JIRA, rows, ARRAY_LEN(rows));
}

static void test_mention_by_jira_token(void)
{
	static const struct row rows[] = {
		{"[~oh-bot] please", true},
		{"[~OH-Bot]", true},
		{"[~ oh-bot ]", true},
		{"[~accountid:JIRAUSER10400]", true},
		{"[~jirauser10400]", true},
		{"[~oh@example.com]", true},
		{"x[~oh-bot]y", true},
		{"[~alice] and [~oh-bot]", true},
		{"[~openhands]", false},
		{"[~oh-bot", false},
		{"[~oh bot]", false},
		{"[~]", false},
		{"[~accountid:]", false},
		{"[oh-bot]", false},
		{"{code}[~oh-bot]{code}", false},
	};
	check_rows(PROVIDER_JIRA, rows, ARRAY_LEN(rows));
	CU_ASSERT(!mention_found(PROVIDER_BITBUCKET, "[~oh-bot]", &bot));
}

static void test_mention_of_another_label(void)
{
	const struct bot other = {.label = "oh-dev_2"};
	CU_ASSERT(mention_found(PROVIDER_JIRA, "@OH-dev_2 go", &other));
	CU_ASSERT(!mention_found(PROVIDER_JIRA, "@oh-dev go", &other));
	CU_ASSERT(!mention_found(PROVIDER_JIRA, "@openhands go", &other));
	CU_ASSERT(!mention_found(PROVIDER_JIRA, NULL, &other));
}

static void test_mention_bot_is_any_of_its_names(void)
{
	CU_ASSERT(bot_is(&bot, "OH-BOT"));
	CU_ASSERT(bot_is(&bot, "oh@EXAMPLE.com"));
	CU_ASSERT(!bot_is(&bot, "oh-bot2"));
	CU_ASSERT(!bot_is(&bot, ""));
	CU_ASSERT(!bot_is(&bot, NULL));
}

static void test_mention_visible_text_keeps_length_and_lines(void)
{
	static const char *const texts[] = {
		"a {code}b\nc{code} d", "```\nx\n```\ny", "> q\nz", "a `b` c", "\xC3\xA9 `\xC3\xA9`",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(mem_free_text) char *visible = mention_visible_text(PROVIDER_JIRA, texts[i]);
		CHECK(texts[i], strlen(visible) == strlen(texts[i]));
		for (size_t k = 0; texts[i][k] != '\0'; k++)
			CHECK(texts[i], (texts[i][k] == '\n') == (visible[k] == '\n'));
	}
}

/* Repeated openings without an end must not take quadratic time: this ends at once or not at all. */
static void test_mention_takes_hostile_texts(void)
{
	static const char *const units[] = {"{code:", "{code}{quote",  "{{",          "[~",
					    "`",      "``` ",          "@openhands-", "> ",
					    "bq.",    "{noformat:x} ", "` `` ",       "\n \t"};
	enum { COPIES = 20000 };
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		CLEANUP(strbuf_done) struct strbuf text;
		strbuf_init(&text, 1024 * 1024);
		for (size_t k = 0; k < COPIES; k++)
			strbuf_add(&text, units[i]);
		CHECK(units[i], !mention_found(PROVIDER_JIRA, strbuf_text(&text), &bot));
	}
}

void suite_mention(void)
{
	CU_pSuite suite = CU_add_suite("mention", NULL, NULL);
	CU_ADD_TEST(suite, test_mention_boundaries);
	CU_ADD_TEST(suite, test_mention_ignores_markdown_code_and_quotes);
	CU_ADD_TEST(suite, test_mention_ignores_wiki_code_and_quotes);
	CU_ADD_TEST(suite, test_mention_by_jira_token);
	CU_ADD_TEST(suite, test_mention_of_another_label);
	CU_ADD_TEST(suite, test_mention_bot_is_any_of_its_names);
	CU_ADD_TEST(suite, test_mention_visible_text_keeps_length_and_lines);
	CU_ADD_TEST(suite, test_mention_takes_hostile_texts);
}
