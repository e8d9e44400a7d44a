#ifndef OHDC_DOMAIN_PERSON_H
#define OHDC_DOMAIN_PERSON_H

/* A person as Jira or Bitbucket names them, and who is the same. Pure. */

#include "common/base/attr.h"
#include "common/domain/mention.h"
#include "common/domain/provider.h"

#include <jansson.h>
#include <stdbool.h>

/** A person; texts owned, NULL when the product says nothing. */
struct person {
	char *id;   /**< Bitbucket: numeric id; Jira: NULL */
	char *key;  /**< Jira: user key; Bitbucket: slug */
	char *name; /**< login name */
	char *email;
	char *display_name;
};

/** Free the texts and zero; NULL is fine. */
void person_done(struct person *person);

/** Read a user object of a product; absent fields (and an absent object) stay NULL. */
NODISCARD struct person person_read(enum provider provider, const json_t *user);

/** Whether a name, key, id or e-mail address of the person is the bot's; false without a bot. */
NODISCARD bool person_is_bot(const struct person *person, const struct bot *bot);

/** Whether the product named nobody: no id, no key and no name. */
NODISCARD bool person_is_nobody(const struct person *person);

/** What to call the person: display name, else login name, else `fallback`; borrowed. */
NODISCARD const char *person_shown(const struct person *person, const char *fallback);

/** Whether two people are the same account: Bitbucket id, else key, else name; false when nothing can be compared. */
NODISCARD bool person_same(const struct person *a, const struct person *b);

#endif
