/* Rules and organisations of projects: each change is one statement, which writes its audit too. */
#include "common/connect/access_store.h"

#include "common/base/mem.h"
#include "common/domain/access_rule.h"

#include <string.h>

#include "common/base/banned.h"

static const char sql_rules[] =
	"select coalesce(json_agg(json_build_object('id', r.id, 'instance_id', r.instance_id,"
	" 'provider', i.provider, 'server', i.base_url, 'effect', r.effect, 'kind', r.kind,"
	" 'value', r.value) order by i.provider, i.base_url, r.kind, r.effect, lower(r.value)), "
	"'[]')"
	" from access_rule r join instance i on i.id = r.instance_id where $1::bigint in (0, i.id)";

static const char sql_rule_add[] =
	"with added as (insert into access_rule (instance_id, effect, kind, value)"
	" select i.id, $3, $4, $5 from instance i where i.id = $2"
	" on conflict (instance_id, effect, kind, value) do update set value = excluded.value"
	" returning id, xmax = 0 as is_new)"
	" select case when is_new then audit_write($1, 'access.add', id::text, jsonb_build_object("
	"'instance_id', $2::bigint, 'effect', $3::text, 'kind', $4::text, 'value', $5::text)) end"
	" from added";

static const char sql_rule_remove[] = "with gone as (delete from access_rule where id = $2 returning *)"
				      " select audit_write($1, 'access.remove', id::text, to_jsonb(gone)) from gone";

static const char sql_orgs[] = "select coalesce(json_agg(json_build_object('instance_id', m.instance_id, 'provider',"
			       " i.provider, 'server', i.base_url, 'project', m.project_key, 'org_id', m.org_id)"
			       " order by i.provider, i.base_url, lower(m.project_key)), '[]')"
			       " from org_map m join instance i on i.id = m.instance_id";

static const char sql_org_set[] =
	"with added as (insert into org_map (provider, instance_id, project_key, org_id)"
	" select i.provider, i.id, $3, $4 from instance i where i.id = $2"
	" on conflict (instance_id, project_key) do update set org_id = excluded.org_id returning "
	"*)"
	" select audit_write($1, 'org.map', project_key, to_jsonb(added)) from added";

static const char sql_org_unset[] = "with gone as (delete from org_map where instance_id = $2 and"
				    " lower(project_key) = lower($3) returning *)"
				    " select audit_write($1, 'org.unmap', project_key, to_jsonb(gone)) from gone";

/* PostgreSQL makes the list. */
static bool list(struct db_pool *pool, const char *sql, const struct db_params *params, json_t **ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql, params, &rows, err)) return false;
	json_t *json = json_loads(db_text(&rows, 0, 0), 0, NULL);
	if (!json) return err_set(err, ERR_INTERNAL, "a list that is no JSON");
	*ret = json;
	return true;
}

/* A change of at least one row. */
static bool change(struct db_pool *pool, const char *sql, const struct db_params *params, const char *missing,
		   struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql, params, &rows, err)) return false;
	return rows.count > 0 || err_set(err, ERR_NOT_FOUND, "%s", missing);
}

bool access_list(struct db_pool *pool, int64_t instance_id, json_t **ret, struct err *err)
{
	return list(pool, sql_rules, DB_PARAMS(instance_id), ret, err);
}

bool access_add(struct db_pool *pool, const char *user_id, int64_t instance_id, const char *effect, const char *kind,
		const char *typed, struct err *err)
{
	CLEANUP(mem_free_text) char *value = NULL;
	if (!effect || (strcmp(effect, "allow") != 0 && strcmp(effect, "deny") != 0))
		return err_set(err, ERR_INPUT, "a rule allows or denies");
	return access_value(kind, typed, &value, err) &&
	       change(pool, sql_rule_add, DB_PARAMS(user_id, instance_id, effect, kind, value),
		      "there is no such server", err);
}

bool access_remove(struct db_pool *pool, const char *user_id, int64_t id, struct err *err)
{
	return change(pool, sql_rule_remove, DB_PARAMS(user_id, id), "the rule is not there any more", err);
}

bool org_map_list(struct db_pool *pool, json_t **ret, struct err *err)
{
	return list(pool, sql_orgs, NULL, ret, err);
}

bool org_map_set(struct db_pool *pool, const char *user_id, int64_t instance_id, const char *project,
		 const char *org_id, struct err *err)
{
	CLEANUP(mem_free_text) char *key = NULL;
	CLEANUP(mem_free_text) char *org = NULL;
	return access_value("project", project, &key, err) && access_value("org", org_id, &org, err) &&
	       change(pool, sql_org_set, DB_PARAMS(user_id, instance_id, key, org), "there is no such server", err);
}

bool org_map_unset(struct db_pool *pool, const char *user_id, int64_t instance_id, const char *project, struct err *err)
{
	return change(pool, sql_org_unset, DB_PARAMS(user_id, instance_id, project),
		      "the project has no organization of its own", err);
}
