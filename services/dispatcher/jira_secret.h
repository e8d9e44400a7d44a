#ifndef OHDC_DISPATCHER_JIRA_SECRET_H
#define OHDC_DISPATCHER_JIRA_SECRET_H

/* The asker's Jira token for the conversation (OHDC_JIRA_TOKEN_IN_SANDBOX). */

#include "services/dispatcher/dispatcher.h"

#include <jansson.h>

/** Whether a job's conversation gets one: the setting, OAuth, and the Jira of the configuration. */
NODISCARD bool jira_secret_is_wanted(const struct task *task);

/**
 * Read it, renewed when needed. ERR_NOT_FOUND: the asker has none; ERR_AUTH: the asker has to link again; else not now, which is no
 * reason not to start. `ret` is released with secret_done(). May block for most of a minute.
 */
NODISCARD bool jira_secret_read(const struct task *task, struct secret *ret, struct err *err);

/**
 * New object {"JIRA_DC_TOKEN": …, "JIRA_DC_TOKEN_KEY": …} for a start, NULL when there is no token now. A start takes values only,
 * and a token does not last as long as a job may: the key is what a lookup would have sent, to get another token of the linker.
 */
NODISCARD json_t *jira_secret_values(const struct task *task);

/** New address where the key is shown. */
NODISCARD char *jira_secret_url(const struct task *task);

#endif
