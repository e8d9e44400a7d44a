#ifndef OHDC_DOMAIN_REPO_SCAN_H
#define OHDC_DOMAIN_REPO_SCAN_H

/* Finds names of repositories in running text: in URLs and as bare owner/name. Part of repo_ref. Pure. */

#include "common/base/attr.h"
#include "common/domain/repo_ref.h"

#include <stddef.h>

enum { REPO_NAME_SIZE = 256 }; /**< longest "owner/name" with its NUL: Git hosts allow 100 to 255 characters */

/** Append one candidate (texts copied) unless it is known or the list is full; `host` may be NULL. */
void repo_refs_put(struct repo_refs *refs, enum repo_ref_kind kind, const char *name, const char *host);

/** Append the reference (URL or owner/name, with subgroups) at the start of `text` as kind LINE; bytes read, 0 when there is none. */
NODISCARD size_t repo_scan_reference(struct repo_refs *refs, const char *text);

/** Append the repositories of all URLs in `text`. */
void repo_scan_urls(struct repo_refs *refs, const char *text);

/** Append all bare owner/name tokens of `text` that do not look like anything else. */
void repo_scan_bare(struct repo_refs *refs, const char *text);

/** Bytes of a URL at `text` (http, https, ssh), 0 when none starts here; `ret_name` is "" when it names no repository. */
NODISCARD size_t repo_url_read(const char *text, char ret_name[REPO_NAME_SIZE], char ret_host[REPO_NAME_SIZE]);

#endif
