/* Spans and text of the wiki conversion: emphasis, links, code, entities, line breaks. */
#include "services/dispatcher/wiki_write.h"

#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/text.h"

#include <ctype.h>
#include <string.h>

#include "common/base/banned.h"

enum { ENTITY_MAX = 12 };

/* --- attributes and entities ------------------------------------------------------------------------ */

static void add_code_point(struct strbuf *ret, int64_t code)
{
	static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0}; /* by the number of bytes that follow */
	int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	uint8_t raw[4] = {(uint8_t)(leads[more] | code >> (6 * more))};
	for (int i = 1; i <= more; i++)
		raw[i] = (uint8_t)(0x80 | (code >> (6 * (more - i)) & 0x3F));
	text_add_repaired(ret, bytes_of(raw, (size_t)more + 1));
}

/* "&#39;" or "&#x27;" as a code point; false when it is none. */
static bool read_numeric(const char *entity, int64_t *ret)
{
	bool is_hex = entity[2] == 'x' || entity[2] == 'X';
	int64_t code = 0;
	/* md4c takes nothing but digits here. */
	for (const char *at = entity + (is_hex ? 3 : 2); isxdigit((unsigned char)*at); at++) {
		int digit = isdigit((unsigned char)*at) ? *at - '0' : (*at | 0x20) - 'a' + 10;
		code = code * (is_hex ? 16 : 10) + digit;
	}
	if (code <= 0 || code > 0x10FFFF) return false;
	*ret = code;
	return true;
}

static const char *const entities[][2] = {
	{"&amp;", "&"},         {"&lt;", "<"},     {"&gt;", ">"},    {"&quot;", "\""}, {"&apos;", "'"},
	{"&nbsp;", "\xC2\xA0"}, {"&hellip;", "…"}, {"&mdash;", "—"}, {"&ndash;", "–"}, {"&rarr;", "→"},
};

static void decode_entity(struct bytes text, struct strbuf *ret)
{
	char entity[ENTITY_MAX + 1] = "";
	int64_t code = 0;
	if (text.len <= ENTITY_MAX) memcpy(entity, text.ptr, text.len);
	if (entity[0] == '&' && entity[1] == '#' && read_numeric(entity, &code)) {
		add_code_point(ret, code);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
		if (strcmp(entity, entities[i][0]) == 0) {
			strbuf_add(ret, entities[i][1]);
			return;
		}
	}
	strbuf_add_bytes(ret, text);
}

static void add_attribute(const MD_ATTRIBUTE *attribute, struct strbuf *ret)
{
	for (size_t i = 0; attribute->text && attribute->substr_offsets[i] < attribute->size; i++) {
		MD_OFFSET from = attribute->substr_offsets[i];
		struct bytes part = bytes_of(attribute->text + from, attribute->substr_offsets[i + 1] - from);
		if (attribute->substr_types[i] == MD_TEXT_ENTITY)
			decode_entity(part, ret);
		else
			strbuf_add_bytes(ret, part);
	}
}

/* --- emphasis ---------------------------------------------------------------------------------------- */

/* Inside of a word Jira wants the mark in braces. */
static void open_mark(struct wiki *wiki, char mark)
{
	const struct strbuf *out = wiki->out;
	bool is_inside = out->len > 0 && wiki_is_word((unsigned char)out->text[out->len - 1]);
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
	if (wiki->plain_mark_at == 0 || wiki->plain_mark_at != out->len || text.len == 0 || !wiki_is_word(text.ptr[0]))
		return;
	char mark = out->text[out->len - 1];
	out->len--;
	strbuf_addf(out, "{%c}", mark);
}

/* --- links ------------------------------------------------------------------------------------------- */

