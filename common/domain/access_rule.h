#ifndef OHDC_DOMAIN_ACCESS_RULE_H
#define OHDC_DOMAIN_ACCESS_RULE_H

/*
 * Allow and deny lists: who and what may start jobs. A denial wins; where a kind has any allowance, only what is allowed may.
 * Everything is compared without case. Pure.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/strbuf.h"

#include <jansson.h>
#include <stdbool.h>

/** What a rule is about. */
enum access_kind {
	ACCESS_PROJECT,    /**< key */
	ACCESS_REPOSITORY, /**< "owner/name" */
	ACCESS_USER,       /**< key or login name in Jira or Bitbucket */
	ACCESS_ORG,        /**< id */
};

enum { ACCESS_KINDS = 4, ACCESS_NAMES_MAX = 3, ACCESS_VALUE_BYTES = 255 };

/**
 * What is asked for: the names of each kind, NULL after the last; borrowed. Any of them may match. No name: not known yet, the
 * kind is not looked at; "": known to be none, which is on no list.
 */
struct access_subject {
	const char *names[ACCESS_KINDS][ACCESS_NAMES_MAX];
};

/** Whether `rules`, a list of {"effect", "kind", "value"}, let the subject start; else a sentence for people that names the list. */
NODISCARD bool access_permits(const json_t *rules, const struct access_subject *subject, struct strbuf *ret_why);

/**
 * Read a rule's value as people type it: white space, "@", a repository's address, the case of keys and ids do not matter. `ret` is
 * new. ERR_INPUT: not such a value; the message says what is expected. `kind` is "project", "repository", "user" or "org".
 */
NODISCARD bool access_value(const char *kind, const char *typed, char **ret, struct err *err);

#endif
