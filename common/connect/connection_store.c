/* Reads and writes servers and connections; what is secret in them: connection_store_secret.c. */

#include "common/connect/connection_store.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/connect/sealed.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

#define NAIVE(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"

#define SELECT                                                                                     \
	"select c.provider, c.id, c.instance_id, coalesce(c.repo_id, 0), i.base_url, "             \
	"c.project_key,"                                                                           \
	" c.repo_slug, c.status, c.hook_id, c.owner_user_id, c.org_id, c.svc_email, c.hook_error," \
	" " NAIVE("c.created_at") ", " NAIVE(                                                      \
		"c.updated_at") ", c.bot_token_sealed is not null,"                                \
				" c.secret_next_sealed is not null, c.secret_shown_at is not null" \
				" from connection c join instance i on i.id = c.instance_id "      \
				"where c.provider = $1 "

static const char sql_by_id[] = SELECT "and c.id = $2";

static const char sql_by_url[] = SELECT "and i.base_url = $2";

/* Without a path what was typed also means the only server of that host: people leave out context paths. */
#define HOST_OF(url) "split_part(" url ", '/', 3)"
static const char sql_by_host[] = SELECT
	"and (i.base_url = $2 or split_part($2, '/', 4) = '' and " HOST_OF("i.base_url") " = " HOST_OF(
		"$2") " and not exists (select 1 from connection o join instance x on x.id = "
		      "o.instance_id"
		      " where o.provider = $1 and o.id <> c.id and " HOST_OF("x.base_url") " = " HOST_OF("$2") "))";

static const char sql_by_instance[] = SELECT "and c.instance_id = $2";

static const char sql_by_owner[] = SELECT "and c.owner_user_id = $2 order by c.created_at desc limit 1";

static const char sql_first_active[] = SELECT "and c.status in ('active', 'shadow') order by c.id limit 1";

/* The number wins: a name may have been taken over by another repository. */
static const char sql_by_repo[] = SELECT "and i.base_url = $2 and (c.repo_id = $3 or coalesce(c.repo_id, 0) * $3 = 0"
					 " and lower(c.project_key) = lower($4) and lower(c.repo_slug) = lower($5))"
					 " order by c.repo_id = $3 desc nulls last limit 1";

static const char sql_instance[] =
	"insert into instance (provider, base_url, bot_id, bot_key, bot_name, bot_email, "
	"bot_checked_at)"
	" values ($1, $2, $3, $4, $5, $6, case when $7::boolean then now() end)"
	" on conflict (provider, base_url) do update set bot_id = case when $7 then "
	"excluded.bot_id else instance.bot_id end,"
	" bot_key = case when $7 then excluded.bot_key else instance.bot_key end,"
	" bot_name = case when $7 then excluded.bot_name else instance.bot_name end,"
	" bot_email = case when $7 then excluded.bot_email else instance.bot_email end,"
	" bot_checked_at = coalesce(excluded.bot_checked_at, instance.bot_checked_at) returning id";

static const char sql_next_id[] = "select nextval('connection_id_seq')";

static const char sql_insert[] =
	"insert into connection (provider, id, instance_id, project_key, repo_slug, repo_id, "
	"status,"
	" hook_id, owner_user_id, org_id, svc_email, hook_error, secret_shown_at, secret_sealed,"
	" activated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
	"$12,"
	" case when $13::boolean then now() end, $14,"
	" case when $7 in ('active', 'shadow') then now() end)";

/* Of a Jira connection without an owner the first who stores it becomes the owner, not the last. */
static const char sql_update[] =
	"update connection set instance_id = $3, project_key = $4, repo_slug = $5,"
	" repo_id = $6, status = $7, hook_id = $8, owner_user_id = $9,"
	" org_id = $10, svc_email = $11, hook_error = $12,"
	" secret_shown_at = case when $13::boolean then coalesce(secret_shown_at, now()) end,"
	" activated_at = case when $7 in ('active', 'shadow') then coalesce(activated_at, now())"
	" else activated_at end, updated_at = now() where provider = $1 and id = $2"
	" and (provider <> 'jira' or coalesce(owner_user_id, $9) is not distinct from $9) returning id";

static const char sql_audit[] = "select audit_write($1, $2, $3, $4::jsonb)";

void connection_row_done(struct connection_row *row)
{
	if (!row) return;
	char *const texts[] = {row->base_url,   row->project_key,   row->repo_slug, row->status,
			       row->hook_id,    row->owner_user_id, row->org_id,    row->svc_email,
			       row->hook_error, row->created_at,    row->updated_at};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		mem_free(texts[i]);
	*row = (struct connection_row){0};
}

bool connection_row_is_on(const struct connection_row *row)
{
	return row->status && (strcmp(row->status, "active") == 0 || strcmp(row->status, "shadow") == 0);
}

/* Runs one of the selects; what was looked for is named by `what`. */
static bool find(const struct connection_store *store, const char *sql, const struct db_params *params,
		 const char *what, struct connection_row *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	enum provider provider;
	if (!db_query(store->pool, sql, params, &rows, err)) return false;
	if (rows.count == 0 || !provider_parse(db_text(&rows, 0, 0), &provider))
		return err_set(err, ERR_NOT_FOUND, "there is no connection %s", what);
	*ret = (struct connection_row){.provider = provider,
				       .id = db_int(&rows, 0, 1),
				       .instance_id = db_int(&rows, 0, 2),
				       .repo_id = db_int(&rows, 0, 3),
				       .has_bot_token = db_bool(&rows, 0, 15),
				       .has_next_secret = db_bool(&rows, 0, 16),
				       .is_secret_shown = db_bool(&rows, 0, 17)};
	char **const texts[] = {&ret->base_url,   &ret->project_key,   &ret->repo_slug, &ret->status,
				&ret->hook_id,    &ret->owner_user_id, &ret->org_id,    &ret->svc_email,
				&ret->hook_error, &ret->created_at,    &ret->updated_at};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = db_copy(&rows, 0, 4 + (int)i);
	return true;
}

