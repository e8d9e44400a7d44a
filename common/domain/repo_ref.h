#ifndef OHDC_DOMAIN_REPO_REF_H
#define OHDC_DOMAIN_REPO_REF_H

/* Which repositories a text names, and how strongly: a `Repository:` line decides, then URLs, then bare owner/name. Pure. */

#include "common/base/attr.h"
#include "common/domain/limits.h"

#include <stdbool.h>
#include <stddef.h>

/** How a repository was named, strongest first. */
enum repo_ref_kind { REPO_REF_LINE, REPO_REF_URL, REPO_REF_BARE };

/** One candidate. */
struct repo_ref {
	enum repo_ref_kind kind;
	char *name; /**< "owner/name" ("KEY/slug" for Bitbucket URLs), owned */
	char *host; /**< host of the URL, NULL for lines and bare names, owned */
};

/** Candidates in decision order, without doubles (compared without case). */
struct repo_refs {
	struct repo_ref list[LIMIT_REPOSITORIES];
	size_t count;
};

/** Free and zero. */
void repo_refs_done(struct repo_refs *refs);

/** Append what `text` names of one kind; NULL text adds nothing. What is over the limit is left out. */
void repo_refs_add(struct repo_refs *refs, enum repo_ref_kind kind, const char *text);

/** Append all kinds in decision order for a comment and a description (either may be NULL): lines of the comment, else of the
 *  description; URLs of both; bare names of both. */
void repo_refs_collect(struct repo_refs *refs, const char *comment, const char *description);

#endif
