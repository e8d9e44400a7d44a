#ifndef OHDC_INSTALLER_REPO_SET_H
#define OHDC_INSTALLER_REPO_SET_H

/* Many repositories in little memory, sorted by name: about 30 bytes each. Pure. */

#include "common/base/attr.h"
#include "common/base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REPO_SET_MAX = 100000,    /**< repositories of one person: over it the list is cut */
	REPO_SET_NAME_BYTES = 260 /**< "KEY/slug": Bitbucket allows 128 characters each */
};

/** One repository. */
struct repo_entry {
	uint32_t id; /**< Bitbucket's, a Java int */
	uint32_t at; /**< its name in the set's text */
};

/** The set; zeroed means empty. */
struct repo_set {
	struct repo_entry *list; /**< owned */
	size_t count;
	size_t size;
	struct strbuf names; /**< "KEY/slug", each with its NUL */
	bool is_cut;         /**< there were more */
};

/** Free and zero. */
void repo_set_done(struct repo_set *set);

/** Add one. Left out: an id or a name that Bitbucket cannot have given (so that a name needs no escaping in JSON). */
void repo_set_add(struct repo_set *set, int64_t id, const char *project_key, const char *slug);

/** Sort by name without case, drop repeated ids, give back spare memory; to be called once, after the last addition. */
void repo_set_finish(struct repo_set *set);

/** Name "KEY/slug" of an entry, borrowed. */
NODISCARD const char *repo_set_name(const struct repo_set *set, size_t index);

#endif
