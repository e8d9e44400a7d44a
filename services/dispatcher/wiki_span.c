/* Spans and text of the wiki conversion: emphasis, links, code, entities, line breaks. */
#include "services/dispatcher/wiki_write.h"

#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/number.h"
#include "common/base/text.h"

#include <ctype.h>
#include <string.h>

#include "common/base/banned.h"

enum { ENTITY_MAX = 12 };

typedef void span_fn(struct wiki *wiki, const void *detail);
typedef void text_fn(struct wiki *wiki, struct bytes text);

/* --- attributes and entities ------------------------------------------------------------------------ */

static void add_code_point(struct strbuf *ret, int64_t code)
{
	CLEANUP(strbuf_done) struct strbuf raw = {0};

	strbuf_init(&raw, 4);
	if (code < 0x80) {
		strbuf_add_char(&raw, (char)code);
	} else if (code < 0x800) {
		strbuf_addf(&raw, "%c%c", (int)(0xC0 | (code >> 6)), (int)(0x80 | (code & 0x3F)));
	} else if (code < 0x10000) {
		strbuf_addf(&raw, "%c%c%c", (int)(0xE0 | (code >> 12)),
			    (int)(0x80 | ((code >> 6) & 0x3F)), (int)(0x80 | (code & 0x3F)));
	} else {
		strbuf_addf(&raw, "%c%c%c%c", (int)(0xF0 | (code >> 18)),
			    (int)(0x80 | ((code >> 12) & 0x3F)), (int)(0x80 | ((code >> 6) & 0x3F)),
			    (int)(0x80 | (code & 0x3F)));
	}
	text_add_repaired(ret, bytes_text(strbuf_text(&raw)));
}

