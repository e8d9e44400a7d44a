/* Links of people, one active one each, and their sealed tokens. */
#include "common/connect/link_store.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/connect/sealed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { PLACE_SIZE = 1024 };

static const char sql_of_user[] = "select l.instance_id, l.account_key from user_link l"
				  " join instance i on i.id = l.instance_id and i.provider = 'jira'"
				  " where l.user_id = $1 and l.status = 'active' and $2::bigint in (0, l.instance_id)"
				  " order by l.updated_at desc limit 1";

/* Two browsers of one person come one after the other. */
static const char sql_lock[] = "select pg_advisory_xact_lock(7305802, hashtext($1))";

/* The account of a link that is renewed without naming one. */
static const char sql_account[] =
	"select coalesce($3, (select account_key from user_link where instance_id = $1"
	" and user_id = $2 order by status, updated_at desc limit 1 for update), '" LINK_UNAVAILABLE "' || $2)";

static const char sql_end_others[] = "with gone as (delete from user_link where instance_id = $1 and user_id = $2"
				     " and account_key = '" LINK_UNAVAILABLE "' || $2 and account_key <> $3)"
				     " update user_link l set status = 'inactive', tokens_sealed = null,"
				     " token_expires_at = null, refresh_owner = null, refresh_until = null,"
				     " updated_at = clock_timestamp()"
				     " from instance i where i.id = l.instance_id and i.provider = 'jira'"
				     " and l.user_id = $2 and l.status = 'active'"
				     " and (l.instance_id, l.account_key) <> ($1, $3)"
				     " and not (l.instance_id = $1 and l.account_key = '" LINK_UNAVAILABLE "' || $2)";

/* Who had the account before loses it together with its tokens. $8: the account was named, so the method is this one. */
static const char sql_put[] = "insert into user_link (instance_id, user_id, account_key, account_name, org_id, method,"
			      " tokens_sealed, token_expires_at, created_at, updated_at)"
			      " values ($1, $2, $3, $4, $5, $6, $7,"
			      " clock_timestamp() + nullif($9::bigint, 0) * interval '1 s',"
			      " clock_timestamp(), clock_timestamp())"
			      " on conflict (instance_id, account_key) do update set user_id = excluded.user_id,"
			      " account_name = case when $8 then excluded.account_name else user_link.account_name end,"
			      " org_id = coalesce(excluded.org_id, case when user_link.user_id = excluded.user_id"
			      " then user_link.org_id end),"
			      " method = case when $8 then excluded.method else user_link.method end,"
			      " tokens_sealed = excluded.tokens_sealed, token_expires_at = excluded.token_expires_at,"
			      " refresh_owner = null, refresh_until = null, refreshed_at = null, status = 'active',"
			      " created_at = case when user_link.user_id = excluded.user_id then user_link.created_at"
			      " else excluded.created_at end, updated_at = excluded.updated_at";

static const char sql_owner[] = "select user_id from user_link where instance_id = $1 and account_key = $2"
				" and status = 'active'";

/* What one person did to their own link is in the audit; who ended all of them says so where it was asked for. */
static const char sql_drop[] =
	"with gone as (update user_link set status = 'inactive', tokens_sealed = null,"
	" token_expires_at = null, refresh_owner = null, refresh_until = null,"
	" updated_at = clock_timestamp()"
	" where instance_id = $1 and ($2::text is null or user_id = $2) and status = 'active'"
	" returning account_key)"
	" select audit_write($2, 'link.drop', 'instance/' || $1, json_build_object('account_key',"
	" account_key)::jsonb) from gone where $2 is not null";

static const char sql_audit[] = "select audit_write($2, 'link.put', 'instance/' || $1,"
				" json_build_object('account_key', $3::text, 'method', $4::text)::jsonb)";

void link_done(struct link *link)
{
	if (!link) return;
	mem_free(link->account_key);
	*link = (struct link){0};
}

