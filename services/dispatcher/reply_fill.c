/* Filling a template with values that cannot become markup, and cutting and guarding what is written. */
#include "services/dispatcher/reply_fill.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/dispatcher/wiki.h"

#include <string.h>

#include "common/base/banned.h"

enum {
	VALUE_MAX_BYTES = 600, /* a peer's words in the middle of a sentence */
	NAME_MAX = 16,
	LINE_SEARCH_BYTES = 400, /* a cut prefers the end of a line this near */
};

/* Stands for the mention while Markdown is converted; private use, so that no font shows it. */
static const char mention_sign[] = "\xEE\x80\x80";

/* --- values ---------------------------------------------------------------------------------------- */

/* An underscore between letters is a letter to Markdown; escaping it would only be ugly. */
static bool needs_escape(unsigned char prev, unsigned char here, unsigned char next)
{
	if (here == '_') return !(wiki_is_word(prev) && wiki_is_word(next));
	return here && strchr("\\`*[]<>&~|", here);
}

/* Text from outside as plain Markdown on one line. */
static void add_plain(const char *value, struct strbuf *ret)
{
	size_t len = text_cut(value, VALUE_MAX_BYTES);
	unsigned char prev = ' ';
	for (size_t i = 0; i < len; i++) {
		unsigned char here = (unsigned char)value[i];
		if (strncmp(value + i, mention_sign, 3) == 0) {
			i += 2;
			continue;
		}
		if (here < ' ') here = ' ';
		if (needs_escape(prev, here, (unsigned char)value[i + 1])) strbuf_add_char(ret, '\\');
		strbuf_add_char(ret, (char)here);
		prev = here;
	}
	if (value[len]) strbuf_add(ret, "…");
}

static void add_url(const char *url, struct strbuf *ret)
{
	for (; url && *url; url++)
		strbuf_addf(ret, strchr(" ()<>", *url) ? "%%%02X" : "%c", (unsigned char)*url);
}

static char *comment_url(const struct reply_context *context)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	const struct ask *ask = context->ask;
	if (context->provider != PROVIDER_JIRA || !context->provider_url || !ask->issue_key || !ask->comment_id)
		return NULL;
	strbuf_addf(&url, "%s/browse/%s?focusedCommentId=%s", context->provider_url, ask->issue_key, ask->comment_id);
	return strbuf_take(&url);
}

static const char *or_else(const char *value, const char *fallback)
{
	return text_is_empty(value) ? fallback : value;
}

/* Placeholders whose values are plain text. */
static const char *text_value(const struct reply_context *context, const struct reply_values *values, const char *name)
{
	const struct {
		const char *name;
		const char *value;
	} rows[] = {
		{"product", or_else(context->product_name, "OpenHands")},
		{"host", or_else(context->host, "the app")},
		{"asker", person_shown(&context->ask->actor, "You")},
		{"repository", or_else(values->repository, "the repository")},
		{"org", or_else(values->org, "your own")},
		{"detail", or_else(values->detail, "")},
		{"names", or_else(values->names, "those named")},
		{"time", or_else(values->time, "a later time")},
		{"issue", or_else(context->ask->issue_key, "")},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) return rows[i].value;
	}
	return NULL;
}

/* Append the value of a placeholder; false when there is none of that name. */
static bool add_value(const struct reply_context *context, const struct reply_values *values, const char *name,
		      struct strbuf *ret)
{
	const char *text = text_value(context, values, name);
	CLEANUP(mem_free_text) char *url = NULL;
	if (text) {
		add_plain(text, ret);
		return true;
	}
	if (strcmp(name, "mention") == 0) {
		strbuf_add(ret, mention_sign);
		return true;
	}
	if (strcmp(name, "link") == 0)
		url = reply_conversation_url(context, values->conversation_id);
	else if (strcmp(name, "comment") == 0)
		url = comment_url(context);
	else if (strcmp(name, "app") == 0)
		url = mem_dup(or_else(context->app_url, ""));
	else
		return false;
	add_url(url, ret);
	return true;
}

void reply_fill(const struct reply_context *context, const char *template, const struct reply_values *values,
		struct strbuf *ret)
{
	char name[NAME_MAX];
	while (*template) {
		size_t plain = strcspn(template, "{");
		strbuf_add_bytes(ret, bytes_of(template, plain));
		template += plain;
		size_t len = strcspn(template, "}");
		if (*template && template[len] && len > 1 && len <= sizeof(name)) {
			memcpy(name, template + 1, len - 1);
			name[len - 1] = '\0';
			if (add_value(context, values, name, ret)) {
				template += len + 1;
				continue;
			}
		}
		if (*template) strbuf_add_char(ret, *template ++);
	}
}

