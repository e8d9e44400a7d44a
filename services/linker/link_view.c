/* One select for a person's link, one for the servers there are. */

#include "services/linker/link_view.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"

#include "common/base/banned.h"

enum { ROW_BYTES = 64 * 1024 };

#define TIME(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
#define STATUS "case when c.status in ('active', 'shadow') then 'active' else 'inactive' end"

#define NAME "split_part(i.base_url, '/', 3)"

/*
 * The configured server ($2) first. $3: the caller may edit connections that have no owner; $4: e-mail address of the bot there;
 * $5: WEB_HOST.
 */
static const char sql_of_user[] =
	"select json_build_object('id', l.id, 'keycloak_user_id', l.user_id,"
	" 'jira_dc_workspace_id', c.id, 'status', l.status,"
	" 'created_at', " TIME("l.created_at") ", 'updated_at', " TIME(
		"l.updated_at") ","
				" 'workspace', json_build_object('id', c.id, 'name', " NAME ", 'status', " STATUS ","
				" 'editable', coalesce(c.owner_user_id = $1, $3::boolean), 'events_url',"
				" concat($5::text, '/integration/jira-dc/connections/', coalesce(c.id, 0), '/events'),"
				" 'svc_acc_email', coalesce(case when i.base_url = $2 then $4 end, c.svc_email),"
				" 'created_at', " TIME("c.created_at") ", 'updated_at', " TIME(
					"c.updated_at") ")),"
							" $2::text is null or i.base_url = $2, c.id is not null,"
							" case when l.account_key not like 'unavailable:%' then "
							"coalesce(l.account_name, l.account_key) end"
							" from user_link l join instance i on i.id = l.instance_id and "
							"i.provider = 'jira'"
							" left join connection c on c.provider = 'jira' and "
							"c.instance_id = i.id"
							" where l.user_id = $1 and l.status = 'active'"
							" order by i.base_url = $2 desc nulls last, l.updated_at desc "
							"limit 1";

static const char sql_servers[] =
	"select coalesce(json_agg(json_build_object('id', c.id, 'name', " NAME ", 'base_url', i.base_url)"
	" order by i.base_url), '[]') from connection c join instance i on i.id = c.instance_id"
	" where c.provider = 'jira' and c.status in ('active', 'shadow')"
	" and ($1::text is null or i.base_url = $1) and $2::boolean";

/* The JSON of the first row's first cell; a new reference. */
static bool read_json(const struct db_rows *rows, json_t **ret, struct err *err)
{
	return json_read(bytes_text(db_text(rows, 0, 0)), ROW_BYTES, LIMIT_JSON_DEPTH, ret, err);
}

bool link_view_read(const struct linker *linker, const struct caller *caller, enum link_view *ret, json_t **ret_json,
		    char **ret_account, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(linker->pool, sql_of_user,
		      DB_PARAMS(caller->user_id, config_text(linker->config, "JIRA_DC_BASE_URL"),
				caller_may(caller, CALLER_CONNECTS),
				config_text(linker->config, "JIRA_DC_SERVICE_ACCOUNT_EMAIL"), linker->origin),
		      &rows, err))
		return false;
	*ret = LINK_VIEW_NONE;
	if (rows.count == 0) return true;
	if (!read_json(&rows, ret_json, err)) return false;
	*ret = db_bool(&rows, 0, 2) ? LINK_VIEW_LINKED : LINK_VIEW_BARE;
	if (!db_bool(&rows, 0, 1)) *ret = LINK_VIEW_ELSEWHERE;
	*ret_account = db_copy(&rows, 0, 3);
	return true;
}

bool link_view_servers(const struct linker *linker, json_t **ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	return db_query(linker->pool, sql_servers,
			DB_PARAMS(config_text(linker->config, "JIRA_DC_BASE_URL"),
				  config_bool(linker->config, "ENABLE_JIRA_DC")),
			&rows, err) &&
	       read_json(&rows, ret, err);
}
