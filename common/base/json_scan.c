/*
 * The grammar of RFC 8259 without recursion. The parser proper stops at its own depth and number
 * limits; only this scan can tell "no JSON" from "JSON that is not usable".
 */
#include "common/base/json_scan.h"

#include "common/base/encode.h"
#include "common/base/text.h"

#include "common/base/banned.h"

/* What may come next. */
enum expect { EXPECT_VALUE, EXPECT_FIRST, EXPECT_KEY, EXPECT_AFTER };

struct scanner {
	struct bytes text;
	size_t at;
	struct strbuf open; /* the brackets that are open, outermost first */
	size_t depth;
	size_t values;
	bool needs_repair;
};

/* The byte at the place, or one that is in no grammar rule at the end. */
static uint8_t peek(const struct scanner *s)
{
	return s->at < s->text.len ? s->text.ptr[s->at] : 0;
}

static bool skip(struct scanner *s, char c)
{
	if (peek(s) != (uint8_t)c) return false;
	s->at++;
	return true;
}

static void skip_space(struct scanner *s)
{
	while (skip(s, ' ') || skip(s, '\n') || skip(s, '\r') || skip(s, '\t'))
		;
}

static bool skip_digits(struct scanner *s)
{
	size_t start = s->at;
	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at > start;
}

static bool skip_number(struct scanner *s)
{
	(void)skip(s, '-');
	if (!skip(s, '0') && !skip_digits(s)) return false;
	if (skip(s, '.') && !skip_digits(s)) return false;
	if (skip(s, 'e') || skip(s, 'E')) {
		if (!skip(s, '+')) (void)skip(s, '-');
		return skip_digits(s);
	}
	return true;
}

static bool skip_word(struct scanner *s, const char *word)
{
	for (; *word != '\0'; word++) {
		if (!skip(s, *word)) return false;
	}
	return true;
}

/* The UTF-16 unit of an escape `\uXXXX` at `at`; false when there is none. */
static bool read_unit(struct bytes text, size_t at, unsigned *ret)
{
	uint8_t unit[2];
	if (text.len < at || text.len - at < 6 || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u' ||
	    !decode_hex(bytes_of(text.ptr + at + 2, 4), unit, 2))
		return false;
	*ret = (unsigned)unit[0] << 8 | unit[1];
	return true;
}

/*
 * Length of the escape at `at`: 2, 6, or 12 for a surrogate pair; 0 when it is none. `*ret_good`
 * says whether it stands for a character that the parser takes.
 */
static size_t escape_len(struct bytes text, size_t at, bool *ret_good)
{
	unsigned unit;
	unsigned second;
	*ret_good = true;
	if (text.len - at >= 2 && text.ptr[at + 1] != '\0' && strchr("\"\\/bfnrt", text.ptr[at + 1])) return 2;
	if (!read_unit(text, at, &unit)) return 0;
	if (unit >= 0xD800 && unit < 0xDC00 && read_unit(text, at + 6, &second) && second >= 0xDC00 && second < 0xE000)
		return 12;
	*ret_good = unit != 0 && (unit < 0xD800 || unit >= 0xE000);
	return 6;
}

static bool skip_string(struct scanner *s)
{
	bool is_good;
	if (!skip(s, '"')) return false;
	while (s->at < s->text.len && peek(s) >= 0x20) {
		if (skip(s, '"')) return true;
		if (peek(s) != '\\') {
			s->at++;
			continue;
		}
		size_t len = escape_len(s->text, s->at, &is_good);
		if (len == 0) return false;
		s->needs_repair |= !is_good;
		s->at += len;
	}
	return false;
}

static bool skip_scalar(struct scanner *s)
{
	switch (peek(s)) {
	case '"': return skip_string(s);
	case 't': return skip_word(s, "true");
	case 'f': return skip_word(s, "false");
	case 'n': return skip_word(s, "null");
	default: return skip_number(s);
	}
}

static bool is_in_object(const struct scanner *s)
{
	return s->open.text[s->open.len - 1] == '{';
}

static void enter(struct scanner *s, char bracket)
{
	strbuf_add_char(&s->open, bracket);
	if (s->open.len > s->depth) s->depth = s->open.len;
}

static bool leave(struct scanner *s)
{
	if (!skip(s, is_in_object(s) ? '}' : ']')) return false;
	s->open.len--;
	return true;
}

static enum expect element_of(const struct scanner *s)
{
	return is_in_object(s) ? EXPECT_KEY : EXPECT_VALUE;
}

/* A value begins: its opening bracket, or the whole of a scalar. */
static bool step_value(struct scanner *s, enum expect *expect)
{
	char bracket = (char)peek(s);
	s->values++;
	if (bracket != '{' && bracket != '[') {
		*expect = EXPECT_AFTER;
		return skip_scalar(s);
	}
	s->at++;
	enter(s, bracket);
	*expect = EXPECT_FIRST;
	return true;
}

static bool step_key(struct scanner *s, enum expect *expect)
{
	if (!skip_string(s)) return false;
	skip_space(s);
	*expect = EXPECT_VALUE;
	return skip(s, ':');
}

static bool step(struct scanner *s, enum expect *expect)
{
	switch (*expect) {
	case EXPECT_VALUE: return step_value(s, expect);
	case EXPECT_KEY: return step_key(s, expect);
	case EXPECT_FIRST: *expect = leave(s) ? EXPECT_AFTER : element_of(s); return true;
	case EXPECT_AFTER:
		if (!skip(s, ',')) return leave(s);
		*expect = element_of(s);
		return true;
	}
	return false;
}

static bool scan_text(struct scanner *s)
{
	enum expect expect = EXPECT_VALUE;
	do {
		skip_space(s);
		if (!step(s, &expect)) return false;
	} while (expect != EXPECT_AFTER || s->open.len > 0);
	skip_space(s);
	return s->at == s->text.len;
}

struct json_scan json_scan(struct bytes text)
{
	struct scanner s = {.text = text};
	strbuf_init(&s.open, text.len);
	bool is_json = scan_text(&s);
	strbuf_done(&s.open);
	return (struct json_scan){
		.is_json = is_json,
		.needs_repair = s.needs_repair || !text_is_utf8(text),
		.depth = s.depth,
		.values = s.values,
		.end = s.at,
	};
}

void json_add_repaired(struct strbuf *ret, struct bytes text)
{
	bool is_good;
	for (size_t at = 0; at < text.len;) {
		const uint8_t *rest = text.ptr + at;
		const uint8_t *escape = memchr(rest, '\\', text.len - at);
		size_t run = escape ? (size_t)(escape - rest) : text.len - at;
		text_add_repaired(ret, bytes_of(rest, run));
		at += run;
		if (!escape) return;
		size_t len = escape_len(text, at, &is_good);
		if (len == 0) return;
		strbuf_add_bytes(ret, is_good ? bytes_of(escape, len) : bytes_text("\\uFFFD"));
		at += len;
	}
}
