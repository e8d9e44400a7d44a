/* Filling errors, and the one decision of what is repeated and what is not. */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* A message cut inside a UTF-8 character would break the log line that carries it. */
static void end_on_character(char *text, size_t size)
{
	size_t len = strnlen(text, size - 1);
	size_t start = len;
	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0) return;

	unsigned char lead = (unsigned char)text[start - 1];
	size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
	if (need > len - start) text[start - 1] = '\0';
}

PRINTF_LIKE(3, 0)
static void format_message(char *ret, size_t size, const char *format, va_list values)
{
	if (vsnprintf(ret, size, format, values) < 0) ret[0] = '\0';
	end_on_character(ret, size);
}

void err_fill(struct err *err, enum err_code code, const char *format, ...)
{
	char message[ERR_MESSAGE_SIZE];
	va_list values;
	if (!err) return;
	/* Formatted apart first: the values may point into the message that is replaced. */
	va_start(values, format);
	format_message(message, sizeof(message), format, values);
	va_end(values);
	*err = (struct err){.code = code};
	memcpy(err->message, message, sizeof(message));
}

void err_add_context(struct err *err, const char *format, ...)
{
	char context[ERR_MESSAGE_SIZE];
	char whole[2 * ERR_MESSAGE_SIZE + 2];
	va_list values;
	if (!err) return;
	va_start(values, format);
	format_message(context, sizeof(context), format, values);
	va_end(values);
	(void)snprintf(whole, sizeof(whole), "%s: %s", context, err->message);
	memcpy(err->message, whole, sizeof(err->message) - 1);
	err->message[sizeof(err->message) - 1] = '\0';
	end_on_character(err->message, sizeof(err->message));
}

enum err_verdict err_verdict(const struct err *err)
{
	switch (err->code) {
	case ERR_INPUT: /* the same input fails the same way for ever */
	case ERR_AUTH:  /* waiting grants no right: tell the person or the operator instead */
	case ERR_NOT_FOUND: /* what is gone or hidden does not come back by asking again */ return VERDICT_DROP;
	case ERR_UNCERTAIN: /* a blind repeat could do it twice */ return VERDICT_PROBE;
	case ERR_CONFLICT: /* read again: the winner's state decides next time */
	case ERR_LIMIT:    /* the peer said when; `retry_after_ms` outranks the back-off */
	case ERR_BUSY:     /* a local queue or pool drains by itself */
	case ERR_NETWORK:  /* nothing reached the peer */
	case ERR_TIMEOUT:  /* only calls that are safe to repeat end here */
	case ERR_INTERNAL: /* peers and releases get fixed; the horizon of the work ends it otherwise */
	case ERR_NONE: /* a failure nobody described is no reason to lose work */ return VERDICT_RETRY;
	}
	return VERDICT_RETRY;
}

static const char *const code_names[] = {
	[ERR_NONE] = "none",           [ERR_INPUT] = "input",       [ERR_AUTH] = "auth",
	[ERR_NOT_FOUND] = "not_found", [ERR_CONFLICT] = "conflict", [ERR_LIMIT] = "limit",
	[ERR_BUSY] = "busy",           [ERR_NETWORK] = "network",   [ERR_TIMEOUT] = "timeout",
	[ERR_UNCERTAIN] = "uncertain", [ERR_INTERNAL] = "internal",
};

const char *err_code_name(enum err_code code)
{
	return (size_t)code < ARRAY_LEN(code_names) ? code_names[code] : "unknown";
}
