#ifndef OHDC_DISPATCHER_OPENHANDS_FOLLOW_H
#define OHDC_DISPATCHER_OPENHANDS_FOLLOW_H

/* Following a conversation through OpenHands' API: its state, its events, its title. Sandbox hosts are never called. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/dispatcher/openhands.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** State of a sandbox; an unknown word is STARTING. */
enum openhands_sandbox {
	OPENHANDS_SANDBOX_MISSING,
	OPENHANDS_SANDBOX_STARTING,
	OPENHANDS_SANDBOX_RUNNING,
	OPENHANDS_SANDBOX_PAUSED,
	OPENHANDS_SANDBOX_ERROR,
};

/** State of the agent; NONE: null or an unknown word (ask the events). */
enum openhands_execution {
	OPENHANDS_EXECUTION_NONE,
	OPENHANDS_EXECUTION_IDLE,
	OPENHANDS_EXECUTION_RUNNING,
	OPENHANDS_EXECUTION_PAUSED,
	OPENHANDS_EXECUTION_CONFIRMATION, /**< waits for a person */
	OPENHANDS_EXECUTION_FINISHED,
	OPENHANDS_EXECUTION_ERROR,
	OPENHANDS_EXECUTION_STUCK,
	OPENHANDS_EXECUTION_DELETING,
};

/** A conversation. */
struct openhands_conversation {
	bool exists;
	enum openhands_sandbox sandbox;
	enum openhands_execution execution;
};

/** Read a conversation by id; an absent one has exists = false. */
NODISCARD bool openhands_read_conversation(struct openhands *self, const struct openhands_user *user, const char *id,
					   struct openhands_conversation *ret, struct err *err);

/** State of a sandbox by id. A start with a conversation id of ours makes a sandbox whose id is its hex form. */
NODISCARD bool openhands_read_sandbox(struct openhands *self, const struct openhands_user *user, const char *sandbox_id,
				      enum openhands_sandbox *ret, struct err *err);

/** What the events of a conversation say since our message. */
struct openhands_outcome {
	bool is_message_seen;               /**< our message is there; else nothing below is filled */
	enum openhands_execution execution; /**< newest of key execution_status and full_state after our message */
	char *final_text; /**< owned: finish action's message, else the last agent message; NULL when none */
	char error_code[OPENHANDS_ID_SIZE]; /**< of the newest ConversationErrorEvent, "" when none */
	char error_detail[OPENHANDS_TEXT_SIZE];
};

/** Free the text and zero. */
void openhands_outcome_done(struct openhands_outcome *outcome);

/**
 * Read the events after the message of a user that carries `reference` (a text only that message has; prompt.h puts it there).
 * Bounded: a reference that is further back than some 1,000 messages counts as not seen.
 */
NODISCARD bool openhands_read_outcome(struct openhands *self, const struct openhands_user *user,
				      const char *conversation_id, const char *reference, struct openhands_outcome *ret,
				      struct err *err);

/** Give the conversation a title (repeating does no harm); only after READY. */
NODISCARD bool openhands_rename(struct openhands *self, const struct openhands_user *user, const char *conversation_id,
				const char *title, struct err *err);

#endif
