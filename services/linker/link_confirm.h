#ifndef OHDC_LINKER_LINK_CONFIRM_H
#define OHDC_LINKER_LINK_CONFIRM_H

/* The question between the proof and the link: "Link this Jira account to that OpenHands account?", and its answers. */

#include "common/connect/connection_store.h"
#include "common/connect/oauth.h"
#include "common/domain/person.h"
#include "common/io/web.h"
#include "services/linker/linker.h"

#include <jansson.h>
#include <stdbool.h>

/** What the way back from Jira has shown; borrowed. */
struct link_proof {
	json_t *begun; /**< what oauth_begin() noted */
	const struct connection_row *connection;
	const struct person *person;
	const struct oauth_tokens *tokens;
};

/** Whether the request comes from the browser that began: its cookie has the digest that was noted. */
NODISCARD bool link_confirm_is_browser(const struct web_request *request, const json_t *begun);

/** The connection of a flow. ERR_NOT_FOUND: gone; ERR_CONFLICT: not to the Jira that is configured. */
NODISCARD bool link_confirm_connection(const struct linker *linker, const json_t *begun, struct connection_row *ret,
				       struct err *err);

/** Keep the proof, sealed, for ten minutes, and answer with the question. */
NODISCARD bool link_confirm_ask(struct linker *linker, const struct link_proof *proof, struct web_reply *reply,
				struct err *err);

/** POST …/confirm: yes. Links, and goes on to where the flow was to end. */
web_handler link_confirm_post;

/** POST …/cancel: no. Forgets the proof. */
web_handler link_confirm_cancel;

#endif
