/* What a reader sees as the writer's own words: the text with code and quotes blanked out, of the same length. */

#include "common/domain/mention.h"

#include <stdint.h>
#include <string.h>

#include "common/base/mem.h"

#include "common/base/banned.h"

enum {
	BACKTICK_RUN_MAX = 63,
	WIKI_TAG_MAX = 512,        /* a macro's tag with its parameters */
	WIKI_MONOSPACE_MAX = 1024, /* {{text}}; keeps hostile texts from taking long */
};

/* Blanks what lies before `end`, and gives that back. */
static char *blank(char *from, char *end)
{
	for (; from < end; from++) {
		if (*from != '\n') *from = ' ';
	}
	return end;
}

/* --- wiki blocks of Jira: {code}, {noformat}, {quote}, {{monospace}} ---------------------------- */

static const char *const wiki_blocks[] = {"{code", "{noformat", "{quote"};

/* Bytes before the next } of the same line, at most `max`. */
static size_t brace_span(const char *at, size_t max)
{
	size_t len = 0;
	while (len < max && at[len] != '\0' && at[len] != '}' && at[len] != '\n')
		len++;
	return len;
}

/* Length of the macro tag at `at` ("{code}", "{code:java|title=x}"), 0 when there is none. */
static size_t wiki_tag_len(const char *at, const char *name)
{
	size_t name_len = strlen(name);
	if (strncasecmp(at, name, name_len) != 0 || (at[name_len] != '}' && at[name_len] != ':')) return 0;
	size_t len = name_len + brace_span(at + name_len, WIKI_TAG_MAX);
	return at[len] == '}' ? len + 1 : 0;
}

/* End of the block that opens at `at` with a tag of `tag_len` bytes; NULL when it is never closed. */
static char *wiki_block_end(char *at, size_t tag_len, const char *name)
{
	size_t name_len = strlen(name);
	for (char *close = strchr(at + tag_len, '{'); close; close = strchr(close + 1, '{')) {
		if (strncasecmp(close, name, name_len) == 0 && close[name_len] == '}') return close + name_len + 1;
	}
	return NULL;
}

/* Blanks the block that opens at `at`; where to go on. `open_ended` remembers names without a further closing tag. */
static char *blank_wiki_block(char *at, bool open_ended[])
{
	for (size_t i = 0; i < ARRAY_LEN(wiki_blocks); i++) {
		size_t tag_len = open_ended[i] ? 0 : wiki_tag_len(at, wiki_blocks[i]);
		char *end = tag_len > 0 ? wiki_block_end(at, tag_len, wiki_blocks[i]) : NULL;
		if (end) return blank(at, end);
		open_ended[i] = open_ended[i] || tag_len > 0;
	}
	return at + 1;
}

/* {{text}} on one line. */
static char *blank_monospace(char *at)
{
	char *end = at + 2 + brace_span(at + 2, WIKI_MONOSPACE_MAX);
	if (end[0] != '}' || end[1] != '}') return at + 2;
	return blank(at, end + 2);
}

static void blank_wiki(char *text)
{
	bool open_ended[ARRAY_LEN(wiki_blocks)] = {false};
	char *at = strchr(text, '{');
	while (at) {
		if (at > text && at[-1] == '\\')
			at++;
		else if (at[1] == '{')
			at = blank_monospace(at);
		else
			at = blank_wiki_block(at, open_ended);
		at = strchr(at, '{');
	}
}

/* --- lines: fenced code and quotes -------------------------------------------------------------- */

/* A fence of Markdown while its block is open. */
struct fence {
	char mark;  /* '`' or '~', 0: no block is open */
	size_t len; /* of the opening run */
};

static const char *skip_indent(const char *line)
{
	size_t spaces = strspn(line, " ");
	return line + (spaces < 4 ? spaces : 0);
}

/* Whether the line opens a block; a run of backticks with more backticks behind it is inline code. */
static bool opens_fence(const char *line, const char *end, struct fence *ret)
{
	const char *start = skip_indent(line);
	const char mark[2] = {*start, '\0'};
	size_t len = strspn(start, mark);
	if ((*start != '`' && *start != '~') || len < 3) return false;
	if (*start == '`' && memchr(start + len, '`', (size_t)(end - start) - len)) return false;
	*ret = (struct fence){.mark = *start, .len = len};
	return true;
}

static bool closes_fence(const char *line, const char *end, const struct fence *fence)
{
	const char *start = skip_indent(line);
	const char mark[2] = {fence->mark, '\0'};
	size_t len = strspn(start, mark);
	return len >= fence->len && start + len + strspn(start + len, " \t\r") >= end;
}

static bool is_quote(enum provider provider, const char *line)
{
	const char *start = skip_indent(line);
	return *start == '>' || (provider == PROVIDER_JIRA && strncasecmp(start, "bq.", 3) == 0);
}

static void blank_lines(enum provider provider, char *text)
{
	struct fence fence = {0};
	for (char *line = text; *line != '\0';) {
		char *end = line + strcspn(line, "\n");
		if (fence.mark != '\0') {
			if (closes_fence(line, end, &fence)) fence.mark = '\0';
			(void)blank(line, end);
		} else if (is_quote(provider, line) || opens_fence(line, end, &fence)) {
			(void)blank(line, end);
		}
		line = *end == '\n' ? end + 1 : end;
	}
}

/* --- inline code: runs of backticks of the same length, within a paragraph ----------------------- */

static bool is_paragraph_end(const char *newline)
{
	return newline[1 + strspn(newline + 1, " \t\r")] == '\n';
}

/* End of the run of exactly `len` backticks that closes the code starting at `at`; NULL when there is none. */
static char *inline_code_end(char *at, size_t len)
{
	while (*at != '\0') {
		size_t run = strspn(at, "`");
		if (run == len) return at + run;
		if (*at == '\n' && is_paragraph_end(at)) return NULL;
		at += run > 0 ? run : 1;
	}
	return NULL;
}

/* Handles the run of backticks at `at`; `unclosed` has a bit for each length that has no partner in this paragraph. */
static char *blank_inline_code(char *at, uint64_t *unclosed)
{
	size_t run = strspn(at, "`");
	char *end = NULL;
	if (run <= BACKTICK_RUN_MAX && (*unclosed & (UINT64_C(1) << run)) == 0) {
		end = inline_code_end(at + run, run);
		*unclosed |= !end ? UINT64_C(1) << run : 0;
	}
	return end ? blank(at, end) : at + run;
}

static void blank_inline(char *text)
{
	uint64_t unclosed = 0;
	for (char *at = text; *at != '\0';) {
		if (*at == '\n' && is_paragraph_end(at)) unclosed = 0;
		if (*at == '`')
			at = blank_inline_code(at, &unclosed);
		else
			at += at[0] == '\\' && at[1] == '`' ? 2 : 1;
	}
}

char *mention_visible_text(enum provider provider, const char *text)
{
	char *visible = mem_dup(text);
	if (provider == PROVIDER_JIRA) blank_wiki(visible);
	blank_lines(provider, visible);
	blank_inline(visible);
	return visible;
}
