#ifndef OHDC_CLI_SIMULATED_BODY_H
#define OHDC_CLI_SIMULATED_BODY_H

/* Bodies in the shape of Jira's and Bitbucket's webhooks, for `ohdc simulate`. */

#include "cli/known_connection.h"
#include "common/base/attr.h"
#include "common/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** What can be simulated. */
enum simulated_kind { SIMULATED_JIRA_COMMENT, SIMULATED_JIRA_LABEL, SIMULATED_BITBUCKET_COMMENT };

/** What is asked, by whom, where; texts borrowed, NULL where a default serves, apart from `actor` and `label`. */
struct simulation {
	enum simulated_kind kind;
	const char *text;  /**< of the comment; default: a mention with a short ask */
	const char *actor; /**< Jira: user key; Bitbucket: numeric id or slug */
	const char *label; /**< OH_RESOLVER_LABEL */
	const char *issue_id;
	const char *issue_key;
	const char *pull_request_id;
	const char *comment_id; /**< default: a number that was never used, from the time */
	int64_t now_ms;
	const char *now; /**< the same as RFC 3339 text */
};

/** Whether its ids are numbers and its texts UTF-8; ERR_INPUT names the option. */
NODISCARD bool simulation_check(const struct simulation *simulation, struct err *err);

/** The body (new reference). */
NODISCARD json_t *simulated_body(const struct simulation *simulation, const struct known_connection *connection);

#endif
