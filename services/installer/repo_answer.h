#ifndef OHDC_INSTALLER_REPO_ANSWER_H
#define OHDC_INSTALLER_REPO_ANSWER_H

/* The list of repositories as OHE's screens and our page read it: what a person administers, with what we know of each. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"
#include "common/connect/caller.h"
#include "services/installer/installer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { REPO_PAGE_MAX = 1000 /**< repositories of one page */ };

/** Which part; zeroed: all, as the contract's answer has them. */
struct repo_part {
	bool is_page;      /**< the following count, and each repository has `status` and `hook_error` too */
	const char *query; /**< part of "KEY/slug" in any case; NULL or "": every one */
	size_t start;      /**< of those that fit */
	size_t limit;      /**< 1 to REPO_PAGE_MAX */
};

/**
 * Append {"resources": […]}, for a page also `next_start` (null: the last) and `total`. `token`: given for this request, NULL: none.
 * Fails as repo_lists_hold() and db_query(). Blocks; any thread.
 */
NODISCARD bool repo_answer_write(const struct installer *installer, const struct caller *caller,
				 const struct secret *token, const struct repo_part *part, struct strbuf *ret,
				 struct err *err);

/** The same as JSON, for our page: `part->is_page`. `ret` is new. */
NODISCARD bool repo_answer_page(const struct installer *installer, const struct caller *caller,
				const struct secret *token, const struct repo_part *part, json_t **ret, struct err *err);

#endif
