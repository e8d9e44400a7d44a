/* The rules that do not depend on the product. */

#include "common/domain/trigger_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"

#include "common/base/banned.h"

/* As the two products have it on a line of its own; the same name in a sentence is a question about us. */
static const char *const markers[] = {"{anchor:ohdc-", "[ohdc]: # (ohdc-"};

enum { MARKER_HEX_LEN = 16 };

bool trigger_refuse(struct ask *ask, enum reason verdict, const char *format, ...)
{
	va_list args;
	ask->verdict = verdict;
	va_start(args, format);
	(void)vsnprintf(ask->detail, sizeof(ask->detail), format, args);
	va_end(args);
	return false;
}

char *trigger_text(const json_t *body, const char *path, size_t max_bytes)
{
	const char *text = json_text_at(body, path);
	return text != NULL ? mem_dup_n(text, text_cut(text, max_bytes)) : NULL;
}

char *trigger_id(const json_t *body, const char *path)
{
	char id[LIMIT_ID_BYTES];
	if (!json_id_at(body, path, id, sizeof(id)) || id[strspn(id, "0123456789")] != '\0') return NULL;
	return mem_dup(id);
}

bool trigger_is_text(const json_t *body, const char *path)
{
	const json_t *value = json_at(body, path);
	return value == NULL || json_is_string(value);
}

char *trigger_key(const char *format, ...)
{
	char text[LIMIT_EVENT_KEY_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return mem_dup(text);
}

/* Start of the last line that is not blank. */
static const char *last_line(const char *text)
{
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	while (len > 0 && text[len - 1] != '\n')
		len--;
	return text + len;
}

bool trigger_has_marker(const char *text)
{
	if (text_is_empty(text)) return false;
	const char *line = last_line(text);
	if (line[strspn(line, " \t")] == '>') return false;
	for (size_t i = 0; i < ARRAY_LEN(markers); i++) {
		const char *at = strstr(line, markers[i]);
		if (at && strspn(at + strlen(markers[i]), "0123456789abcdef") >= MARKER_HEX_LEN) return true;
	}
	return false;
}

void trigger_decide_comment(const struct trigger_context *context, struct ask *ask)
{
	ask->is_mention = mention_found(context->provider, ask->comment_text, context->bot);
	if (person_is_bot(&ask->actor, context->bot) || trigger_has_marker(ask->comment_text)) {
		(void)trigger_refuse(ask, REASON_BOT_AUTHOR, "the bot wrote this comment");
	} else if (!ask->is_mention) {
		(void)trigger_refuse(ask, REASON_NO_TRIGGER, "the comment does not mention @%s", context->bot->label);
	} else if (person_is_nobody(&ask->actor)) {
		(void)trigger_refuse(ask, REASON_MALFORMED, "the comment names no author");
	} else {
		ask->verdict = REASON_TRIGGERED;
		ask->kind = TRIGGER_COMMENT;
		ask->detail[0] = '\0';
	}
}
