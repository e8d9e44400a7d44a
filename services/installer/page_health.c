/* Connections and their health for the pages: one statement makes all of it. */
#include "services/installer/page_health.h"

#include "common/base/text.h"

#include "common/base/banned.h"

#define ISO(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

/*
 * Whoever manages an organisation sees its connections, those without one and their own. "signed" is the last delivery that proves
 * the secret that counts now: the next one while there is one, else anything since the secret came into use.
 */
static const char sql_connections[] =
	"select coalesce(json_agg(x), '[]') from ("
	" select c.provider || '/' || c.id as name, c.id, i.base_url as server,"
	" c.provider = 'jira' as is_jira, c.provider = 'bitbucket' as is_bitbucket,"
	" c.project_key || '/' || c.repo_slug as repository, c.status = 'pending' as is_pending,"
	" c.status = 'active' as is_active, c.status = 'paused' as is_paused, c.status = 'shadow' "
	"as is_shadow,"
	" $4 || '/integration/' || c.provider || '-dc/connections/' || c.id || '/events' as "
	"events_url,"
	" c.hook_id, c.hook_error, c.svc_email, coalesce(i.bot_name, '') as bot_name,"
	" c.status = 'pending' or c.secret_next_sealed is not null as waits_for_hook,"
	" c.secret_next_sealed is not null as has_next_secret, c.secret_shown_at is not null as "
	"is_secret_shown,"
	" coalesce(c.owner_user_id = $2, true) as is_mine, " ISO(
		"c.updated_at") " as updated_at,"
				" (select " ISO(
					"max(d.received_at)") " from delivery d where d.provider = "
							      "c.provider"
							      "  and d.connection_id = c.id and "
							      "d.received_at > now() - interval "
							      "'30 days') as delivered_at,"
							      " (select " ISO("max(d.received_at)") " from delivery d where d.provider = c.provider"
												    "  and d.connection_id = c.id and d.received_at >= coalesce(c.rotated_at, c.created_at)"
												    "  and (c.secret_next_sealed is null or d.secret_used = 'next')) as signed_at,"
												    " (select count(*) from delivery d where d.provider = c.provider and d.connection_id = c.id"
												    "  and d.received_at > now() - interval '1 day') as deliveries_day,"
												    " (select count(*) from trigger t where t.provider = c.provider and t.connection_id = c.id"
												    "  and t.state = 'REFUSED' and t.created_at > now() - interval '7 days') as refused_week,"
												    " (select count(*) from trigger t where t.provider = c.provider and t.connection_id = c.id"
												    "  and t.state in ('NEW', 'SENT')) + (select count(*) from job j where j.provider = c.provider"
												    "  and j.connection_id = c.id and j.ended_at is null) as waiting,"
												    " (select json_agg(a) from (select coalesce(j.record #>> '{ask,issue_key}', j.subject) as what,"
												    "  coalesce(j.outcome, j.state) as outcome, j.state in ('FAILED', 'REFUSED') as is_bad,"
												    "  " ISO(
													    "j.updated_at") " as at from job j where j.provider = c.provider and j.connection_id = c.id"
															    "  order by j.created_at desc limit 3) a) as answers"
															    " from connection c join instance i on i.id = c.instance_id"
															    " where c.provider = coalesce($1, c.provider)"
															    " and (c.org_id is null or c.org_id = $3 or c.org_id = c.owner_user_id or c.owner_user_id = $2)"
															    " order by c.provider desc, c.updated_at desc limit 200) x";

void page_connections(struct page *page, const char *provider)
{
	page_query(page, "connections", sql_connections,
		   DB_PARAMS(provider, page->caller.user_id, page->caller.org_id,
			     page->installer->origin));
}

void page_home(struct page *page)
{
	const struct config *config = page->installer->config;

	page_connections(page, NULL);
	const char *key;
	size_t i;
	json_t *connection;
	json_array_foreach(json_object_get(page->data, "connections"), i, connection)
	{
		key = json_is_true(json_object_get(connection, "is_jira")) ? "jira" : "bitbucket";
		if (!json_object_get(page->data, key)) json_object_set(page->data, key, connection);
	}
	json_object_set_new(page->data, "has_jira",
			    json_boolean(config_bool(config, "ENABLE_JIRA_DC")));
	json_object_set_new(
		page->data, "has_bitbucket",
		json_boolean(!text_is_empty(config_text(config, "BITBUCKET_DATA_CENTER_HOST"))));
}

void page_health(struct page *page)
{
	page_connections(page, NULL);
}

void page_health_status(void *context, const struct web_request *request, struct web_reply *reply)
{
	struct page page = {.installer = context, .request = request, .reply = reply};

	if (!callers_find(page.installer->callers, request, &page.caller, reply)) return;
	page.data = json_object();
	if (caller_must(&page.caller, CALLER_MANAGES, reply)) {
		page_connections(&page, NULL);
		web_reply_json(reply, json_object_get(page.data, "failure") ? 500 : 200,
			       json_incref(page.data));
	}
	json_decref(page.data);
	caller_done(&page.caller);
}
