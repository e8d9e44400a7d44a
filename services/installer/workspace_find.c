/* Owners and refusals that all calls about a connection share. */

#include "services/installer/workspace_find.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/link_store.h"
#include "common/io/log.h"
#include "services/installer/texts.h"

#include <string.h>

#include "common/base/banned.h"

bool workspace_has_user(const struct caller *caller, struct web_reply *reply)
{
	return !text_is_empty(caller->user_id) || web_reply_detail(reply, 401, TEXT_JIRA_NO_USER);
}

bool workspace_fail(struct web_reply *reply, const char *sentence, const struct err *failure)
{
	bool is_limit = failure->code == ERR_LIMIT;
	log_err("a connection was not changed", failure);
	web_reply_failure(reply, is_limit ? 429 : 500, sentence,
			  failure->code == ERR_CONFLICT
				  ? "Somebody else changed this connection at the same moment: try again."
				  : failure->message);
	if (is_limit) reply->retry_after_s = failure->retry_after_ms / 1000 + 1;
	return false;
}

bool workspace_is_visible(const struct connection_row *row, const struct caller *caller)
{
	return text_is_empty(row->org_id) || (row->owner_user_id && strcmp(row->org_id, row->owner_user_id) == 0) ||
	       (caller->org_id && strcmp(row->org_id, caller->org_id) == 0);
}

bool workspace_is_owner(const struct caller *caller, const struct connection_row *row)
{
	return row->owner_user_id ? strcmp(row->owner_user_id, caller->user_id) == 0
				  : caller_may(caller, CALLER_CONNECTS) && workspace_is_visible(row, caller);
}

bool workspace_may_edit(const struct installer *installer, const struct caller *caller, struct connection_row *row,
			struct web_reply *reply)
{
	CLEANUP(link_done) struct link link = {0};
	struct err err = {0};
	if (!workspace_is_owner(caller, row)) return web_reply_detail(reply, 403, TEXT_JIRA_NOT_OWNER);
	bool is_linked = link_of_user(installer->pool, caller->user_id, 0, &link, &err);
	if (!is_linked && err.code != ERR_NOT_FOUND) return workspace_fail(reply, TEXT_JIRA_STATUS_FAILED, &err);
	if (is_linked && link.instance_id != row->instance_id)
		return web_reply_detail(reply, 403, TEXT_JIRA_OTHER_LINK);
	if (!row->owner_user_id) row->owner_user_id = mem_dup(caller->user_id);
	return true;
}
