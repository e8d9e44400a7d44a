/* From an outcome to the body of a comment. */
#include "services/dispatcher/reply.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/uuid.h"
#include "services/dispatcher/marker.h"
#include "services/dispatcher/reply_fill.h"

#include <string.h>

#include "common/base/banned.h"

enum {
	BODY_MAX_BYTES = 256 * 1024, /* the products' limits are in characters, at most 4 bytes each */
	HEAD_MAX_BYTES = 16 * 1024,
	CUT_ROUNDS_MAX = 12, /* each brings a too long conversion nearer to its limit */
	FENCE_UNITS = 8,
};

static size_t limit_units(const struct reply_context *context)
{
	return context->provider == PROVIDER_JIRA ? LIMIT_JIRA_COMMENT_CHARS : LIMIT_BITBUCKET_COMMENT_CHARS;
}

/* "{hex id}" and "{host}" in a pattern of the operator's. */
static void fill_pattern(const char *pattern, const char *host, const char *hex, struct strbuf *ret)
{
	while (*pattern) {
		if (text_starts(pattern, "{hex id}")) {
			strbuf_add(ret, hex);
			pattern += strlen("{hex id}");
		} else if (text_starts(pattern, "{host}")) {
			strbuf_add(ret, host);
			pattern += strlen("{host}");
		} else {
			strbuf_add_char(ret, *pattern++);
		}
	}
}

char *reply_conversation_url(const struct reply_context *context, const char *conversation_id)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	char hex[UUID_HEX_SIZE];
	struct uuid uuid;
	if (!conversation_id || !uuid_parse(conversation_id, &uuid)) {
		strbuf_add(&url, context->app_url);
		return strbuf_take(&url);
	}
	uuid_hex(&uuid, hex);
	if (!text_is_empty(context->conversation_pattern))
		fill_pattern(context->conversation_pattern, context->host ? context->host : "", hex, &url);
	else
		strbuf_addf(&url, "%s/conversations/%s", context->app_url ? context->app_url : "", hex);
	return strbuf_take(&url);
}

/* White space that an empty placeholder left at the end. */
static void trim_end(struct strbuf *text)
{
	while (text->len > 0 && strchr(" \n", text->text[text->len - 1]))
		text->text[--text->len] = '\0';
}

static void add_text(const struct reply_context *context, enum text_id id, const struct reply_values *values,
		     struct strbuf *ret)
{
	CLEANUP(strbuf_done) struct strbuf filled = strbuf_of(HEAD_MAX_BYTES);
	reply_fill(context, texts_template(context->provider, id), values, &filled);
	trim_end(&filled);
	if (filled.len == 0) return;
	if (ret->len > 0) strbuf_add(ret, "\n\n");
	reply_finish(context, strbuf_text(&filled), ret);
}

/* Guard, mark and move out. */
static char *close_body(const struct reply_context *context, const struct reply_values *values, struct strbuf *body)
{
	CLEANUP(mem_free_text) char *guarded = strbuf_take(body);
	reply_unmention(context, guarded);
	strbuf_add(body, guarded);
	if (values->marker) marker_add(context->provider, values->marker, body);
	return strbuf_take(body);
}

static bool is_acknowledgement(enum text_id id)
{
	return id == TEXT_ACK || id == TEXT_ACK_NO_REPOSITORY || id == TEXT_ACK_FOLLOW_UP;
}

char *reply_text(const struct reply_context *context, enum text_id id, const struct reply_values *values)
{
	CLEANUP(strbuf_done) struct strbuf body = strbuf_of(BODY_MAX_BYTES);
	add_text(context, id, values, &body);
	if (is_acknowledgement(id) && !text_is_empty(values->org)) add_text(context, TEXT_ORG_NOTE, values, &body);
	return close_body(context, values, &body);
}

/* --- result ---------------------------------------------------------------------------------------- */

/* The agent's words in the product's markup, at most `max_units`; `*ret_cut`: not all of them. */
static char *convert(const struct reply_context *context, const char *markdown, size_t max_units, bool *ret_cut)
{
	size_t allowed = max_units;
	*ret_cut = false;
	for (int round = 0; round < CUT_ROUNDS_MAX; round++) {
		CLEANUP(mem_free_text) char *part = reply_cut_markdown(markdown, allowed);
		CLEANUP(strbuf_done) struct strbuf text = strbuf_of(LIMIT_DESCRIPTION_BYTES);
		reply_finish(context, part, &text);
		size_t units = reply_units(strbuf_text(&text));
		*ret_cut = *ret_cut || strcmp(part, markdown) != 0;
		if (units <= max_units) return strbuf_take(&text);
		*ret_cut = true;
		allowed = allowed * max_units / units;
		allowed = allowed > FENCE_UNITS ? allowed - FENCE_UNITS : 0;
	}
	return mem_dup("");
}

/* Whether the final text has anything to show. */
static bool is_blank(const char *text)
{
	return !text || text[strspn(text, " \t\r\n")] == '\0';
}

char *reply_result(const struct reply_context *context, const char *final_markdown, const struct reply_values *values)
{
	CLEANUP(strbuf_done) struct strbuf body = strbuf_of(BODY_MAX_BYTES);
	CLEANUP(strbuf_done) struct strbuf tail = strbuf_of(HEAD_MAX_BYTES);
	bool is_cut = false;
	add_text(context, TEXT_RESULT, values, &body);
	add_text(context, TEXT_RESULT_CUT, values, &tail);
	size_t note_units = reply_units(strbuf_text(&tail)) + 2;
	strbuf_clear(&tail);
	if (context->provider == PROVIDER_JIRA && context->provider_url && context->ask->comment_id &&
	    context->ask->issue_key)
		add_text(context, TEXT_RESULT_SOURCE, values, &tail);
	if (is_blank(final_markdown)) {
		add_text(context, TEXT_RESULT_EMPTY, values, &body);
	} else {
		size_t taken = reply_units(strbuf_text(&body)) + reply_units(strbuf_text(&tail)) + note_units +
			       MARKER_LINE_BYTES + FENCE_UNITS;
		size_t limit = limit_units(context);
		CLEANUP(mem_free_text) char *text = convert(context, final_markdown, taken < limit ? limit - taken : 0,
							    &is_cut);
		strbuf_addf(&body, "\n\n%s", text);
	}
	if (is_cut) add_text(context, TEXT_RESULT_CUT, values, &body);
	if (tail.len > 0) strbuf_addf(&body, "\n\n%s", strbuf_text(&tail));
	return close_body(context, values, &body);
}
