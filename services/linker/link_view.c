/* One select for a person's link, one for the servers there are. */

#include "services/linker/link_view.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/domain/workspace_name.h"

#include "common/base/banned.h"

enum { ROW_BYTES = 64 * 1024 };

#define TIME(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
#define STATUS "case when c.status in ('active', 'shadow') then 'active' else 'inactive' end"

/* The configured server ($2) first. $3: the caller may edit connections that have no owner; $4: e-mail address of the bot there. */
static const char sql_of_user[] =
	"select json_build_object('id', l.id, 'keycloak_user_id', l.user_id,"
	" 'jira_dc_workspace_id', c.id, 'status', l.status,"
	" 'created_at', " TIME("l.created_at") ", 'updated_at', " TIME(
		"l.updated_at") ","
				" 'workspace', json_build_object('id', c.id, 'name', '', "
				"'status', " STATUS ","
				" 'editable', coalesce(c.owner_user_id = $1, $3::boolean), "
				"'events_url', '',"
				" 'svc_acc_email', coalesce(case when i.base_url = $2 then $4 "
				"end, c.svc_email),"
				" 'created_at', " TIME("c.created_at") ", 'updated_at', " TIME(
					"c.updated_at") ")),"
							" l.instance_id, i.base_url, $2::text is null or i.base_url = "
							"$2, coalesce(c.id, 0),"
							" case when l.account_key not like 'unavailable:%' then "
							"coalesce(l.account_name, l.account_key) end"
							" from user_link l join instance i on i.id = l.instance_id and "
							"i.provider = 'jira'"
							" left join connection c on c.provider = 'jira' and "
							"c.instance_id = i.id"
							" where l.user_id = $1 and l.status = 'active'"
							" order by i.base_url = $2 desc nulls last, l.updated_at desc "
							"limit 1";

static const char sql_servers[] = "select c.id, i.base_url from connection c join instance i on i.id = c.instance_id"
				  " where c.provider = 'jira' and c.status in ('active', 'shadow')"
				  " and ($1::text is null or i.base_url = $1) and $2::boolean order by i.base_url";

/* What SQL cannot write: the host's name and the address of the events. */
static void complete(const struct linker *linker, const char *base_url, int64_t connection_id, json_t *json)
{
	json_t *workspace = json_object_get(json, "workspace");
	CLEANUP(mem_free_text) char *name = workspace_name_of(base_url);
	CLEANUP(mem_free_text) char *url = connection_events_url(linker->origin, PROVIDER_JIRA, connection_id);
	json_object_set_new(workspace, "name", json_string(name));
	json_object_set_new(workspace, "events_url", json_string(url));
}

bool link_view_read(const struct linker *linker, const struct caller *caller, enum link_view *ret, json_t **ret_json,
		    char **ret_account, int64_t *ret_instance_id, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	json_t *json = NULL;
	if (!db_query(linker->pool, sql_of_user,
		      DB_PARAMS(caller->user_id, config_text(linker->config, "JIRA_DC_BASE_URL"),
				caller_may(caller, CALLER_CONNECTS),
				config_text(linker->config, "JIRA_DC_SERVICE_ACCOUNT_EMAIL")),
		      &rows, err))
		return false;
	*ret = LINK_VIEW_NONE;
	if (rows.count == 0) return true;
	if (!json_read(bytes_text(db_text(&rows, 0, 0)), ROW_BYTES, LIMIT_JSON_DEPTH, &json, err)) return false;
	*ret = !db_bool(&rows, 0, 3)      ? LINK_VIEW_ELSEWHERE
	       : db_int(&rows, 0, 4) == 0 ? LINK_VIEW_BARE
					  : LINK_VIEW_LINKED;
	complete(linker, db_text(&rows, 0, 2), db_int(&rows, 0, 4), json);
	*ret_json = json;
	*ret_account = db_copy(&rows, 0, 5);
	*ret_instance_id = db_int(&rows, 0, 1);
	return true;
}

bool link_view_servers(const struct linker *linker, json_t **ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(linker->pool, sql_servers,
		      DB_PARAMS(config_text(linker->config, "JIRA_DC_BASE_URL"),
				config_bool(linker->config, "ENABLE_JIRA_DC")),
		      &rows, err))
		return false;
	*ret = json_array();
	for (int row = 0; row < rows.count; row++) {
		const char *base_url = db_text(&rows, row, 1);
		CLEANUP(mem_free_text) char *name = workspace_name_of(base_url);
		json_array_append_new(*ret, json_pack("{s:I, s:s, s:s}", "id", db_int(&rows, row, 0), "name", name,
						      "base_url", base_url));
	}
	return true;
}
