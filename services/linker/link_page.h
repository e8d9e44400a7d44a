#ifndef OHDC_LINKER_LINK_PAGE_H
#define OHDC_LINKER_LINK_PAGE_H

/* What the linker's pages have in common: the frame's data, and the page that says what went wrong and what to do. */

#include "common/connect/caller.h"
#include "services/linker/linker.h"

#include <jansson.h>

#define LINK_PAGE_PATH "/integration/dc/link"

/* Advice that more than one refusal gives. */
#define LINK_AGAIN "Start again from your account page."
#define LINK_CHANGED "The connection to Jira was changed or removed meanwhile. " LINK_AGAIN
#define LINK_OTHER_BROWSER                                                              \
	"This is not the browser in which linking was begun, or its cookies are gone. " \
	"Start again, and finish in the same browser."

/** A person at one of our pages: what was sent, and the answer. */
struct visit {
	struct linker *linker;
	const struct web_request *request;
	struct web_reply *reply;
	struct caller caller; /**< owned; zeroed until it is known */
};

/** Free the caller. */
void visit_done(struct visit *visit);

/** Data of a page: title, product, navigation, the way back; `caller` may be NULL. New. */
NODISCARD json_t *link_page_data(const struct linker *linker, const char *title, const struct caller *caller);

/** Answer with what happened and what to do; `advice` may be NULL. False, so that `return link_page_refuse(…)` reads well. */
bool link_page_refuse(const struct visit *visit, int status, const char *what, const char *advice);

/**
 * Find out who sends this request; else the answer is a page: sign in first, or OpenHands could not be asked.
 * `again` (may be NULL): hidden fields of a form that repeats this request, {"action", "fields": [{"name", "value"}]}; taken.
 */
NODISCARD bool link_page_caller(struct visit *visit, json_t *again);

/** Whether our own page sent it, from this person's session; else the answer is a page that refuses. */
NODISCARD bool link_page_is_ours(const struct visit *visit);

/** Answer with a page that sends the browser on to `url` (Jira): a redirect from a form to another host is refused by browsers. */
void link_page_onward(const struct visit *visit, const char *url);

#endif
