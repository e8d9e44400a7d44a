#ifndef OHDC_DISPATCHER_PROMPT_H
#define OHDC_DISPATCHER_PROMPT_H

/* What the agent reads: the asker's words are the request, all else is labelled context with its author. Pure. */

#include "common/base/attr.h"
#include "common/domain/mention.h"
#include "common/domain/trigger.h"
#include "services/dispatcher/comment.h"

#include <stddef.h>

/** What is known about an ask when it starts; borrowed; NULL when not of this product or not known. */
struct prompt_input {
	enum provider provider;
	const struct ask *ask; /**< kind, actor, issue or pull request, anchor, restriction */
	const char *request;   /**< the asking comment as it now stands; NULL for a label */
	const char *title;     /**< summary of the issue, title of the pull request */
	const char *description;
	const struct comments *comments; /**< earlier ones; restricted ones are used only when the ask has the same restriction */
	const struct bot *bot;           /**< marks our own earlier comments */
	const char *provider_url;      /**< base URL of the Jira or Bitbucket */
	const char *repository;        /**< where to work, NULL: none named */
	const char *target_repository; /**< Bitbucket: repository of the pull request when the source is a fork */
	const char *branch;            /**< Bitbucket: source branch */
	const char *target_branch;     /**< Bitbucket: branch the pull request goes to */
	const char *token_url; /**< Jira: where a conversation that has JIRA_DC_TOKEN gets another; NULL: it has none */
	const char *instructions; /**< replaces our work instructions (OHDC_PROMPT_DIR), NULL: ours */
	const char *reference; /**< effect id or marker, put at the end so that the message can be found in the events */
};

/** New first message (also of a follow-up in a conversation that knows the rest), at most LIMIT_PROMPT_BYTES. */
NODISCARD char *prompt_message(const struct prompt_input *input);

/** New text for the system prompt: what kind of task this is and how to work. */
NODISCARD char *prompt_suffix(const struct prompt_input *input);

/** New title of the conversation, at most 200 bytes: "Jira DC Issue KEY: summary", "Bitbucket DC PR #7: title". */
NODISCARD char *prompt_title(const struct prompt_input *input);

#endif
