#ifndef OHDC_DISPATCHER_TEXTS_H
#define OHDC_DISPATCHER_TEXTS_H

/* Every sentence that people read in Jira and Bitbucket, in one place. Pure. */

#include "common/base/attr.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"

#include <stdbool.h>
#include <stddef.h>

/** Every text. */
enum text_id {
	TEXT_ACK,               /**< accepted; {repository} {link} */
	TEXT_ACK_NO_REPOSITORY, /**< accepted, no repository named */
	TEXT_ACK_FOLLOW_UP,     /**< goes on in the same conversation */
	TEXT_ORG_NOTE,          /**< added to acknowledgements; {org} */
	TEXT_RESULT,            /**< before the agent's final text */
	TEXT_RESULT_EMPTY,      /**< finished without a final text */
	TEXT_RESULT_CUT,        /**< after a final text that was too long; {link} */
	TEXT_RESULT_SOURCE,     /**< Jira: link to the asking comment; {comment} */
	TEXT_USER_UNKNOWN,      /**< no account */
	TEXT_USER_NOT_LINKED,   /**< account, not linked to this connection */
	TEXT_LOGIN_NEEDED,      /**< sign in again before a job can start */
	TEXT_LINK_AGAIN,        /**< Jira ended the sign-in by which the account was linked */
	TEXT_INTEGRATION_OFF,
	TEXT_POLICY_DENIED,
	TEXT_AUTHOR_MISMATCH,
	TEXT_NO_REPOSITORY,
	TEXT_REPOSITORY_AMBIGUOUS, /**< {names} */
	TEXT_REPOSITORY_DENIED,    /**< {names} */
	TEXT_LIMIT_PERSON,         /**< our own daily limits; {time} */
	TEXT_START_FAILED,         /**< {detail} */
	TEXT_ENDED_IN_ERROR,       /**< {detail} {link} */
	TEXT_ENDED_STUCK,          /**< {link} */
	TEXT_CONFIRMATION,         /**< the agent waits for a person; {link} */
	TEXT_DEADLINE,             /**< took longer than allowed; {link} */
	TEXT_VANISHED,             /**< conversation or sandbox gone; {link} */
	TEXT_UPSTREAM_FAILED,      /**< could not be started for too long */
	TEXT_STOPPED,              /**< stopped on somebody's word; {link} */
	TEXT_QUARANTINED,          /**< failed again and again; an operator must look */
	TEXT_COUNT
};

/** The template of a text for a product: Markdown with {placeholders}; static. */
NODISCARD const char *texts_template(enum provider provider, enum text_id id);

/** The text that explains a reason; false for reasons that are not told to people. */
NODISCARD bool texts_for_reason(enum reason reason, enum text_id *ret);

#endif
