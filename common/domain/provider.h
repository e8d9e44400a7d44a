#ifndef OHDC_DOMAIN_PROVIDER_H
#define OHDC_DOMAIN_PROVIDER_H

/* The two products, and how a connection of theirs is written ("jira/7"). */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** A product. */
enum provider { PROVIDER_JIRA, PROVIDER_BITBUCKET };

/** "jira" or "bitbucket"; static. */
NODISCARD const char *provider_name(enum provider provider);

/** Read a name; false when unknown. */
NODISCARD bool provider_parse(const char *name, enum provider *ret);

/** A connection as people write it. */
struct connection_ref {
	enum provider provider;
	int64_t id;
};

enum { CONNECTION_REF_SIZE = 40 };

/** Read "jira/7" or "bitbucket/7"; ERR_INPUT names what was found and expected. */
NODISCARD bool connection_ref_parse(const char *text, struct connection_ref *ret, struct err *err);

/** Write "jira/7". */
void connection_ref_text(const struct connection_ref *ref, char ret[CONNECTION_REF_SIZE]);

#endif
