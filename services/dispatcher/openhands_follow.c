/* Following a conversation: its state, its sandbox, its title. */
#include "services/dispatcher/openhands_follow.h"

#include "common/base/json_field.h"
#include "common/base/text.h"
#include "services/dispatcher/openhands_call.h"

#include <string.h>

#include "common/base/banned.h"

#define CONVERSATIONS "/api/v1/app-conversations"

static const char *const execution_words[] = {
	[OPENHANDS_EXECUTION_NONE] = "",
	[OPENHANDS_EXECUTION_IDLE] = "idle",
	[OPENHANDS_EXECUTION_RUNNING] = "running",
	[OPENHANDS_EXECUTION_PAUSED] = "paused",
	[OPENHANDS_EXECUTION_CONFIRMATION] = "waiting_for_confirmation",
	[OPENHANDS_EXECUTION_FINISHED] = "finished",
	[OPENHANDS_EXECUTION_ERROR] = "error",
	[OPENHANDS_EXECUTION_STUCK] = "stuck",
	[OPENHANDS_EXECUTION_DELETING] = "deleting",
};

static const char *const sandbox_words[] = {
	[OPENHANDS_SANDBOX_MISSING] = "MISSING", [OPENHANDS_SANDBOX_STARTING] = "STARTING",
	[OPENHANDS_SANDBOX_RUNNING] = "RUNNING", [OPENHANDS_SANDBOX_PAUSED] = "PAUSED",
	[OPENHANDS_SANDBOX_ERROR] = "ERROR",
};

enum openhands_execution openhands_execution_of(const char *word)
{
	enum openhands_execution execution = OPENHANDS_EXECUTION_NONE;
	(void)!text_among(execution_words, ARRAY_LEN(execution_words), word, &execution);
	return execution;
}

static enum openhands_sandbox sandbox_of(const char *word)
{
	enum openhands_sandbox sandbox = OPENHANDS_SANDBOX_STARTING;
	(void)!text_among(sandbox_words, ARRAY_LEN(sandbox_words), word, &sandbox);
	return sandbox;
}

bool openhands_read_conversation(struct openhands *self, const struct openhands_user *user, const char *id,
				 struct openhands_conversation *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const json_t *item;
	if (!openhands_get_item(self, user, CONVERSATIONS, "ids", id, &answer, &item, err)) return false;
	*ret = (struct openhands_conversation){.exists = item != NULL};
	if (!item) return true;
	ret->sandbox = sandbox_of(json_text_at(item, "sandbox_status"));
	ret->execution = openhands_execution_of(json_text_at(item, "execution_status"));
	return true;
}

bool openhands_read_sandbox(struct openhands *self, const struct openhands_user *user, const char *sandbox_id,
			    enum openhands_sandbox *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const json_t *item;
	if (!openhands_get_item(self, user, "/api/v1/sandboxes", "id", sandbox_id, &answer, &item, err)) return false;
	*ret = item ? sandbox_of(json_text_at(item, "status")) : OPENHANDS_SANDBOX_MISSING;
	return true;
}

bool openhands_rename(struct openhands *self, const struct openhands_user *user, const char *conversation_id,
		      const char *title, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = json_object();
	char id[OPENHANDS_ID_SIZE];
	openhands_plain_id(conversation_id, id, sizeof(id));
	api_path(&path, CONVERSATIONS "/%s", id);
	json_put_text(body, "title", title);
	struct api_call call = {.method = "PATCH", .path = strbuf_text(&path), .body = body};
	return openhands_call(self, user, &call, false, &answer, err) || err_wrap(err, "name a conversation");
}
