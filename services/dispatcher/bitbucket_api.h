#ifndef OHDC_DISPATCHER_BITBUCKET_API_H
#define OHDC_DISPATCHER_BITBUCKET_API_H

/* Bitbucket Data Center's REST API, as the bot or as the asker. Only to the configured base URL. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/connect/bot_identity.h"
#include "common/domain/mention.h"
#include "common/io/call_gate.h"
#include "services/dispatcher/comment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Which pull request; borrowed. */
struct pull_request_ref {
	const char *project_key; /**< of toRef; personal: ~name */
	const char *repo_slug;
	const char *id;
};

/** A pull request; texts owned. */
struct pull_request {
	char *title;
	char *description; /**< "" when empty */
	char *to_branch;
};

/** Free and zero. */
void pull_request_done(struct pull_request *pull_request);

/** Read a pull request. ERR_NOT_FOUND: gone; ERR_AUTH: bad token or no permission (Bitbucket does not tell). */
NODISCARD bool bitbucket_api_read_pull_request(const struct bot_server *api, const struct pull_request_ref *ref,
					       struct pull_request *ret, struct err *err);

/** Read one comment. ERR_NOT_FOUND: gone. */
NODISCARD bool bitbucket_api_read_comment(const struct bot_server *api, const struct pull_request_ref *ref,
					  const char *comment_id, struct comment *ret, struct err *err);

/** Where a comment stands. */
struct bitbucket_thread {
	char *anchor_path;   /**< the caller's, mem_free(); file of an inline thread, NULL: general */
	int64_t anchor_line; /**< 0: file-level or none */
};

/** Find the thread of a comment. ERR_NOT_FOUND: no activity holds it. */
NODISCARD bool bitbucket_api_read_thread(const struct bot_server *api, const struct pull_request_ref *ref,
					 const char *comment_id, struct bitbucket_thread *ret, struct err *err);

/** Read the newest comments, replies included, except `skip_id` (may be NULL); at most LIMIT_CONTEXT_COMMENTS, oldest first. */
NODISCARD bool bitbucket_api_recent_comments(const struct bot_server *api, const struct pull_request_ref *ref,
					     const char *skip_id, struct comments *ret, struct err *err);

/**
 * Look through all activities, replies included, for our comments with `marker` as last line, written by `bot` (NULL: by
 * anybody). Bounded to 200 pages: ERR_INTERNAL beyond.
 */
NODISCARD bool bitbucket_api_find_comments(const struct bot_server *api, const struct pull_request_ref *ref,
					   const char *marker, const struct bot *bot, struct comment_hits *ret,
					   struct err *err);

/**
 * Add a comment (unsafe), as a reply when `parent_id` is not NULL; `ret_id` gets its id. ERR_UNCERTAIN: look with
 * bitbucket_api_find_comments(). ERR_NOT_FOUND with a parent: the parent is gone, try without.
 */
NODISCARD bool bitbucket_api_add_comment(const struct bot_server *api, const struct pull_request_ref *ref,
					 const char *parent_id, const char *text, const struct call_gate *gate,
					 char ret_id[LIMIT_ID_BYTES], struct err *err);

/** Delete our comment; one that is gone already is success. ERR_CONFLICT: it has replies. */
NODISCARD bool bitbucket_api_delete_comment(const struct bot_server *api, const struct pull_request_ref *ref,
					    const char *comment_id, struct err *err);

/** Eyes on a comment; best effort: 400, 401, 403, 404, 405 and 409 are success. */
NODISCARD bool bitbucket_api_react(const struct bot_server *api, const struct pull_request_ref *ref,
				   const char *comment_id, struct err *err);

#endif
