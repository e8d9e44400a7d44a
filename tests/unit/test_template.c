/* template: escaping, sections, other templates, and every fault named. */
#include "common/base/mem.h"
#include "common/base/template.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static const struct template_file files[] = {
	{"plain", "no tags"},
	{"value", "<{{a}}|{{b.c}}|{{none}}>"},
	{"attribute", "<a title=\"{{a}}\">"},
	{"list", "{{#items}}[{{name}}{{outer}}]{{/items}}{{^items}}none{{/items}}"},
	{"texts", "{{#items}}({{.}}){{/items}}"},
	{"nested", "{{#a}}{{#b}}{{x}}{{y}}{{/b}};{{/a}}"},
	{"flags", "{{#t}}t{{/t}}{{^t}}T{{/t}}{{#f}}f{{/f}}{{^f}}F{{/f}}"},
	{"shown", "{{#a}}yes {{a}}{{/a}}{{^a}}no{{/a}}"},
	{"part", "{{#items}}{{>value}}{{/items}}"},
	{"braces", "a } b }} c { d"},
	{"endless", "{{#a}}x"},
	{"endless left out", "{{#none}}x"},
	{"crossed", "{{#a}}{{#b}}{{/a}}{{/b}}"},
	{"ends nothing", "x{{/a}}"},
	{"raw", "{{{a}}}"},
	{"ampersand", "{{&a}}"},
	{"spaced", "{{ a }}"},
	{"open", "text {{"},
	{"half", "text {{a}"},
	{"unnamed", "{{}}"},
	{"long", "{{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}"},
	{"no part", "{{>nobody}}"},
	{"itself", "{{>itself}}"},
};
static const struct template_set set = {files, ARRAY_LEN(files)};

struct row {
	const char *name;
	const char *data;
	const char *wanted; /* the text, or a piece of the fault */
};

/* The text that comes out, or "!" and the fault; new. */
static char *filled(const char *name, const char *data, size_t ceiling)
{
	json_auto_t *json = json_loads(data, 0, NULL);
	CLEANUP(strbuf_done) struct strbuf out = {0};
	struct err err = {0};
	strbuf_init(&out, ceiling);
	if (!json || !template_fill(&set, name, json, &out, &err)) {
		CHECK(name, !json || err.code == ERR_INTERNAL);
		strbuf_clear(&out);
		strbuf_addf(&out, "!%s", err.message);
	}
	return strbuf_take(&out);
}

static void test_template_fills(void)
{
	static const struct row rows[] = {
		{"plain", "{}", "no tags"},
		{"value", "{\"a\":\"x\",\"b\":{\"c\":7}}", "<x|7|>"},
		{"value", "{\"a\":true,\"b\":{\"c\":1.5}}", "<||>"},
		{"value", "{\"a\":[\"x\"],\"b\":null}", "<||>"},
		{"value", "{\"a\":\"{{b.c}}{{#x}}\"}", "<{{b.c}}{{#x}}||>"},
		{"value", "{\"a\":\"&<>\\\"'`=\"}", "<&amp;&lt;&gt;&quot;&#39;&#96;&#61;||>"},
		{"value", "{\"a\":\"\xC3\xA9<\"}", "<\xC3\xA9&lt;||>"},
		{"attribute", "{\"a\":\"\\\" onclick=x\"}", "<a title=\"&quot; onclick&#61;x\">"},
		{"list", "{\"items\":[{\"name\":\"a\"},{\"name\":\"b\",\"outer\":\"in\"}],\"outer\":\"!\"}", "[a!][bin]"},
		{"list", "{\"items\":[]}", "none"},
		{"list", "{}", "none"},
		{"list", "{\"items\":{\"name\":\"one\"}}", "[one]"},
		{"texts", "{\"items\":[\"a\",\"<\",3]}", "(a)(&lt;)(3)"},
		{"nested", "{\"a\":[{\"b\":[{\"x\":1},{\"x\":2}],\"y\":\"p\"},{\"b\":false,\"x\":9}]}", "1p2p;;"},
		{"flags", "{\"t\":true,\"f\":false}", "tF"},
		{"flags", "{\"t\":1,\"f\":0}", "tF"},
		{"flags", "{\"t\":{},\"f\":\"\"}", "tF"},
		{"shown", "{\"a\":\"x\"}", "yes x"},
		{"shown", "{\"a\":null}", "no"},
		{"part", "{\"items\":[{\"a\":\"1\"},{\"a\":\"2\"}],\"b\":{\"c\":\"z\"}}", "<1|z|><2|z|>"},
		{"braces", "{}", "a } b }} c { d"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(mem_free_text) char *text = filled(rows[i].name, rows[i].data, 1000);
		CHECK_TEXT(rows[i].name, text, rows[i].wanted);
	}
}

static void test_template_names_the_fault(void)
{
	static const struct row rows[] = {
		{"nobody", "{}", "no template 'nobody'"},
		{"no part", "{}", "no template 'nobody'"},
		{"endless", "{\"a\":1}", "template endless: {{#a}} does not end"},
		{"endless left out", "{}", "{{#none}} does not end"},
		{"crossed", "{\"a\":1,\"b\":1}", "{{/a}} ends nothing"},
		{"crossed", "{}", "{{/a}} ends nothing"},
		{"ends nothing", "{}", "{{/a}} ends nothing"},
		{"raw", "{\"a\":\"<\"}", "no tag at '{{{a}}}'"},
		{"ampersand", "{\"a\":\"<\"}", "no tag at '{{&a}}'"},
		{"spaced", "{\"a\":\"<\"}", "no tag at '{{ a }}'"},
		{"open", "{}", "no tag at '{{'"},
		{"half", "{}", "no tag at '{{a}'"},
		{"unnamed", "{}", "no tag at '{{}}'"},
		{"long", "{}", "no tag at"},
		{"itself", "{}", "template itself: more than 16 deep"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(mem_free_text) char *text = filled(rows[i].name, rows[i].data, 1000);
		CHECK(rows[i].name, text[0] == '!' && strstr(text, rows[i].wanted));
	}
}

static void test_template_says_when_it_was_cut(void)
{
	CLEANUP(mem_free_text) char *fits = filled("value", "{\"a\":\"12345\"}", 9);
	CLEANUP(mem_free_text) char *is_cut = filled("value", "{\"a\":\"123456\"}", 9);
	CU_ASSERT_STRING_EQUAL(fits, "<12345||>");
	CU_ASSERT_EQUAL(is_cut[0], '!');
}

void suite_template(void)
{
	CU_pSuite suite = CU_add_suite("template", NULL, NULL);
	CU_ADD_TEST(suite, test_template_fills);
	CU_ADD_TEST(suite, test_template_names_the_fault);
	CU_ADD_TEST(suite, test_template_says_when_it_was_cut);
}
