/* One transaction for a link, one redirect for a proof. */

#include "services/linker/link_start.h"

#include "common/base/mem.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { BORROW_MS = 5000 };

bool link_is_oauth(const struct linker *linker)
{
	return config_bool(linker->config, "JIRA_DC_ENABLE_OAUTH");
}

bool link_save(const struct linker *linker, const struct link_draft *draft, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(linker->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       link_put(db, linker->keys, draft, err) && db_commit(db, err);
}

bool link_end(struct linker *linker, const struct caller *caller, struct err *err)
{
	CLEANUP(link_done) struct link link = {0};
	CLEANUP(db_return) struct db *db = NULL;
	if (!link_of_user(linker->pool, caller->user_id, 0, &link, err)) return err->code == ERR_NOT_FOUND;
	if (!db_borrow(linker->pool, BORROW_MS, &db, err) || !db_begin(db, err) ||
	    !link_drop(db, link.instance_id, caller->user_id, err) || !db_commit(db, err))
		return false;
	LOG_INFO("link ended by its owner", LOG_TEXT("user_id", caller->user_id), LOG_TEXT("account", link.account_key));
	return true;
}

bool link_start(const struct visit *visit, const struct connection_row *connection, const char *landing, char **ret_url,
		struct err *err)
{
	const struct linker *linker = visit->linker;
	const struct caller *caller = &visit->caller;
	const struct oauth_intent intent = {.user_id = caller->user_id,
					    .email = caller->email,
					    .org_id = caller->org_id,
					    .connection_id = connection->id,
					    .landing = landing,
					    .cookie = web_cookie(visit->request, OAUTH_COOKIE)};
	const struct link_draft draft = {.instance_id = connection->instance_id,
					 .user_id = caller->user_id,
					 .org_id = caller->org_id,
					 .account_name = caller->email,
					 .method = "email"};
	bool is_oauth = link_is_oauth(linker);
	*ret_url = NULL;
	if (is_oauth ? !oauth_begin(linker->oauth, &intent, visit->reply, ret_url, err) : !link_save(linker, &draft, err))
		return false;
	LOG_INFO(is_oauth ? "link begun" : "linked by e-mail", LOG_TEXT("user_id", caller->user_id),
		 LOG_INT("connection_id", connection->id));
	return true;
}
