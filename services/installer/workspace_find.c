/* Owners and refusals that all calls about a connection share. */

#include "services/installer/workspace_find.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/link_store.h"
#include "common/io/log.h"
#include "services/installer/texts.h"

#include <string.h>

#include "common/base/banned.h"

bool workspace_is_active(const struct connection_row *row)
{
	return row->status &&
	       (strcmp(row->status, "active") == 0 || strcmp(row->status, "shadow") == 0);
}

bool workspace_has_user(const struct caller *caller, struct web_reply *reply)
{
	if (!text_is_empty(caller->user_id)) return true;
	web_reply_detail(reply, 401, "%s", TEXT_JIRA_NO_USER);
	return false;
}

void workspace_fail(struct web_reply *reply, const char *sentence, const struct err *failure)
{
	log_err("a connection was not changed", failure);
	if (failure->code != ERR_LIMIT) {
		web_reply_failure(reply, 500, sentence, failure->message);
		return;
	}
	web_reply_failure(reply, 429, sentence, failure->message);
	reply->retry_after_s = failure->retry_after_ms / 1000 + 1;
}

void workspace_set(char **field, const char *text)
{
	char *copy = mem_dup(text);
	mem_free(*field);
	*field = copy;
}

static bool forbid(struct web_reply *reply, const char *sentence)
{
	web_reply_detail(reply, 403, "%s", sentence);
	return false;
}

bool workspace_may_edit(const struct installer *installer, const struct caller *caller,
			struct connection_row *row, struct web_reply *reply)
{
	CLEANUP(link_done) struct link link = {0};
	struct err err = {0};
	bool is_owner = row->owner_user_id ? strcmp(row->owner_user_id, caller->user_id) == 0
					   : caller_may(caller, CALLER_CONNECTS);
	if (!is_owner) return forbid(reply, TEXT_JIRA_NOT_OWNER);
	if (!link_of_user(installer->pool, caller->user_id, 0, &link, &err)) {
		if (err.code != ERR_NOT_FOUND) {
			workspace_fail(reply, TEXT_JIRA_STATUS_FAILED, &err);
			return false;
		}
	} else if (link.instance_id != row->instance_id) {
		return forbid(reply, TEXT_JIRA_OTHER_LINK);
	}
	if (!row->owner_user_id) row->owner_user_id = mem_dup(caller->user_id);
	return true;
}
