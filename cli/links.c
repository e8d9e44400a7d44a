/* Says which account on a Jira or Bitbucket server is which user of OpenHands. */

#include "cli/known_connection.h"
#include "common/base/limits.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/base/uuid.h"

#include "common/base/banned.h"

static const char sql_list[] = "select i.provider, i.base_url, l.account_key, l.account_name, l.user_id, l.org_id, "
			       "l.method, l.status,"
			       " to_char(l.updated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
			       " from user_link l join instance i on i.id = l.instance_id"
			       " where $1::bigint is null or l.instance_id = $1 order by i.provider desc, i.base_url, "
			       "l.account_key";

static const char *const list_names[] = {"provider", "base_url", "account_key", "account_name", "user_id",
					 "org_id",   "method",   "status",      "updated_at"};

/* Parameters of the changing statements. */
#define ABOUT "'connection', $1::text, 'account_key', $3::text, 'user_id', $5::text, 'org_id', $6::text"
#define AUDIT(action) "audit_write($4, " action ", $1, jsonb_strip_nulls(jsonb_build_object(" ABOUT ")))"

/*
 * What was refused only because nobody knew the asker is decided again; the linker does the same for links of others.
 */
static const char sql_add[] =
	"with put as (insert into user_link (instance_id, account_key, user_id, org_id, method)"
	" values ($2, $3, $5, $6, 'operator') on conflict (instance_id, account_key) do update"
	" set user_id = excluded.user_id, org_id = excluded.org_id, method = excluded.method,"
	" tokens_sealed = case when user_link.user_id = excluded.user_id then user_link.tokens_sealed end,"
	" status = 'active', updated_at = clock_timestamp()),"
	" reopened as (update trigger set state = 'NEW', outcome = null, detail = 'the account was linked',"
	" attempts = 0, crashes = 0, next_attempt_at = now(), opened_at = now()"
	" where instance_id = $2 and state = 'REFUSED' and outcome in ('USER_NOT_LINKED', 'USER_UNKNOWN')"
	" and decided_at > now() - interval '24 hours'"
	" and (ask->'actor'->>'key' = $3 or provider = 'bitbucket' and ask->'actor'->>'id' = $3)"
	" returning event_key)"
	" select json_strip_nulls(json_build_object(" ABOUT ", 'asks_decided_again', (select count(*) from reopened))),"
	" " AUDIT("'link.add'");

static const char sql_remove[] = "with gone as (delete from user_link where instance_id = $2 and account_key = $3"
				 " returning user_id)"
				 " select json_strip_nulls(json_build_object(" ABOUT
				 ")), " AUDIT("'link.remove'") " from gone";

/* What a changing verb was told. */
struct link_arguments {
	struct connection_ref ref;
	const char *account;
	char user_id[UUID_TEXT_SIZE]; /* "": not asked for */
	const char *org_id;           /* NULL: none */
};

static bool take_account(struct cli *cli, struct link_arguments *ret, struct err *err)
{
	const char *jira = cli_option(cli, "jira-key");
	const char *bitbucket = cli_option(cli, "bitbucket-id");
	if (!known_connection_option(cli, &ret->ref, err)) return false;
	bool is_jira = ret->ref.provider == PROVIDER_JIRA;
	ret->account = is_jira ? jira : bitbucket;
	if (text_is_empty(ret->account) || (is_jira ? bitbucket : jira))
		return err_set(err, ERR_INPUT, "a connection of %s takes --%s", is_jira ? "Jira" : "Bitbucket",
			       is_jira ? "jira-key KEY" : "bitbucket-id ID");
	return true;
}

static bool take_user(struct cli *cli, struct link_arguments *ret, struct err *err)
{
	const char *user = NULL;
	if (!cli_need(cli, "user", &user, err)) return false;
	ret->org_id = cli_option(cli, "org");
	return uuid_normalise(user, ret->user_id) ||
	       err_set(err, ERR_INPUT, "--user '%s' is no user id, expected a UUID", user);
}

/* Runs one of the changing statements. */
static bool change(struct cli *cli, const char *sql, const struct link_arguments *arguments, struct err *err)
{
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	CLEANUP(strbuf_done) struct strbuf missing = strbuf_of(LIMIT_NAME_BYTES);
	const char *user_id = arguments->user_id[0] != '\0' ? arguments->user_id : NULL;
	if (!known_connection_read(cli, &arguments->ref, &connection, err)) return false;
	strbuf_addf(&missing, "account '%s' is not linked on %s", arguments->account, connection.name);
	return cli_answer(cli, sql,
			  DB_PARAMS(connection.name, connection.instance_id, arguments->account, cli->who, user_id,
				    arguments->org_id),
			  strbuf_text(&missing), err);
}

bool cli_links_add(struct cli *cli, struct err *err)
{
	struct link_arguments arguments = {0};
	return take_account(cli, &arguments, err) && take_user(cli, &arguments, err) && cli_no_more(cli, err) &&
	       change(cli, sql_add, &arguments, err);
}

bool cli_links_remove(struct cli *cli, struct err *err)
{
	struct link_arguments arguments = {0};
	return take_account(cli, &arguments, err) && cli_no_more(cli, err) && change(cli, sql_remove, &arguments, err);
}

bool cli_links_list(struct cli *cli, struct err *err)
{
	static const struct cli_query query = {sql_list, list_names, ARRAY_LEN(list_names)};
	const char *name = cli_option(cli, "connection");
	struct connection_ref ref;
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	return (!name || connection_ref_parse(name, &ref, err)) && cli_no_more(cli, err) &&
	       (!name || known_connection_read(cli, &ref, &connection, err)) &&
	       cli_list(cli, &query, DB_PARAMS(db_value_id(connection.instance_id)), err);
}
