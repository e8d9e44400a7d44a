/* Owners and refusals that all calls about a connection share. */

#include "services/installer/workspace_find.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/link_store.h"
#include "common/io/log.h"
#include "services/installer/texts.h"

#include <string.h>

#include "common/base/banned.h"

enum { BORROW_MS = 5000 };

bool workspace_has_user(const struct caller *caller, struct web_reply *reply)
{
	if (!text_is_empty(caller->user_id)) return true;
	web_reply_detail(reply, 401, "%s", TEXT_JIRA_NO_USER);
	return false;
}

void workspace_fail(struct web_reply *reply, const char *sentence, const struct err *failure)
{
	bool is_limit = failure->code == ERR_LIMIT;
	log_err("a connection was not changed", failure);
	web_reply_failure(reply, is_limit ? 429 : 500, sentence,
			  failure->code == ERR_CONFLICT
				  ? "Somebody else changed this connection at the same moment: try again."
				  : failure->message);
	if (is_limit) reply->retry_after_s = failure->retry_after_ms / 1000 + 1;
}

bool workspace_store(const struct installer *installer, const struct caller *caller, struct connection_row *row,
		     const struct workspace_change *change, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(installer->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       connection_put(db, installer->keys, row, NULL, err) &&
	       (!change->ends_links || link_drop(db, row->instance_id, NULL, err)) &&
	       (!change->promotes || connection_secret_promote(db, row, err)) &&
	       connection_audit(db, caller->user_id, change->action, row, err) && db_commit(db, err);
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

static bool forbid(struct web_reply *reply, const char *sentence)
{
	web_reply_detail(reply, 403, "%s", sentence);
	return false;
}

bool workspace_may_edit(const struct installer *installer, const struct caller *caller, struct connection_row *row,
			struct web_reply *reply)
{
	CLEANUP(link_done) struct link link = {0};
	struct err err = {0};
	if (!workspace_is_owner(caller, row)) return forbid(reply, TEXT_JIRA_NOT_OWNER);
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
