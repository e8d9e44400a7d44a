/* Which characters of a plain text Jira would take for markup, and how they are kept from it. */
#include "services/dispatcher/wiki.h"

#include <ctype.h>
#include <string.h>

#include "common/base/banned.h"

/* A place in a text with its neighbours; 0 stands for an end that is not known. */
struct spot {
	struct bytes rest; /* from the character on */
	unsigned char prev;
	unsigned char here;
	unsigned char next;
	unsigned place;
};

bool wiki_is_word(unsigned char c)
{
	return c >= 0x80 || isalnum(c);
}

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\n';
}

/* Emphasis begins and ends at a border of a word; between letters and between spaces a mark is only a character. */
static bool is_phrase_mark(const struct spot *spot)
{
	if (!strchr("*_-+^~", spot->here)) return false;
	if (wiki_is_word(spot->prev) && wiki_is_word(spot->next)) return false;
	return !(spot->prev == ' ' && is_space(spot->next));
}

static bool is_bracket(const struct spot *spot)
{
	if (strchr("{[|", spot->here)) return true;
	return (spot->here == ']' && (spot->place & WIKI_IN_LINK)) || (spot->here == '}' && (spot->place & WIKI_IN_CODE));
}

/* (x) (/) (!) and :) become pictures. */
static bool is_picture(const struct spot *spot)
{
	unsigned char third = spot->rest.len > 2 ? spot->rest.ptr[2] : 0;
	if (spot->here == '(') return third == ')' && spot->next && strchr("yni/x!+-?*", spot->next);
	if (spot->here == ':' || spot->here == ';')
		return spot->next && strchr(")(PD", spot->next) && !wiki_is_word(third);
	return false;
}

static bool is_mark(const struct spot *spot)
{
	if (is_bracket(spot) || is_phrase_mark(spot) || is_picture(spot)) return true;
	if (spot->here == '#') return spot->prev == '\n';
	if (spot->here == '?') return spot->next == '?' || spot->prev == '?';
	return spot->here == '!' && spot->next && !is_space(spot->next);
}

/* h1. to h6. and bq. at the start of a line. */
static bool is_block_word(const struct spot *spot)
{
	const uint8_t *at = spot->rest.ptr;
	if (spot->prev != '\n' || spot->rest.len < 3 || at[2] != '.') return false;
	return (at[0] == 'h' && at[1] >= '1' && at[1] <= '6') || (at[0] == 'b' && at[1] == 'q');
}

static void add_spot(const struct spot *spot, struct strbuf *ret)
{
	/* A backslash has no escape of its own: two of them break the line. */
	if (spot->here == '\\' && (spot->next == 0 || ispunct(spot->next))) {
		strbuf_add(ret, "&#92;");
		return;
	}
	if (is_block_word(spot)) strbuf_add(ret, "\xE2\x80\x8B"); /* a space without width */
	if (is_mark(spot)) strbuf_add_char(ret, '\\');
	strbuf_add_char(ret, (char)spot->here);
}

void wiki_escape(struct bytes text, unsigned place, struct strbuf *ret)
{
	struct spot spot = {.place = place};
	spot.prev = ret->len > 0 ? (unsigned char)ret->text[ret->len - 1] : '\n';
	for (size_t i = 0; i < text.len; i++) {
		spot.rest = bytes_of(text.ptr + i, text.len - i);
		spot.here = text.ptr[i];
		spot.next = i + 1 < text.len ? text.ptr[i + 1] : 0;
		add_spot(&spot, ret);
		spot.prev = spot.here;
	}
}