/* --- mention --------------------------------------------------------------------------------------- */

/* Bitbucket quotes names that hold more than letters, digits and . _ - */
static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

static void add_mention(const struct reply_context *context, struct strbuf *ret)
{
	const struct person *actor = &context->ask->actor;
	const char *name = context->provider == PROVIDER_JIRA ? actor->name : actor->key;
	if (text_is_empty(name)) name = actor->name;
	if (text_is_empty(name) || strpbrk(name, "\"]\r\n")) {
		add_plain(person_shown(&context->ask->actor, "You"), ret);
		return;
	}
	if (context->provider == PROVIDER_JIRA)
		strbuf_addf(ret, "[~%s]", name);
	else
		strbuf_addf(ret, name[strspn(name, plain)] ? "@\"%s\"" : "@%s", name);
}

static void put_mention(const struct reply_context *context, const char *text, struct strbuf *ret)
{
	const char *sign;
	while ((sign = strstr(text, mention_sign))) {
		strbuf_add_bytes(ret, bytes_of(text, (size_t)(sign - text)));
		add_mention(context, ret);
		text = sign + sizeof(mention_sign) - 1;
	}
	strbuf_add(ret, text);
}

void reply_finish(const struct reply_context *context, const char *markdown, struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf converted = strbuf_of(LIMIT_DESCRIPTION_BYTES);
	if (context->provider == PROVIDER_JIRA && wiki_from_markdown(markdown, &converted, NULL))
		put_mention(context, strbuf_text(&converted), ret);
	else
		put_mention(context, markdown, ret);
}

/* Whether the @ at `at` calls the bot; an address like me@openhands.dev does not. */
static bool is_call(const char *text, const char *at, const char *label, size_t label_len)
{
	size_t next_len = 0;
	if (*at != '@' || strncasecmp(at + 1, label, label_len) != 0 || text_word_before(text, at)) return false;
	return !text_is_word(text_code_point(at + 1 + label_len, &next_len));
}

void reply_unmention(const struct reply_context *context, char *text)
{
	CLEANUP(mem_free_text) char *visible = NULL;
	size_t to = 0;
	size_t label_len = context->bot ? strlen(context->bot->label) : 0;
	if (label_len == 0) return;
	/* Of the same length as the text: in code a name with an @ is no mention and stays whole. */
	visible = mention_visible_text(context->provider, text);
	for (size_t i = 0; text[i]; i++) {
		if (!is_call(visible, visible + i, context->bot->label, label_len)) text[to++] = text[i];
	}
	text[to] = '\0';
}

/* --- length ---------------------------------------------------------------------------------------- */

/* Units of the character that a byte begins: four bytes are a surrogate pair, continuation bytes count nothing. */
static size_t units_of(unsigned char byte)
{
	if ((byte & 0xC0) == 0x80) return 0;
	return byte >= 0xF0 ? 2 : 1;
}

size_t reply_units(const char *text)
{
	size_t units = 0;
	for (; *text; text++)
		units += units_of((unsigned char)*text);
	return units;
}

/* Whether a fence is open at the end: an odd number of lines that begin with three marks. */
static bool has_open_fence(const char *text)
{
	bool is_open = false;
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *at = line + strspn(line, " ");
		if (strncmp(at, "```", 3) == 0 || strncmp(at, "~~~", 3) == 0) is_open = !is_open;
	}
	return is_open;
}

char *reply_cut_markdown(const char *markdown, size_t max_units)
{
	CLEANUP(strbuf_done) struct strbuf cut = {0};
	size_t units = 0;
	size_t len = 0;
	while (markdown[len] && units + units_of((unsigned char)markdown[len]) <= max_units)
		units += units_of((unsigned char)markdown[len++]);
	if (!markdown[len]) return mem_dup(markdown);
	/* A character that did not fit may have left nothing of itself; go back to a near line end. */
	const char *line = memrchr(markdown, '\n', len);
	if (line && len - (size_t)(line - markdown) < LINE_SEARCH_BYTES) len = (size_t)(line - markdown);
	strbuf_init(&cut, len + 8);
	strbuf_add_bytes(&cut, bytes_of(markdown, len));
	if (has_open_fence(strbuf_text(&cut))) strbuf_add(&cut, "\n```");
	return strbuf_take(&cut);
}
