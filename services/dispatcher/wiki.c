/* Markdown to Jira wiki markup: md4c reads, the handlers below write. */
#include "services/dispatcher/wiki.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/dispatcher/wiki_write.h"

#include <string.h>

#include "common/base/banned.h"

/* Languages that Jira's {code} knows; another name would be shown as an error. */
static const char *const languages[] = {
	"actionscript", "ada",   "applescript", "bash",    "c",     "c#",   "c++",         "cpp",  "css",
	"erlang",       "go",    "groovy",      "haskell", "html",  "java", "javascript",  "js",   "json",
	"lua",          "none",  "nyan",        "objc",    "perl",  "php",  "python",      "r",    "rainbow",
	"ruby",         "scala", "sh",          "sql",     "swift", "xml",  "visualbasic", "yaml",
};

typedef void block_fn(struct wiki *wiki, const void *detail);

/* What a kind of block does to the text. */
struct block_kind {
	bool is_block;   /* stands apart from what is before it */
	unsigned inside; /* of enum wiki_inside, while it lasts */
	char list;       /* the sign of its items */
	block_fn *enter;
	block_fn *leave;
};

static char last_char(const struct wiki *wiki)
{
	return wiki->out->len > 0 ? wiki->out->text[wiki->out->len - 1] : '\n';
}

static void start_line(struct wiki *wiki)
{
	if (last_char(wiki) != '\n') strbuf_add_char(wiki->out, '\n');
}

/* An empty line between blocks would end a list, so that its items only begin a new line. */
static void start_block(struct wiki *wiki)
{
	if (!wiki->is_fresh && wiki->out->len > 0) {
		start_line(wiki);
		if (wiki->list_depth == 0) strbuf_add_char(wiki->out, '\n');
	}
	wiki->is_fresh = false;
}

/* --- blocks ------------------------------------------------------------------------------------------ */

static void enter_quote(struct wiki *wiki, UNUSED const void *detail)
{
	if (wiki->quote_depth++ == 0) strbuf_add(wiki->out, "{quote}\n");
	wiki->is_fresh = true;
}

static void leave_quote(struct wiki *wiki, UNUSED const void *detail)
{
	if (--wiki->quote_depth == 0) {
		start_line(wiki);
		strbuf_add(wiki->out, "{quote}");
	}
	wiki->is_fresh = false;
}

static void enter_list(struct wiki *wiki, char sign)
{
	if (wiki->list_depth == 0) start_block(wiki);
	if (wiki->list_depth < WIKI_LIST_DEPTH_MAX) wiki->lists[wiki->list_depth] = sign;
	wiki->list_depth++;
}

static void leave_list(struct wiki *wiki, UNUSED const void *detail)
{
	wiki->list_depth--;
	wiki->is_fresh = false;
}

static void enter_item(struct wiki *wiki, const void *detail)
{
	const MD_BLOCK_LI_DETAIL *item = detail;
	size_t depth = wiki->list_depth < WIKI_LIST_DEPTH_MAX ? wiki->list_depth : WIKI_LIST_DEPTH_MAX;
	start_line(wiki);
	strbuf_add_bytes(wiki->out, bytes_of(wiki->lists, depth));
	strbuf_add_char(wiki->out, ' ');
	if (item->is_task) strbuf_add(wiki->out, item->task_mark == ' ' ? "☐ " : "☑ ");
	wiki->is_fresh = true;
}

static void enter_rule(struct wiki *wiki, UNUSED const void *detail)
{
	strbuf_add(wiki->out, "----");
}

static void enter_heading(struct wiki *wiki, const void *detail)
{
	const MD_BLOCK_H_DETAIL *heading = detail;
	strbuf_addf(wiki->out, "h%u. ", heading->level);
}

/* A language that Jira does not know is left out. */
static void enter_code(struct wiki *wiki, const void *detail)
{
	const MD_ATTRIBUTE *lang = &((const MD_BLOCK_CODE_DETAIL *)detail)->lang;
	CLEANUP(mem_free_text) char *name = lang->text ? mem_dup_n(lang->text, lang->size) : NULL;
	strbuf_clear(&wiki->code);
	wiki->language = NULL;
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		if (text_equal_nocase(name, languages[i])) wiki->language = languages[i];
	}
}

