/* Writes log fields as JSON into a fixed buffer: escapes, repairs, redacts, and takes a field back that does not fit. */

#include "common/io/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"

#include "common/base/banned.h"

static void add_char(struct log_line *line, char c)
{
	if (line->len < LOG_LINE_BYTES - LOG_LINE_TAIL_BYTES)
		line->text[line->len++] = c;
	else
		line->is_cut = true;
}

static void add_raw(struct log_line *line, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		add_char(line, text[i]);
}

static void add_ascii(struct log_line *line, uint32_t c)
{
	static const char escaped[] = "\"\\\n\r\t";
	const char *found = c != '\0' ? strchr(escaped, (int)c) : NULL;
	char hex[8];
	if (found) add_char(line, '\\');
	if (found || (c >= 0x20 && c != 0x7f)) {
		add_char(line, found ? "\"\\nrt"[found - escaped] : (char)c);
		return;
	}
	(void)snprintf(hex, sizeof(hex), "\\u%04x", (unsigned)c);
	add_raw(line, hex, strlen(hex));
}

static void add_quoted(struct log_line *line, const char *text)
{
	size_t len = text_cut(text, LOG_TEXT_BYTES);
	size_t step = 0;
	add_char(line, '"');
	for (size_t i = 0; i < len; i += step) {
		uint32_t c = text_code_point(text + i, &step);
		if (step == 0) break;
		if (c < 0x80)
			add_ascii(line, c);
		else if (step == 1)
			add_raw(line, "\xef\xbf\xbd", 3);
		else
			add_raw(line, text + i, step);
	}
	if (text[len] != '\0') add_raw(line, "…", strlen("…"));
	add_char(line, '"');
}

static bool names_secret(const char *key)
{
	static const char *const words[] = {"token",     "secret", "password",   "authorization",
					    "signature", "cookie", "credential", "api_key"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_find_nocase(key, words[i])) return true;
	}
	return false;
}

static void add_value(struct log_line *line, const struct log_field *field)
{
	char number[24];
	if (field->is_number) {
		(void)snprintf(number, sizeof(number), "%" PRId64, field->number);
		add_raw(line, number, strlen(number));
	} else if (!field->text) {
		add_raw(line, "null", strlen("null"));
	} else if (names_secret(field->key)) {
		add_quoted(line, "[redacted]");
	} else {
		add_quoted(line, field->text);
	}
}

void log_line_add(struct log_line *line, struct log_field field)
{
	size_t start = line->len;
	bool was_cut = line->is_cut;
	line->is_cut = false;
	add_char(line, start == 0 ? '{' : ',');
	add_quoted(line, field.key);
	add_char(line, ':');
	add_value(line, &field);
	if (line->is_cut) line->len = start;
	line->is_cut = line->is_cut || was_cut;
}

void log_line_close(struct log_line *line)
{
	const char *tail = line->is_cut ? ",\"cut\":true}\n" : "}\n";
	memcpy(line->text + line->len, tail, strlen(tail));
	line->len += strlen(tail);
}