/* Relative links mean nothing in an issue, and other schemes are not for a comment. */
static bool is_linkable(const char *url)
{
	return text_starts(url, "https://") || text_starts(url, "http://") || text_starts(url, "mailto:");
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

static void open_link(struct wiki *wiki)
{
	wiki->in_link = true;
	wiki->link_at = wiki->out->len;
	strbuf_add_char(wiki->out, '[');
}

/* Whether the written text of the link is its own address, escapes aside. */
static bool is_bare(const char *text, const char *url)
{
	for (; *text; text++) {
		if (*text == '\\') continue;
		if (*text != *url++) return false;
	}
	return *url == '\0';
}

static void close_link(struct wiki *wiki, const MD_ATTRIBUTE *address)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	struct strbuf *out = wiki->out;
	wiki->in_link = false;
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

/* The mark of an emphasis, 0 for other spans. */
static char mark_of(MD_SPANTYPE type)
{
	static const char marks[] = {[MD_SPAN_EM] = '_', [MD_SPAN_STRONG] = '*', [MD_SPAN_DEL] = '-'};
	return type < ARRAY_LEN(marks) ? marks[type] : 0;
}

/* A picture is shown as a link: a comment must not fetch things from elsewhere. Within a link only its text stays. */
int wiki_enter_span(MD_SPANTYPE type, UNUSED void *detail, void *userdata)
{
	struct wiki *wiki = userdata;
	wiki->is_fresh = false;
	if (mark_of(type)) {
		open_mark(wiki, mark_of(type));
	} else if (type == MD_SPAN_CODE) {
		strbuf_add(wiki->out, "{{");
		wiki->in_code_span = true;
	} else if (type == MD_SPAN_IMG && wiki->in_link) {
		wiki->in_linked_image = true;
	} else if (type == MD_SPAN_A || type == MD_SPAN_IMG) {
		open_link(wiki);
	}
	return 0;
}

int wiki_leave_span(MD_SPANTYPE type, void *detail, void *userdata)
{
	struct wiki *wiki = userdata;
	if (mark_of(type)) {
		close_mark(wiki, mark_of(type));
	} else if (type == MD_SPAN_CODE) {
		strbuf_add(wiki->out, "}}");
		wiki->in_code_span = false;
	} else if (type == MD_SPAN_A) {
		close_link(wiki, &((const MD_SPAN_A_DETAIL *)detail)->href);
	} else if (type == MD_SPAN_IMG && !wiki->in_linked_image) {
		close_link(wiki, &((const MD_SPAN_IMG_DETAIL *)detail)->src);
	} else if (type == MD_SPAN_IMG) {
		wiki->in_linked_image = false;
	}
	return 0;
}

/* --- text -------------------------------------------------------------------------------------------- */

static void take_plain(struct wiki *wiki, struct bytes text)
{
	unsigned place = wiki->in_link ? WIKI_IN_LINK : WIKI_PLAIN;
	if (wiki->in_code_span) place |= WIKI_IN_CODE;
	mend_mark(wiki, text);
	wiki_escape(text, place, wiki->out);
}

static void take_break(struct wiki *wiki)
{
	bool stays_on_line = wiki->in_link || wiki->inside & WIKI_INSIDE_HEADING;
	if (wiki->inside & WIKI_INSIDE_TABLE)
		strbuf_add(wiki->out, " \\\\ ");
	else
		strbuf_add_char(wiki->out, stays_on_line ? ' ' : '\n');
}

static void take_entity(struct wiki *wiki, struct bytes text)
{
	CLEANUP(strbuf_done) struct strbuf plain = strbuf_of(text.len + ENTITY_MAX);
	decode_entity(text, &plain);
	take_plain(wiki, bytes_of(plain.text, plain.len));
}

/* Jira breaks the line at each newline, Markdown does not: a soft break becomes a space. */
int wiki_take_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *userdata)
{
	struct wiki *wiki = userdata;
	bool is_block = wiki->inside & WIKI_INSIDE_CODE_BLOCK;
	wiki->is_fresh = false;
	if (type == MD_TEXT_NULLCHAR)
		strbuf_add(is_block ? &wiki->code : wiki->out, "\xEF\xBF\xBD");
	else if (type == MD_TEXT_CODE && is_block)
		strbuf_add_bytes(&wiki->code, bytes_of(text, size));
	else if (type == MD_TEXT_BR)
		take_break(wiki);
	else if (type == MD_TEXT_SOFTBR)
		strbuf_add_char(wiki->out, ' ');
	else if (type == MD_TEXT_ENTITY)
		take_entity(wiki, bytes_of(text, size));
	else
		take_plain(wiki, bytes_of(text, size));
	return 0;
}