/* Code that holds {code} itself goes into {noformat}; code that holds both is split by a space without width. */
static void leave_code(struct wiki *wiki, UNUSED const void *detail)
{
	const char *code = strbuf_text(&wiki->code);
	bool is_noformat = strstr(code, "{code");
	const char *end = is_noformat ? "{noformat}" : "{code}";
	if (wiki->language && !is_noformat)
		strbuf_addf(wiki->out, "{code:%s}\n", wiki->language);
	else
		strbuf_addf(wiki->out, "%s\n", end);
	for (const char *clash = strstr(code, "{noformat"); is_noformat && clash; clash = strstr(code, "{noformat")) {
		strbuf_add_bytes(wiki->out, bytes_of(code, (size_t)(clash + 1 - code)));
		strbuf_add(wiki->out, "\xE2\x80\x8B");
		code = clash + 1;
	}
	strbuf_add(wiki->out, code);
	start_line(wiki);
	strbuf_add(wiki->out, end);
}

static void enter_row(struct wiki *wiki, UNUSED const void *detail)
{
	start_line(wiki);
}

static void leave_row(struct wiki *wiki, UNUSED const void *detail)
{
	strbuf_add(wiki->out, wiki->inside & WIKI_INSIDE_HEAD ? "||" : "|");
}

static void enter_cell(struct wiki *wiki, const void *detail)
{
	leave_row(wiki, detail);
	wiki->cell_at = wiki->out->len;
}

/* Two bars without anything between them would make a header of the next cell. */
static void leave_cell(struct wiki *wiki, UNUSED const void *detail)
{
	if (wiki->out->len == wiki->cell_at) strbuf_add_char(wiki->out, ' ');
}

static const struct block_kind kinds[] = {
	[MD_BLOCK_QUOTE] = {true, 0, 0, enter_quote, leave_quote},
	[MD_BLOCK_UL] = {false, 0, '*', NULL, leave_list},
	[MD_BLOCK_OL] = {false, 0, '#', NULL, leave_list},
	[MD_BLOCK_LI] = {false, 0, 0, enter_item, NULL},
	[MD_BLOCK_HR] = {true, 0, 0, enter_rule, NULL},
	[MD_BLOCK_H] = {true, WIKI_INSIDE_HEADING, 0, enter_heading, NULL},
	[MD_BLOCK_CODE] = {true, WIKI_INSIDE_CODE_BLOCK, 0, enter_code, leave_code},
	[MD_BLOCK_P] = {true, 0, 0, NULL, NULL},
	[MD_BLOCK_TABLE] = {true, WIKI_INSIDE_TABLE, 0, NULL, NULL},
	[MD_BLOCK_THEAD] = {false, WIKI_INSIDE_HEAD, 0, NULL, NULL},
	[MD_BLOCK_TR] = {false, 0, 0, enter_row, leave_row},
	[MD_BLOCK_TH] = {false, 0, 0, enter_cell, leave_cell},
	[MD_BLOCK_TD] = {false, 0, 0, enter_cell, leave_cell},
};

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *userdata)
{
	struct wiki *wiki = userdata;
	if (type >= ARRAY_LEN(kinds)) return 0;
	if (kinds[type].is_block) start_block(wiki);
	if (kinds[type].list) enter_list(wiki, kinds[type].list);
	wiki->inside |= kinds[type].inside;
	if (kinds[type].enter) kinds[type].enter(wiki, detail);
	return 0;
}

static int on_leave_block(MD_BLOCKTYPE type, void *detail, void *userdata)
{
	struct wiki *wiki = userdata;
	if (type >= ARRAY_LEN(kinds)) return 0;
	wiki->inside &= ~kinds[type].inside;
	if (kinds[type].leave) kinds[type].leave(wiki, detail);
	return 0;
}

static const MD_PARSER parser = {
	.flags = MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS |
		 MD_FLAG_NOHTML,
	.enter_block = on_enter_block,
	.leave_block = on_leave_block,
	.enter_span = wiki_enter_span,
	.leave_span = wiki_leave_span,
	.text = wiki_take_text,
};

bool wiki_from_markdown(const char *markdown, struct strbuf *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};
	size_t len = strlen(markdown);
	if (len > LIMIT_DESCRIPTION_BYTES)
		return err_set(err, ERR_INPUT, "text of %zu bytes is too long to convert", len);
	/* Escapes at most double a character, `&#92;` is five, and marks are few. */
	strbuf_init(&out, 6 * len + 1024);
	struct wiki wiki = {.out = &out};
	strbuf_init(&wiki.code, len + 1);
	int status = md_parse(markdown, (MD_SIZE)len, &parser, &wiki);
	strbuf_done(&wiki.code);
	if (status != 0) return err_set(err, ERR_INPUT, "text cannot be read as Markdown");
	strbuf_add_bytes(ret, bytes_of(out.text, out.len));
	return true;
}
