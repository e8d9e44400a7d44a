#ifndef OHDC_DISPATCHER_JIRA_CALL_H
#define OHDC_DISPATCHER_JIRA_CALL_H

/* Inside of the Jira client, for its own files: one call as the bot. */

#include "common/io/api_call.h"
#include "services/dispatcher/jira_api.h"

/** Make `call` with the token. ERR_AUTH also when Jira answers as to somebody anonymous (a wrong token on a public Jira). */
NODISCARD bool jira_call(const struct jira_api *api, const struct api_call *call, bool need_json,
			 struct api_answer *ret, struct err *err);

/** GET a path; JSON is needed. */
NODISCARD bool jira_get(const struct jira_api *api, const char *path, struct api_answer *ret,
			struct err *err);

#endif
