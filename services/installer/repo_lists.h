#ifndef OHDC_INSTALLER_REPO_LISTS_H
#define OHDC_INSTALLER_REPO_LISTS_H

/*
 * Which repositories each person administers, kept in memory: at most 200,000 over all people, least recently used go first. An
 * older list is given at once and read anew behind it; only a first one is waited for.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "services/installer/installer.h"
#include "services/installer/repo_set.h"

#include <stdbool.h>

struct repo_lists;

/** Start, with threads that read; `installer` is borrowed. `ret` is new. */
NODISCARD bool repo_lists_new(const struct installer *installer, struct repo_lists **ret, struct err *err);

/** Stop the threads and free: nobody holds a list any more; NULL is fine. */
void repo_lists_free(struct repo_lists *lists);

/**
 * The list of a person. `token` (NULL, or not set: OpenHands's) is used for one reading, then wiped; what it gave counts for
 * 15 minutes. Waits for a first list at most 50 s: ERR_BUSY, the reading goes on. Otherwise fails as repo_token_read() and
 * repo_api_list(). `ret` is held until repo_lists_release(), not changed. Any thread.
 */
NODISCARD bool repo_lists_hold(struct repo_lists *lists, const char *user_id, const struct secret *token,
			       struct repo_set **ret, struct err *err);

/** Give a list back (NULL is fine). */
void repo_lists_release(struct repo_lists *lists, struct repo_set *set);

#endif