bool link_of_user(struct db_pool *pool, const char *user_id, int64_t instance_id, struct link *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_of_user, DB_PARAMS(user_id, instance_id), &rows, err)) return false;
	if (rows.count == 0) return err_set(err, ERR_NOT_FOUND, "the user has no link");
	*ret = (struct link){.instance_id = db_int(&rows, 0, 0), .account_key = db_copy(&rows, 0, 1)};
	return true;
}

/* --- tokens ------------------------------------------------------------------------------------------ */

json_t *link_tokens_to_json(const struct oauth_tokens *tokens)
{
	return json_pack("{s:s, s:s?}", "access", tokens->access.text, "refresh", tokens->refresh.text);
}

bool link_tokens_from_json(const json_t *json, struct oauth_tokens *ret, struct err *err)
{
	const char *access = json_text_at(json, "access");
	const char *refresh = json_text_at(json, "refresh");
	if (!access) return err_set(err, ERR_NOT_FOUND, "no token is stored");
	secret_set(&ret->access, access, strlen(access));
	secret_done(&ret->refresh);
	if (refresh) secret_set(&ret->refresh, refresh, strlen(refresh));
	return true;
}

static void place_of(int64_t instance_id, const char *account_key, char ret[PLACE_SIZE])
{
	(void)snprintf(ret, PLACE_SIZE, "user_link.tokens:%" PRId64 "/%s", instance_id, account_key);
}

bool link_tokens_seal(const struct crypto_keyring *keys, int64_t instance_id, const char *account_key,
		      const struct oauth_tokens *tokens, struct strbuf *ret, struct err *err)
{
	json_auto_t *json = link_tokens_to_json(tokens);
	char place[PLACE_SIZE];
	place_of(instance_id, account_key, place);
	return sealed_make_json(keys, place, json, ret, err);
}

bool link_tokens_open(const struct crypto_keyring *keys, int64_t instance_id, const char *account_key,
		      const struct db_rows *rows, int column, struct oauth_tokens *ret, struct err *err)
{
	json_auto_t *json = NULL;
	char place[PLACE_SIZE];
	place_of(instance_id, account_key, place);
	return sealed_read_json(keys, place, rows, column, &json, err) && link_tokens_from_json(json, ret, err);
}

/* --- making and ending ------------------------------------------------------------------------------- */

bool link_put(struct db *db, const struct crypto_keyring *keys, const struct link_draft *draft, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	const struct oauth_tokens *tokens = draft->tokens;
	int64_t instance_id = draft->instance_id;
	const char *user_id = draft->user_id;
	if (!db_run(db, sql_lock, DB_PARAMS(user_id), NULL, err) ||
	    !db_run(db, sql_account, DB_PARAMS(instance_id, user_id, draft->account_key), &rows, err))
		return false;
	const char *account = db_text(&rows, 0, 0);
	if (tokens && !link_tokens_seal(keys, instance_id, account, tokens, &sealed, err)) return false;
	int64_t expires_in_s = tokens ? tokens->expires_in_s : 0;
	struct bytes pair = bytes_of(sealed.text, sealed.len);
	return db_run(db, sql_end_others, DB_PARAMS(instance_id, user_id, account), NULL, err) &&
	       db_run(db, sql_put,
		      DB_PARAMS(instance_id, user_id, account, draft->account_name, draft->org_id, draft->method, pair,
				draft->account_key != NULL, expires_in_s),
		      NULL, err) &&
	       db_run(db, sql_audit, DB_PARAMS(instance_id, user_id, account, draft->method), NULL, err);
}

bool link_drop(struct db *db, int64_t instance_id, const char *user_id, struct err *err)
{
	return db_run(db, sql_drop, DB_PARAMS(instance_id, user_id), NULL, err);
}

bool link_owner(struct db_pool *pool, int64_t instance_id, const char *account_key, char **ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_owner, DB_PARAMS(instance_id, account_key), &rows, err)) return false;
	*ret = rows.count > 0 ? db_copy(&rows, 0, 0) : NULL;
	return true;
}