/* "&#39;" or "&#x27;" as a code point; false when it is none. */
static bool read_numeric(const char *entity, int64_t *ret)
{
	CLEANUP(strbuf_done) struct strbuf digits = {0};
	bool is_hex = entity[2] == 'x' || entity[2] == 'X';
	const char *from = entity + (is_hex ? 3 : 2);
	uint8_t bytes[4] = {0};

	strbuf_init(&digits, ENTITY_MAX);
	if (!is_hex) {
		strbuf_add_bytes(&digits, bytes_of(from, strcspn(from, ";")));
		return number_parse(strbuf_text(&digits), 1, 0x10FFFF, ret, NULL);
	}
	size_t len = strcspn(from, ";");
	for (size_t i = len; i < 2 * sizeof(bytes); i++)
		strbuf_add_char(&digits, '0');
	strbuf_add_bytes(&digits, bytes_of(from, len));
	if (!decode_hex(bytes_text(strbuf_text(&digits)), bytes, sizeof(bytes)))
		return false;
	*ret = ((int64_t)bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
	return *ret > 0 && *ret <= 0x10FFFF;
}

static void decode_entity(struct bytes text, struct strbuf *ret)
{
	static const char *const named[][2] = {
		{"&amp;", "&"},   {"&lt;", "<"},          {"&gt;", ">"},     {"&quot;", "\""},
		{"&apos;", "'"},  {"&nbsp;", "\xC2\xA0"}, {"&hellip;", "…"}, {"&mdash;", "—"},
		{"&ndash;", "–"}, {"&rarr;", "→"},
	};
	char entity[ENTITY_MAX + 1] = "";
	int64_t code = 0;

	if (text.len <= ENTITY_MAX)
		memcpy(entity, text.ptr, text.len);
	if (entity[0] == '&' && entity[1] == '#' && read_numeric(entity, &code)) {
		add_code_point(ret, code);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		if (strcmp(entity, named[i][0]) == 0) {
			strbuf_add(ret, named[i][1]);
			return;
		}
	}
	strbuf_add_bytes(ret, text);
}

static void add_attribute(const MD_ATTRIBUTE *attribute, struct strbuf *ret)
{
	for (size_t i = 0; attribute->text && attribute->substr_offsets[i] < attribute->size; i++) {
		MD_OFFSET from = attribute->substr_offsets[i];
		struct bytes part = bytes_of(attribute->text + from,
					     attribute->substr_offsets[i + 1] - from);
		if (attribute->substr_types[i] == MD_TEXT_ENTITY)
			decode_entity(part, ret);
		else
			strbuf_add_bytes(ret, part);
	}
}

/* --- emphasis ---------------------------------------------------------------------------------------- */

static bool is_word_byte(char c)
{
	return (unsigned char)c >= 0x80 || isalnum((unsigned char)c);
}

/* Inside of a word Jira wants the mark in braces. */
static void open_mark(struct wiki *wiki, char mark)
{
	const struct strbuf *out = wiki->out;
	bool is_inside = out->len > 0 && is_word_byte(out->text[out->len - 1]);

	wiki->braced = (wiki->braced << 1) | is_inside;
	strbuf_addf(wiki->out, is_inside ? "{%c}" : "%c", mark);
}

static void close_mark(struct wiki *wiki, char mark)
{
	bool is_braced = wiki->braced & 1;

	wiki->braced >>= 1;
	strbuf_addf(wiki->out, is_braced ? "{%c}" : "%c", mark);
	wiki->plain_mark_at = is_braced ? 0 : wiki->out->len;
}

/* A plain closing mark that a letter follows is put in braces after all. */
static void mend_mark(struct wiki *wiki, struct bytes text)
{
	struct strbuf *out = wiki->out;

	if (wiki->plain_mark_at == 0 || wiki->plain_mark_at != out->len || text.len == 0 ||
	    !is_word_byte((char)text.ptr[0]))
		return;
	char mark = out->text[out->len - 1];
	out->len--;
	strbuf_addf(out, "{%c}", mark);
}

static void enter_em(struct wiki *wiki, const void *detail)
{
	(void)detail;
	open_mark(wiki, '_');
}

static void leave_em(struct wiki *wiki, const void *detail)
{
	(void)detail;
	close_mark(wiki, '_');
}

static void enter_strong(struct wiki *wiki, const void *detail)
{
	(void)detail;
	open_mark(wiki, '*');
}

static void leave_strong(struct wiki *wiki, const void *detail)
{
	(void)detail;
	close_mark(wiki, '*');
}

static void enter_del(struct wiki *wiki, const void *detail)
{
	(void)detail;
	open_mark(wiki, '-');
}

static void leave_del(struct wiki *wiki, const void *detail)
{
	(void)detail;
	close_mark(wiki, '-');
}

static void enter_code_span(struct wiki *wiki, const void *detail)
{
	(void)detail;
	strbuf_add(wiki->out, "{{");
	wiki->in_code_span = true;
}

static void leave_code_span(struct wiki *wiki, const void *detail)
{
	(void)detail;
	strbuf_add(wiki->out, "}}");
	wiki->in_code_span = false;
}

/* --- links ------------------------------------------------------------------------------------------- */

/* Relative links mean nothing in an issue, and other schemes are not for a comment. */
static bool is_linkable(const char *url)
{
	return text_starts(url, "https://") || text_starts(url, "http://") ||
	       text_starts(url, "mailto:");
}

static void add_url(const char *url, struct strbuf *ret)
{
	for (; *url; url++) {
		if (strchr("|[]{} \n", *url))
			encode_percent(ret, bytes_of(url, 1));
		else
			strbuf_add_char(ret, *url);
	}
}

static void enter_link(struct wiki *wiki, const void *detail)
{
	(void)detail;
	wiki->in_link = true;
	wiki->link_at = wiki->out->len;
	strbuf_add_char(wiki->out, '[');
}

/* Whether the written text of the link is its own address, escapes aside. */
static bool is_bare(const char *text, const char *url)
{
	for (; *text; text++) {
		if (*text == '\\')
			continue;
		if (*text != *url++)
			return false;
	}
	return *url == '\0';
}

static void close_link(struct wiki *wiki, const MD_ATTRIBUTE *address)
{
	CLEANUP(strbuf_done) struct strbuf url = {0};
	struct strbuf *out = wiki->out;

	wiki->in_link = false;
	strbuf_init(&url, LIMIT_URL_BYTES);
	add_attribute(address, &url);
	const char *text = out->text + wiki->link_at + 1;
	if (url.is_cut || !is_linkable(strbuf_text(&url))) {
		memmove(out->text + wiki->link_at, text, strlen(text) + 1);
		out->len--;
		return;
	}
	if (is_bare(text, strbuf_text(&url))) {
		out->len = wiki->link_at;
		strbuf_add_char(out, '[');
	} else if (text[0]) {
		strbuf_add_char(out, '|');
	}
	add_url(strbuf_text(&url), out);
	strbuf_add_char(out, ']');
}

static void leave_link(struct wiki *wiki, const void *detail)
{
	const MD_SPAN_A_DETAIL *link = detail;

	close_link(wiki, &link->href);
}

/* A picture is shown as a link: a comment must not fetch things from elsewhere. Within a link only its text stays. */
static void enter_image(struct wiki *wiki, const void *detail)
{
	if (!wiki->in_link)
		enter_link(wiki, detail);
	else
		wiki->in_linked_image = true;
}

static void leave_image(struct wiki *wiki, const void *detail)
{
	const MD_SPAN_IMG_DETAIL *image = detail;

	if (!wiki->in_linked_image)
		close_link(wiki, &image->src);
	wiki->in_linked_image = false;
}

static span_fn *const span_enter[] = {
	[MD_SPAN_EM] = enter_em,     [MD_SPAN_STRONG] = enter_strong,  [MD_SPAN_A] = enter_link,
	[MD_SPAN_IMG] = enter_image, [MD_SPAN_CODE] = enter_code_span, [MD_SPAN_DEL] = enter_del,
};

static span_fn *const span_leave[] = {
	[MD_SPAN_EM] = leave_em,     [MD_SPAN_STRONG] = leave_strong,  [MD_SPAN_A] = leave_link,
	[MD_SPAN_IMG] = leave_image, [MD_SPAN_CODE] = leave_code_span, [MD_SPAN_DEL] = leave_del,
};

int wiki_enter_span(MD_SPANTYPE type, void *detail, void *userdata)
{
	struct wiki *wiki = userdata;

	wiki->is_fresh = false;
	if (type < ARRAY_LEN(span_enter) && span_enter[type])
		span_enter[type](wiki, detail);
	return 0;
}

int wiki_leave_span(MD_SPANTYPE type, void *detail, void *userdata)
{
	if (type < ARRAY_LEN(span_leave) && span_leave[type])
		span_leave[type](userdata, detail);
	return 0;
}

/* --- text -------------------------------------------------------------------------------------------- */

static void take_plain(struct wiki *wiki, struct bytes text)
{
	unsigned place = wiki->in_link ? WIKI_IN_LINK : WIKI_PLAIN;

	if (wiki->in_code_span)
		place |= WIKI_IN_CODE;
	mend_mark(wiki, text);
	wiki_escape(text, place, wiki->out);
}

static void take_code(struct wiki *wiki, struct bytes text)
{
	if (wiki->in_code_block)
		strbuf_add_bytes(&wiki->code, text);
	else
		take_plain(wiki, text);
}

static void take_null(struct wiki *wiki, struct bytes text)
{
	(void)text;
	strbuf_add(wiki->in_code_block ? &wiki->code : wiki->out, "\xEF\xBF\xBD");
}

static void take_break(struct wiki *wiki, struct bytes text)
{
	(void)text;
	if (wiki->in_table)
		strbuf_add(wiki->out, " \\\\ ");
	else
		strbuf_add_char(wiki->out, wiki->in_link || wiki->in_heading ? ' ' : '\n');
}

/* Jira breaks the line at each newline, Markdown does not. */
static void take_soft_break(struct wiki *wiki, struct bytes text)
{
	(void)text;
	strbuf_add_char(wiki->out, ' ');
}

static void take_entity(struct wiki *wiki, struct bytes text)
{
	CLEANUP(strbuf_done) struct strbuf plain = {0};

	strbuf_init(&plain, text.len + ENTITY_MAX);
	decode_entity(text, &plain);
	take_plain(wiki, bytes_of(plain.text, plain.len));
}

static text_fn *const text_take[] = {
	[MD_TEXT_NORMAL] = take_plain,  [MD_TEXT_NULLCHAR] = take_null,
	[MD_TEXT_BR] = take_break,      [MD_TEXT_SOFTBR] = take_soft_break,
	[MD_TEXT_ENTITY] = take_entity, [MD_TEXT_CODE] = take_code,
	[MD_TEXT_HTML] = take_plain,
};

int wiki_take_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *userdata)
{
	struct wiki *wiki = userdata;

	wiki->is_fresh = false;
	if (type < ARRAY_LEN(text_take) && text_take[type])
		text_take[type](wiki, bytes_of(text, size));
	return 0;
}
