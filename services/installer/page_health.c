/* Connections and their health for the pages: one statement makes all of it. */
#include "services/installer/page_health.h"

#include "common/base/json_field.h"
#include "common/base/text.h"

#include "common/base/banned.h"

/*
 * Whoever manages an organisation sees its connections, those without one, and their own. Without $5, of Bitbucket their own alone,
 * and what was asked nowhere else: names of repositories and issues are for who may see them there.
 */
static const char sql_connections[] =
	"select coalesce(json_agg(x.connection), '[]') from (select to_jsonb(h)"
	" - case when $5::boolean or h.owner_user_id = $2 then '' else 'answers' end || jsonb_build_object("
	" 'events_url', $4 || h.events_path, 'is_mine', coalesce(h.owner_user_id = $2, true)) as connection"
	" from connection_health h where h.provider = coalesce($1, h.provider)"
	" and (h.org_id is null or h.org_id = $3 or h.org_id = h.owner_user_id or h.owner_user_id = $2)"
	" and ($5::boolean or h.is_jira or h.owner_user_id = $2) order by h.provider desc, h.updated_at desc limit "
	"200) x";

/* The one that waits for its webhook, else any. */
static const char sql_own_jira[] =
	"select (select to_jsonb(h) || jsonb_build_object('events_url', $3 || h.events_path) from connection_health h"
	" where h.is_jira and coalesce(h.owner_user_id = $1, true)"
	" and (h.org_id is null or h.org_id = $2 or h.org_id = h.owner_user_id or h.owner_user_id = $1)"
	" order by h.waits_for_hook desc, h.updated_at desc limit 1)";

void page_connections(struct page *page, const char *provider, bool sees_all)
{
	page_query(page, "connections", sql_connections,
		   DB_PARAMS(provider, page->caller.user_id, page->caller.org_id, page->installer->origin, sees_all));
}

void page_own_jira(struct page *page)
{
	page_query(page, "connection", sql_own_jira,
		   DB_PARAMS(page->caller.user_id, page->caller.org_id, page->installer->origin));
}

void page_home(struct page *page)
{
	const struct config *config = page->installer->config;
	bool has_bitbucket = !text_is_empty(config_text(config, "BITBUCKET_DATA_CENTER_HOST"));
	size_t i;
	json_t *connection;
	page_connections(page, NULL, true);
	json_array_foreach(json_object_get(page->data, "connections"), i, connection)
	{
		const char *key = json_bool_at(connection, "is_jira", false) ? "jira" : "bitbucket";
		json_object_update_missing_new(page->data, json_pack("{s:O}", key, connection));
	}
	json_object_update_new(page->data, json_pack("{s:b, s:b}", "has_jira", config_bool(config, "ENABLE_JIRA_DC"),
						     "has_bitbucket", has_bitbucket));
}

void page_health(struct page *page)
{
	page_connections(page, NULL, caller_may(&page->caller, CALLER_CONNECTS));
}

void page_health_status(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(page_done) struct page page = {.installer = context, .request = request, .reply = reply};
	if (!callers_find(page.installer->callers, request, &page.caller, reply) ||
	    !caller_must(&page.caller, CALLER_MANAGES, reply))
		return;
	page.data = json_object();
	page_health(&page);
	web_reply_json(reply, json_object_get(page.data, "failure") ? 500 : 200, json_incref(page.data));
}
