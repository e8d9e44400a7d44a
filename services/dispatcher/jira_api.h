#ifndef OHDC_DISPATCHER_JIRA_API_H
#define OHDC_DISPATCHER_JIRA_API_H

/* Jira Data Center's REST API version 2, as the bot. Only to the configured base URL. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/connect/bot_identity.h"
#include "common/domain/mention.h"
#include "common/io/call_gate.h"
#include "services/dispatcher/comment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JIRA_LABELS_MAX = 64 /**< labels of an issue that we keep */ };

/** An issue; texts owned. */
struct jira_issue {
	char *id;
	char *summary;     /**< "" when empty */
	char *description; /**< "" when empty */
	struct person reporter;
	char *labels[JIRA_LABELS_MAX];
	size_t label_count;
};

/** Free and zero. */
void jira_issue_done(struct jira_issue *issue);

/** Whether the issue has that label, compared without case. */
NODISCARD bool jira_issue_has_label(const struct jira_issue *issue, const char *label);

/** Read an issue by id or key. ERR_NOT_FOUND: missing or not visible. */
NODISCARD bool jira_api_read_issue(const struct bot_server *api, const char *issue, struct jira_issue *ret,
				   struct err *err);

/** Read one comment. ERR_NOT_FOUND: gone or not visible. */
NODISCARD bool jira_api_read_comment(const struct bot_server *api, const char *issue, const char *comment_id,
				     struct comment *ret, struct err *err);

/** Read the newest comments except `skip_id` (may be NULL), at most LIMIT_CONTEXT_COMMENTS, oldest first. */
NODISCARD bool jira_api_recent_comments(const struct bot_server *api, const char *issue, const char *skip_id,
					struct comments *ret, struct err *err);

/**
 * Look through all comments for ours with `marker` as last line, written by `bot` (NULL: by anybody). Bounded to 200 pages of
 * 100: ERR_INTERNAL beyond.
 */
NODISCARD bool jira_api_find_comments(const struct bot_server *api, const char *issue, const char *marker,
				      const struct bot *bot, struct comment_hits *ret, struct err *err);

/**
 * Who set the label: author of the history entry `changelog_id` if it added `label`; "created": the issue's creator; NULL: the
 * newest entry that added it, else the creator. ERR_NOT_FOUND: no such entry, or it did not add the label.
 */
NODISCARD bool jira_api_label_author(const struct bot_server *api, const char *issue, const char *changelog_id,
				     const char *label, struct person *ret, struct err *err);

/** What to write: wiki markup, and the restriction of the asking comment (NULL: visible to all). */
struct jira_comment_draft {
	const char *body;
	const char *visibility_type;
	const char *visibility_value;
};

/** Add a comment (unsafe); `ret_id` gets its id. ERR_UNCERTAIN: look with jira_api_find_comments(). */
NODISCARD bool jira_api_add_comment(const struct bot_server *api, const char *issue,
				    const struct jira_comment_draft *draft, const struct call_gate *gate,
				    char ret_id[LIMIT_ID_BYTES], struct err *err);

/** Delete our comment; one that is gone already is success. */
NODISCARD bool jira_api_delete_comment(const struct bot_server *api, const char *issue, const char *comment_id,
				       struct err *err);

/** Thumbs-up on a comment; best effort: 400, 401, 403, 404 and 405 count as "not supported here" and are success. */
NODISCARD bool jira_api_react(const struct bot_server *api, const char *comment_id, struct err *err);

#endif
