#ifndef OHDC_DISPATCHER_COMMENT_H
#define OHDC_DISPATCHER_COMMENT_H

/* A comment as read back from Jira or Bitbucket, and lists of them: context for the agent, proof for the re-read. */

#include "common/base/attr.h"
#include "common/base/limits.h"
#include "common/domain/limits.h"
#include "common/domain/mention.h"
#include "common/domain/trigger.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One comment; texts owned, NULL when the product has none. */
struct comment {
	char *id;
	int64_t version; /**< Bitbucket: needed to change or delete it; Jira: 0 */
	struct person author;
	struct person editor; /**< Jira: who changed it last; Bitbucket lets only the author do so: empty */
	char *text;
	char *created;         /**< time as text for people ("2026-11-21 10:00 UTC", or as the product writes it) */
	char *visibility_type; /**< Jira: "group" or "role" when restricted */
	char *visibility_value;
};

/** Free the texts and zero. */
void comment_done(struct comment *comment);

/** The newest comments, oldest first. */
struct comments {
	struct comment list[LIMIT_CONTEXT_COMMENTS];
	size_t count;
};

/** Free and zero. */
void comments_done(struct comments *comments);

/**
 * Put a comment (taken, left zeroed) at its place by numeric id; when the list is full the oldest is dropped. Dropped too are
 * doubles, what has no id or text, and the comment `skip_id` (may be NULL).
 */
void comments_add(struct comments *comments, struct comment *comment, const char *skip_id);

/** Whether a comment may be used for an ask: what only some people may read serves only a request under the same restriction. */
NODISCARD bool comment_may_serve(const struct comment *comment, const struct ask *ask);

/** The number in an id of either product; 0 when it is none. */
NODISCARD int64_t comment_id_number(const char *id);

enum { COMMENT_HITS_MAX = 8 };

/** Our comments that carry one marker, in the order of their ids (oldest first). */
struct comment_hits {
	char ids[COMMENT_HITS_MAX][LIMIT_ID_BYTES];
	size_t count; /**< 0: none; more than 1: repeats, the later ones may be deleted */
};

/** Add a comment with `marker` as last line, written by `bot` (NULL: by anybody); doubles and what is over the limit are left out. */
void comment_hits_add(struct comment_hits *hits, enum provider provider, const char *marker, const struct bot *bot,
		      const struct comment *comment);

#endif
