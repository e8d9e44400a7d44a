#ifndef OHDC_DOMAIN_OWN_HOOK_H
#define OHDC_DOMAIN_OWN_HOOK_H

/* Which webhooks of a Jira or Bitbucket are ours, and whether one is as it should be. Pure. */

#include "common/base/attr.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** What ours looks like; borrowed. */
struct own_hook {
	const char *name;
	const char *url;      /**< of the connection: https://HOST/…/connections/7/events */
	const char *known_id; /**< as stored, NULL: none */
	const char *const *events;
	size_t event_count;
	bool prefers_newest; /**< of several that are equally ours; else the oldest, so that all who look choose the same */
};

/** How sure it is that a webhook is ours; more is larger. A path is like ours with another number, or the older one without. */
enum own_hook_match {
	OWN_HOOK_NOT,
	OWN_HOOK_NAMESAKE, /**< our name, or our host with a path like ours */
	OWN_HOOK_MOVED,    /**< our name with our path on another host */
	OWN_HOOK_LIKE,     /**< our name with a path like ours on our host */
	OWN_HOOK_URL,      /**< our URL, however it is written */
	OWN_HOOK_ID,       /**< the stored id, whatever somebody made of it */
};

/** How sure it is of one webhook, as Jira and Bitbucket describe it: `id`, `name`, `url`. */
NODISCARD enum own_hook_match own_hook_match(const json_t *hook, const struct own_hook *own);

/** The place in a list of the one that is ours most surely, at least by `least`; -1: none. */
NODISCARD int own_hook_find(const json_t *hooks, const struct own_hook *own, enum own_hook_match least);

/** New list of the events, in order. */
NODISCARD json_t *own_hook_events(const struct own_hook *own);

/** What of a stored webhook is not as wanted: "name", "url", "events", "active"; NULL: all is. Static. */
NODISCARD const char *own_hook_wrong(const json_t *hook, const struct own_hook *own);

#endif
