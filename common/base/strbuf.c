/* Growable text that stops at its ceiling. */
#include "common/base/strbuf.h"

#include "common/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/banned.h"

enum { FIRST_SIZE = 64 };

struct strbuf strbuf_of(size_t ceiling)
{
	/* One byte stays for the NUL, so that `size` cannot overflow. */
	return (struct strbuf){.ceiling = ceiling < SIZE_MAX ? ceiling : SIZE_MAX - 1};
}

void strbuf_init(struct strbuf *buf, size_t ceiling)
{
	*buf = strbuf_of(ceiling);
}

void strbuf_done(struct strbuf *buf)
{
	if (!buf) return;
	mem_free(buf->text);
	*buf = (struct strbuf){0};
}

void strbuf_wipe(struct strbuf *buf)
{
	if (buf && buf->text) mem_wipe(buf->text, buf->size);
	strbuf_done(buf);
}

void strbuf_clear(struct strbuf *buf)
{
	buf->len = 0;
	buf->is_cut = false;
	if (buf->text) buf->text[0] = '\0';
}

/* Make room for `more` bytes and the NUL, or for what the ceiling leaves; returns how many fit. */
static size_t reserve(struct strbuf *buf, size_t more)
{
	size_t room = buf->ceiling - buf->len;
	if (more > room) {
		buf->is_cut = true;
		more = room;
	}
	size_t need = buf->len + more + 1;
	if (need <= buf->size) return more;

	size_t limit = buf->ceiling + 1;
	size_t size = buf->size > 0 ? buf->size : FIRST_SIZE;
	while (size < need)
		size = size > limit / 2 ? limit : 2 * size;
	if (size > limit) size = limit;
	buf->text = mem_resize(buf->text, size, 1);
	buf->size = size;
	return more;
}

void strbuf_add_bytes(struct strbuf *buf, struct bytes bytes)
{
	size_t len = reserve(buf, bytes.len);
	if (len > 0) memcpy(buf->text + buf->len, bytes.ptr, len);
	buf->len += len;
	buf->text[buf->len] = '\0';
}

void strbuf_add(struct strbuf *buf, const char *text)
{
	if (text) strbuf_add_bytes(buf, bytes_text(text));
}

void strbuf_add_char(struct strbuf *buf, char c)
{
	strbuf_add_bytes(buf, bytes_of(&c, 1));
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	int wanted = vsnprintf(NULL, 0, format, values);
	va_end(values);
	if (wanted < 0) {
		buf->is_cut = true;
		return;
	}

	size_t len = reserve(buf, (size_t)wanted);
	va_start(values, format);
	(void)vsnprintf(buf->text + buf->len, len + 1, format, values);
	va_end(values);
	buf->len += len;
}

const char *strbuf_text(const struct strbuf *buf)
{
	return buf->text ? buf->text : "";
}

char *strbuf_take(struct strbuf *buf)
{
	char *text = buf->text ? buf->text : mem_dup("");
	strbuf_init(buf, buf->ceiling);
	return text;
}
