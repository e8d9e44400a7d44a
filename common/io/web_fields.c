/* Names and values of headers, queries, forms and cookies. */

#include "common/io/web_parts.h"

#include <string.h>
#include <strings.h>

#include "common/base/encode.h"
#include "common/base/text.h"

#include "common/base/banned.h"

void web_fields_add(struct strbuf *fields, struct bytes name, struct bytes value)
{
	strbuf_add_bytes(fields, name);
	strbuf_add_char(fields, '\0');
	strbuf_add_bytes(fields, value);
	strbuf_add_char(fields, '\0');
}

bool web_fields_decode(struct strbuf *fields, struct bytes name, struct bytes value)
{
	CLEANUP(strbuf_wipe) struct strbuf first = strbuf_of(name.len);
	CLEANUP(strbuf_wipe) struct strbuf second = strbuf_of(value.len);
	if (!decode_percent(&first, name) || !decode_percent(&second, value)) return false;
	if (text_is_utf8(bytes_of(second.text, second.len)))
		web_fields_add(fields, bytes_text(strbuf_text(&first)), bytes_text(strbuf_text(&second)));
	return true;
}

/* Cut off what stands before `mark`, or all of it. */
static struct bytes cut(struct bytes *rest, char mark)
{
	const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, mark, rest->len) : NULL;
	struct bytes part = bytes_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
	size_t taken = part.len + (end ? 1 : 0);
	*rest = bytes_of(rest->ptr ? rest->ptr + taken : NULL, rest->len - taken);
	return part;
}

bool web_fields_read_form(struct strbuf *fields, struct bytes form)
{
	CLEANUP(strbuf_wipe) struct strbuf spaced = strbuf_of(form.len);
	strbuf_add_bytes(&spaced, form);
	for (size_t i = 0; i < spaced.len; i++) {
		if (spaced.text[i] == '+') spaced.text[i] = ' ';
	}
	for (struct bytes rest = bytes_of(spaced.text, spaced.len); rest.len > 0;) {
		struct bytes value = cut(&rest, '&');
		struct bytes name = cut(&value, '=');
		if (name.len > 0 && !web_fields_decode(fields, name, value)) return false;
	}
	return true;
}

static struct bytes trim(struct bytes text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = bytes_of(text.ptr + 1, text.len - 1);
	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

void web_fields_read_cookies(struct strbuf *fields, const char *header)
{
	for (struct bytes rest = bytes_text(header); rest.len > 0;) {
		struct bytes value = cut(&rest, ';');
		struct bytes name = trim(cut(&value, '='));
		if (name.len > 0) web_fields_add(fields, name, trim(value));
	}
}

const char *web_fields_next(const struct strbuf *fields, const char *name, bool ignores_case, const char *from)
{
	const char *end = fields->text ? fields->text + fields->len : NULL;
	const char *at = from ? from + strlen(from) + 1 : fields->text;
	while (at < end) {
		const char *value = at + strlen(at) + 1;
		if ((ignores_case ? strcasecmp(at, name) : strcmp(at, name)) == 0) return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

const char *web_fields_one(const struct strbuf *fields, const char *name, bool ignores_case)
{
	const char *value = web_fields_next(fields, name, ignores_case, NULL);
	return value && !web_fields_next(fields, name, ignores_case, value) ? value : NULL;
}
