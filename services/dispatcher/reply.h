#ifndef OHDC_DISPATCHER_REPLY_H
#define OHDC_DISPATCHER_REPLY_H

/* From an outcome to the body of a comment: text, mention of the asker, link, cut at the product's limit, marker. Pure. */

#include "common/base/attr.h"
#include "common/domain/mention.h"
#include "common/domain/trigger.h"
#include "services/dispatcher/texts.h"

/** What all comments to one ask share; borrowed. */
struct reply_context {
	enum provider provider;
	const char *product_name; /**< OHDC_PRODUCT_NAME, NULL: OpenHands */
	const char *host;         /**< host (and port) of the app, as in WEB_HOST, without scheme */
	const char *app_url;      /**< "https://{host}" */
	const char *conversation_pattern; /**< OHDC_CONVERSATION_URL with {host} and {hex id}; NULL: {app_url}/conversations/{hex id} */
	const char *provider_url; /**< base URL of the Jira, for the link to the asking comment; NULL: no such link */
	const struct bot *bot;    /**< whose mention must not appear in what we write */
	const struct ask *ask;
};

/** What one comment adds; borrowed; NULL when not of use. */
struct reply_values {
	const char *conversation_id; /**< any form; NULL: {link} is the app's address */
	const char *repository;
	const char *org;    /**< name of the organisation; acknowledgements then name it */
	const char *detail; /**< a peer's words; shown cut and as plain text */
	const char *names;  /**< "A/b, C/d" */
	const char *time;   /**< for people: "2026-11-22 00:00 UTC" */
	const char *marker; /**< last line; NULL: none */
};

/** New body of the comment for a text; free with mem_free(). */
NODISCARD char *reply_text(const struct reply_context *context, enum text_id id, const struct reply_values *values);

/** New body of the result: mention, link to the asking comment (Jira), the agent's Markdown converted and cut, marker. */
NODISCARD char *reply_result(const struct reply_context *context, const char *final_markdown,
			     const struct reply_values *values);

/** New address of a conversation for people. */
NODISCARD char *reply_conversation_url(const struct reply_context *context, const char *conversation_id);

#endif
