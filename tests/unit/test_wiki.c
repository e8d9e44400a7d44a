/* wiki: Markdown as Jira shows it; code to the letter, nothing taken for markup that is none. */
#include "common/base/mem.h"
#include "services/dispatcher/wiki.h"
#include "tests/unit/check.h"

#include "common/base/attr.h"
#include "common/base/banned.h"

struct row {
	const char *name;
	const char *markdown;
	const char *wiki;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(strbuf_done) struct strbuf found = {0};
		strbuf_init(&found, 64 * 1024);
		CHECK(rows[i].name, wiki_from_markdown(rows[i].markdown, &found, NULL));
		CHECK_TEXT(rows[i].name, strbuf_text(&found), rows[i].wiki);
	}
}

static void test_wiki_converts_blocks(void)
{
	static const struct row rows[] = {
		{"nothing", "", ""},
		{"headings", "# One\n### Three", "h1. One\n\nh3. Three"},
		{"paragraphs", "a\n\nb", "a\n\nb"},
		{"soft break is a space", "a\nb", "a b"},
		{"hard break is a line", "a  \nb", "a\nb"},
		{"rule", "a\n\n---\n\nb", "a\n\n----\n\nb"},
		{"quote", "> a\n> b\n\nc", "{quote}\na b\n{quote}\n\nc"},
		{"quote in quote", "> a\n>\n> > b", "{quote}\na\n\nb\n{quote}"},
		{"list", "a\n\n- x\n- y\n\nb", "a\n\n* x\n* y\n\nb"},
		{"nested lists", "- x\n  1. y\n     - z\n- w", "* x\n*# y\n*#* z\n* w"},
		{"loose list keeps its items", "- x\n\n- y", "* x\n* y"},
		{"second paragraph of an item", "- x\n\n  y\n- z", "* x\ny\n* z"},
		{"tasks", "- [ ] x\n- [x] y", "* ☐ x\n* ☑ y"},
		{"numbered from seven", "7. x\n8. y", "# x\n# y"},
		{"table", "| a | b |\n|---|---|\n| 1 | 2 |", "||a||b||\n|1|2|"},
		{"empty cell", "| a | b |\n|---|---|\n|  | 2 |", "||a||b||\n| |2|"},
		{"bar in a cell", "| a |\n|---|\n| x\\|y |", "||a||\n|x\\|y|"},
		{"list in a quote", "> - a\n> - b", "{quote}\n* a\n* b\n{quote}"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_wiki_keeps_code(void)
{
	static const struct row rows[] = {
		{"known language", "```Python\n# a * b\n__init__\n```", "{code:python}\n# a * b\n__init__\n{code}"},
		{"unknown language", "```rust\nlet x;\n```", "{code}\nlet x;\n{code}"},
		{"c#", "```c#\nint x;\n```", "{code:c#}\nint x;\n{code}"},
		{"no language", "```\na\n\nb\n```", "{code}\na\n\nb\n{code}"},
		{"indented", "    a < b && c", "{code}\na < b && c\n{code}"},
		{"open to the end", "```\na", "{code}\na\n{code}"},
		{"empty", "```\n```", "{code}\n{code}"},
		{"wiki code inside", "```\n{code}x{code}\n```", "{noformat}\n{code}x{code}\n{noformat}"},
		{"both inside", "```\n{code}{noformat}\n```", "{noformat}\n{code}{\xE2\x80\x8Bnoformat}\n{noformat}"},
		{"in an item", "- x\n  ```\n  y\n  ```\n- z", "* x\n{code}\ny\n{code}\n* z"},
		{"inline", "a `b` c", "a {{b}} c"},
		{"inline marks", "`*a* {b}`", "{{\\*a\\* \\{b\\}}}"},
		{"inline underscores", "`__init__`", "{{\\_\\_init\\_\\_}}"},
		{"entities are letters there", "`&amp;`", "{{&amp;}}"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_wiki_converts_spans(void)
{
	static const struct row rows[] = {
		{"strong", "a **b** c", "a *b* c"},
		{"strong by underscores", "a __b__ c", "a *b* c"},
		{"emphasis", "a *b* c", "a _b_ c"},
		{"both", "***b***", "_*b*_"},
		{"deleted", "~~b~~", "-b-"},
		{"within a word", "foo**bar**baz", "foo{*}bar{*}baz"},
		{"start of a word", "**bar**baz", "*bar{*}baz"},
		{"link", "[t](https://e.com/a)", "[t|https://e.com/a]"},
		{"no link, but an address", "[a|b]](https://e.com/x|y]z)", "\\[a\\|b]]([https://e.com/x%7Cy%5Dz])"},
		{"link text with a bar", "[a|b](https://e.com/)", "[a\\|b|https://e.com/]"},
		{"address with a bar", "[t](https://e.com/a|b)", "[t|https://e.com/a%7Cb]"},
		{"bare address", "see https://e.com/-/a_b", "see [https://e.com/-/a_b]"},
		{"relative link", "[t](docs/x.md)", "t"},
		{"script link", "[t](javascript:alert)", "t"},
		{"mail link", "[t](mailto:a@e.com)", "[t|mailto:a@e.com]"},
		{"picture", "![alt](https://e.com/i.png)", "[alt|https://e.com/i.png]"},
		{"picture in a link", "[![alt](https://e.com/i.png)](https://e.com)", "[alt|https://e.com]"},
		{"html is text", "<b>x</b>", "<b>x</b>"},
		{"entities", "&lt;a&gt; &#65; &#x42; &copy;", "<a> A B &copy;"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_wiki_escapes_plain_text(void)
{
	static const struct row rows[] = {
		{"macro", "{color:red}", "\\{color:red}"},
		{"link", "\\[x\\]", "\\[x]"},
		{"person", "[~admin]", "\\[\\~admin]"},
		{"bar", "a | b", "a \\| b"},
		{"snake case stays", "snake_case_name", "snake_case_name"},
		{"private name", "\\_x and 5\\_", "\\_x and 5\\_"},
		{"option", "--flag -x", "\\-\\-flag \\-x"},
		{"dates and ranges stay", "2026-11-21 and a - b", "2026-11-21 and a - b"},
		{"stars between spaces stay", "a * b", "a * b"},
		{"picture signs", "(x) and (/)", "\\(x) and \\(/)"},
		{"smile", "done :)", "done \\:)"},
		{"times stay", "at 10:30 (today)", "at 10:30 (today)"},
		{"image", "!a.png!", "\\!a.png!"},
		{"exclamation stays", "Hello! And more", "Hello! And more"},
		{"citation", "??", "\\?\\?"},
		{"question stays", "what? no", "what? no"},
		{"number sign first", "\\# x", "\\# x"},
		{"heading word", "h1. x", "\xE2\x80\x8Bh1. x"},
		{"quote word", "bq. x",
		 "\xE2\x80\x8B"
		 "bq. x"},
		{"path", "C:\\dir", "C:\\dir"},
		{"backslash before a mark", "a\\\\{b", "a&#92;\\{b"},
		{"letters of all kinds", "größe_€_x", "größe_€_x"},
	};
	check_rows(rows, ARRAY_LEN(rows));
}

static void test_wiki_survives_deep_nesting(void)
{
	CLEANUP(strbuf_done) struct strbuf deep = {0};
	CLEANUP(strbuf_done) struct strbuf found = {0};
	strbuf_init(&deep, 64 * 1024);
	strbuf_init(&found, 1024 * 1024);
	for (int i = 0; i < 200; i++)
		strbuf_addf(&deep, "%*s- x\n", 2 * i, "");
	for (int i = 0; i < 200; i++)
		strbuf_add(&deep, "> *_[");
	CU_ASSERT(wiki_from_markdown(strbuf_text(&deep), &found, NULL));
	CU_ASSERT(strstr(strbuf_text(&found), "\n**************** x") != NULL);
	CU_ASSERT(strstr(strbuf_text(&found), "***************** x") == NULL);
}

static void test_wiki_refuses_what_is_too_long(void)
{
	CLEANUP(mem_free_text) char *big = mem_zalloc(2 * 1024 * 1024, 1);
	CLEANUP(strbuf_done) struct strbuf found = {0};
	struct err err = {0};
	memset(big, 'a', 2 * 1024 * 1024 - 1);
	strbuf_init(&found, 1024);
	CU_ASSERT(!wiki_from_markdown(big, &found, &err));
	CU_ASSERT(err.code == ERR_INPUT && found.len == 0);
}

void suite_wiki(void)
{
	CU_pSuite suite = CU_add_suite("wiki", NULL, NULL);
	CU_ADD_TEST(suite, test_wiki_converts_blocks);
	CU_ADD_TEST(suite, test_wiki_keeps_code);
	CU_ADD_TEST(suite, test_wiki_converts_spans);
	CU_ADD_TEST(suite, test_wiki_escapes_plain_text);
	CU_ADD_TEST(suite, test_wiki_survives_deep_nesting);
	CU_ADD_TEST(suite, test_wiki_refuses_what_is_too_long);
}
