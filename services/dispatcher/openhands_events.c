/* What the events of a conversation say: our message, the newest state after it, the final text, the error. */
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/dispatcher/openhands_call.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum {
	STAMP_SIZE = 27,        /* YYYY-MM-DDTHH:MM:SS.ffffff */
	MESSAGE_PAGES_MAX = 10, /* of 100 messages */
	ACTION_PAGES_MAX = 5,   /* of 20: a finish is among the last actions */
	STATE_PAGES_MAX = 10,   /* of 20: other keys are updated too */
};

/* What is collected while the searches run. */
struct outcome_search {
	const char *reference;
	char since[STAMP_SIZE]; /* of our message; "" until it is found */
	char *agent_text;       /* newest message of the agent after ours */
	struct openhands_outcome outcome;
};

/* One search, newest first. `see` returns false when it has seen enough. */
struct event_search {
	const char *kind;
	const char *limit;
	int pages_max;
	bool (*see)(struct outcome_search *search, const json_t *event);
};

static void search_done(struct outcome_search *search)
{
	mem_free(search->agent_text);
	openhands_outcome_done(&search->outcome);
}

void openhands_outcome_done(struct openhands_outcome *outcome)
{
	if (!outcome) return;
	mem_free(outcome->final_text);
	*outcome = (struct openhands_outcome){0};
}

/* Stamps come with and without Z and with and without a fraction: brought to one length they compare as text. */
static void read_stamp(const json_t *event, char ret[STAMP_SIZE])
{
	static const char whole[] = "0000-00-00T00:00:00.000000";
	const char *stamp = json_text_at(event, "timestamp");
	size_t len = stamp ? strcspn(stamp, "Z+") : 0;
	(void)snprintf(ret, STAMP_SIZE, "%s", whole);
	memcpy(ret, stamp ? stamp : "", len < STAMP_SIZE ? len : STAMP_SIZE - 1);
}

static bool is_after(const json_t *event, const char *since)
{
	char stamp[STAMP_SIZE];
	read_stamp(event, stamp);
	return strcmp(stamp, since) >= 0;
}

/* Show one page to `see`; false when it has seen enough. */
static bool see_page(const struct event_search *events, struct outcome_search *search, const json_t *items)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		const json_t *event = json_array_get(items, i);
		const char *kind = json_text_at(event, "kind");
		if (kind && strcmp(kind, events->kind) == 0 && !events->see(search, event)) return false;
	}
	return true;
}

static bool each_event(struct openhands *self, const struct openhands_user *user, const char *conversation_id,
		       const struct event_search *events, struct outcome_search *search, struct err *err)
{
	char page[OPENHANDS_PAGE_SIZE] = "";
	char id[OPENHANDS_ID_SIZE];
	openhands_plain_id(conversation_id, id, sizeof(id));
	for (int i = 0; i < events->pages_max; i++) {
		CLEANUP(strbuf_done) struct strbuf path = {0};
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		api_path(&path, "/api/v1/conversation/%s/events/search?kind__eq=%s&sort_order=TIMESTAMP_DESC&limit=%s",
			 id, events->kind, events->limit);
		if (page[0]) api_path_add(&path, "&page_id=%s", page);
		if (!openhands_get(self, user, strbuf_text(&path), &answer, err)) return err_wrap(err, "read events");
		const json_t *items = json_at(answer.json, "items");
		if (!json_is_array(items)) return err_set(err, ERR_INTERNAL, "OpenHands sent no list of events");
		if (!see_page(events, search, items) || !json_id_at(answer.json, "next_page_id", page, sizeof(page)))
			return true;
	}
	return true;
}

/* --- messages -------------------------------------------------------------------------------------- */

static char *message_text(const json_t *event)
{
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(LIMIT_DESCRIPTION_BYTES);
	const json_t *content = json_at(event, "llm_message.content");
	for (size_t i = 0; i < json_array_size(content); i++) {
		const char *part = json_text_at(json_array_get(content, i), "text");
		if (part && text.len > 0) strbuf_add(&text, "\n");
		strbuf_add(&text, part);
	}
	return strbuf_take(&text);
}

static bool see_message(struct outcome_search *search, const json_t *event)
{
	const char *source = json_text_at(event, "source");
	CLEANUP(mem_free_text) char *text = message_text(event);
	if (!source) return true;
	if (strcmp(source, "user") == 0 && strstr(text, search->reference)) {
		read_stamp(event, search->since);
		search->outcome.is_message_seen = true;
		return false;
	}
	if (strcmp(source, "agent") == 0 && !search->agent_text && text[0]) {
		search->agent_text = text;
		text = NULL;
	}
	return true;
}

/* --- what came after it ---------------------------------------------------------------------------- */

static bool see_action(struct outcome_search *search, const json_t *event)
{
	const char *kind = json_text_at(event, "action.kind");
	const char *tool = json_text_at(event, "tool_name");
	const char *text = json_text_at(event, "action.message");
	bool is_finish = (kind && strcmp(kind, "FinishAction") == 0) || (tool && strcmp(tool, "finish") == 0);
	if (!is_after(event, search->since)) return false;
	if (!is_finish || !text || !text[0]) return true;
	search->outcome.final_text = mem_dup_n(text, text_cut(text, LIMIT_COMMENT_BYTES));
	return false;
}

static bool see_state(struct outcome_search *search, const json_t *event)
{
	const char *key = json_text_at(event, "key");
	const char *word = NULL;
	if (!is_after(event, search->since)) return false;
	if (key && strcmp(key, "execution_status") == 0)
		word = json_text_at(event, "value");
	else if (key && strcmp(key, "full_state") == 0)
		word = json_text_at(event, "value.execution_status");
	if (!word) return true;
	search->outcome.execution = openhands_execution_of(word);
	return false;
}

static bool see_error(struct outcome_search *search, const json_t *event)
{
	struct openhands_outcome *outcome = &search->outcome;
	if (!is_after(event, search->since)) return false;
	text_copy(json_text_at(event, "code"), outcome->error_code, sizeof(outcome->error_code));
	text_copy(json_text_at(event, "detail"), outcome->error_detail, sizeof(outcome->error_detail));
	return false;
}

/* Our message first: without it there is nothing to look for. */
static const struct event_search searches[] = {
	{"MessageEvent", "100", MESSAGE_PAGES_MAX, see_message},
	{"ConversationStateUpdateEvent", "20", STATE_PAGES_MAX, see_state},
	{"ActionEvent", "20", ACTION_PAGES_MAX, see_action},
	{"ConversationErrorEvent", "5", 1, see_error},
};

bool openhands_read_outcome(struct openhands *self, const struct openhands_user *user, const char *conversation_id,
			    const char *reference, struct openhands_outcome *ret, struct err *err)
{
	CLEANUP(search_done) struct outcome_search search = {.reference = reference};
	for (size_t i = 0; i < ARRAY_LEN(searches) && (i == 0 || search.outcome.is_message_seen); i++) {
		if (!each_event(self, user, conversation_id, &searches[i], &search, err)) return false;
	}
	if (search.outcome.is_message_seen && !search.outcome.final_text) {
		search.outcome.final_text = search.agent_text;
		search.agent_text = NULL;
	}
	return MOVE(ret, search.outcome);
}
