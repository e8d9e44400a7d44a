#ifndef OHDC_LINKER_LINK_PAGE_H
#define OHDC_LINKER_LINK_PAGE_H

/* What the linker's pages have in common: the frame's data, and the page that says what went wrong and what to do. */

#include "common/connect/caller.h"
#include "services/linker/linker.h"

#include <jansson.h>

#define LINK_PAGE_PATH "/integration/dc/link"

/** Data of a page: title, product, navigation, the way back; `caller` may be NULL. New. */
NODISCARD json_t *link_page_data(const struct linker *linker, const char *title, const struct caller *caller);

/** Answer with what happened and what to do; `advice` may be NULL. */
void link_page_refuse(const struct linker *linker, struct web_reply *reply, int status, const char *what,
		      const char *advice);

/**
 * Who sends this request; else `reply` is a page: sign in first, or OpenHands could not be asked.
 * `again` (may be NULL): hidden fields of a form that repeats this request, {"action", "fields": [{"name", "value"}]}; taken.
 */
NODISCARD bool link_page_caller(const struct linker *linker, const struct web_request *request, struct web_reply *reply,
				json_t *again, struct caller *ret);

/** Whether our own page sent it, from this person's session; else `reply` is a page that refuses. */
NODISCARD bool link_page_is_ours(const struct linker *linker, const struct web_request *request,
				 const struct caller *caller, struct web_reply *reply);

/** Answer with a page that sends the browser on to `url` (Jira): a redirect from a form to another host is refused by browsers. */
void link_page_onward(const struct linker *linker, struct web_reply *reply, const char *url);

#endif