bool connection_read(const struct connection_store *store, enum provider provider, int64_t id,
		     struct connection_row *ret, struct err *err)
{
	char name[CONNECTION_REF_SIZE];
	connection_ref_text(&(struct connection_ref){provider, id}, name);
	return find(store, sql_by_id, DB_PARAMS(provider_name(provider), id), name, ret, err);
}

bool connection_of_url(const struct connection_store *store, const char *base_url, struct connection_row *ret,
		       struct err *err)
{
	return find(store, sql_by_url, DB_PARAMS(provider_name(PROVIDER_JIRA), base_url), base_url, ret, err);
}

bool connection_named(const struct connection_store *store, const struct workspace_name *name,
		      struct connection_row *ret, struct err *err)
{
	return find(store, name->is_own ? sql_by_url : sql_by_host,
		    DB_PARAMS(provider_name(PROVIDER_JIRA), name->base_url), name->name, ret, err);
}

bool connection_of_instance(const struct connection_store *store, int64_t instance_id, struct connection_row *ret,
			    struct err *err)
{
	return find(store, sql_by_instance, DB_PARAMS(provider_name(PROVIDER_JIRA), instance_id), "of this server", ret,
		    err);
}

bool connection_of_owner(const struct connection_store *store, const char *user_id, struct connection_row *ret,
			 struct err *err)
{
	return find(store, sql_by_owner, DB_PARAMS(provider_name(PROVIDER_JIRA), user_id), "of this owner", ret, err);
}

bool connection_first_active(const struct connection_store *store, struct connection_row *ret, struct err *err)
{
	return find(store, sql_first_active, DB_PARAMS(provider_name(PROVIDER_JIRA)), "that is active", ret, err);
}

bool connection_of_repo(const struct connection_store *store, const char *base_url, int64_t repo_id,
			const char *project_key, const char *repo_slug, struct connection_row *ret, struct err *err)
{
	return find(store, sql_by_repo,
		    DB_PARAMS(provider_name(PROVIDER_BITBUCKET), base_url, repo_id, project_key, repo_slug), repo_slug,
		    ret, err);
}

bool instance_put(struct db *db, enum provider provider, const char *base_url, const struct person *bot,
		  int64_t *ret_id, struct err *err)
{
	const struct person nobody = {0};
	const struct person *who = bot ? bot : &nobody;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_run(db, sql_instance,
		    DB_PARAMS(provider_name(provider), base_url, who->id, who->key, who->name, who->email, bot != NULL),
		    &rows, err))
		return err_wrap(err, "server");
	*ret_id = db_int(&rows, 0, 0);
	return true;
}

/* Runs the insert or the update; `sealed` is only for the insert. */
static bool write_row(struct db *db, const char *sql, const struct connection_row *row, const struct strbuf *sealed,
		      struct err *err)
{
	struct db_params params = *DB_PARAMS(provider_name(row->provider), row->id, row->instance_id, row->project_key,
					     row->repo_slug, db_value_id(row->repo_id), row->status, row->hook_id,
					     row->owner_user_id, row->org_id, row->svc_email, row->hook_error,
					     row->is_secret_shown,
					     sealed ? bytes_of(sealed->text, sealed->len) : bytes_of(NULL, 0));
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!sealed) params.count--; /* the update has no place for it */
	if (!db_run(db, sql, &params, sealed ? NULL : &rows, err)) return err_wrap(err, "connection");
	return sealed || rows.count > 0 || err_set(err, ERR_CONFLICT, "the connection has another owner now");
}

bool connection_put(struct db *db, const struct crypto_keyring *keys, struct connection_row *row,
		    const struct secret *secret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	struct connection_row made = *row;
	if (row->id != 0) return write_row(db, sql_update, row, NULL, err);
	if (!db_run(db, sql_next_id, NULL, &rows, err)) return false;
	made.id = db_int(&rows, 0, 0);
	if (!connection_seal(keys, &made, "secret", secret, &sealed, err) ||
	    !write_row(db, sql_insert, &made, &sealed, err))
		return false;
	row->id = made.id;
	return true;
}

bool connection_audit(struct db *db, const char *operator_name, const char *action, const struct connection_row *row,
		      struct err *err)
{
	char name[CONNECTION_REF_SIZE];
	json_auto_t *detail = json_pack("{ss* ss* ss* ss* ss*}", "base_url", row->base_url, "project_key",
					row->project_key, "repo_slug", row->repo_slug, "org_id", row->org_id, "status",
					row->status);
	CLEANUP(mem_free_text) char *text = json_compact(detail);
	connection_ref_text(&(struct connection_ref){row->provider, row->id}, name);
	return db_run(db, sql_audit, DB_PARAMS(operator_name, action, name, text), NULL, err);
}

char *connection_events_url(const char *web_host, enum provider provider, int64_t id)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	strbuf_addf(&url, "%s/integration/%s-dc/connections/%lld/events", web_host, provider_name(provider),
		    (long long)id);
	return strbuf_take(&url);
}
