/* Says which account on a Jira or Bitbucket server is which user of OpenHands. */

#include "cli/known_connection.h"
#include "common/base/json_field.h"
#include "common/base/text.h"
#include "common/base/uuid.h"

#include <string.h>

#include "common/base/banned.h"

static const char sql_list[] = "select i.provider, i.base_url, l.account_key, l.account_name, l.user_id, l.org_id, "
			       "l.method, l.status,"
			       " to_char(l.updated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
			       " from user_link l join instance i on i.id = l.instance_id"
			       " where $1::bigint is null or l.instance_id = $1 order by i.provider desc, i.base_url, "
			       "l.account_key";

static const char *const list_names[] = {"provider", "base_url", "account_key", "account_name", "user_id",
					 "org_id",   "method",   "status",      "updated_at"};

static const char sql_put[] = "insert into user_link (instance_id, account_key, user_id, org_id, method)"
			      " values ($1, $2, $3, $4, 'operator') on conflict (instance_id, account_key) do update"
			      " set user_id = excluded.user_id, org_id = excluded.org_id, method = excluded.method,"
			      " tokens_sealed = case when user_link.user_id = excluded.user_id then "
			      "user_link.tokens_sealed end,"
			      " status = 'active', updated_at = clock_timestamp()";

/* What was refused only because nobody knew the asker is decided again; the linker does the same for links of others. */
static const char sql_reopen[] =
	"update trigger set state = 'NEW', outcome = null, detail = 'the account was linked', "
	"attempts = 0, crashes = 0,"
	" next_attempt_at = now(), opened_at = now()"
	" where instance_id = $1 and state = 'REFUSED' and outcome in ('USER_NOT_LINKED', "
	"'USER_UNKNOWN')"
	" and decided_at > now() - interval '24 hours'"
	" and (ask->'actor'->>'key' = $2 or provider = 'bitbucket' and ask->'actor'->>'id' = $2)"
	" returning event_key";

static const char sql_remove[] = "delete from user_link where instance_id = $1 and account_key = $2 returning user_id";

/* What a changing verb was told. */
struct link_arguments {
	struct connection_ref ref;
	const char *account;
	char user_id[UUID_TEXT_SIZE];
	const char *org_id; /* NULL: none */
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
	struct uuid id;
	if (!cli_need(cli, "user", &user, err)) return false;
	if (!uuid_parse(user, &id)) return err_set(err, ERR_INPUT, "--user '%s' is no user id, expected a UUID", user);
	uuid_text(&id, ret->user_id);
	ret->org_id = cli_option(cli, "org");
	return true;
}

static json_t *describe(const struct link_arguments *arguments, const struct known_connection *connection)
{
	json_t *object = json_object();
	json_put_text(object, "connection", connection->name);
	json_put_text(object, "account_key", arguments->account);
	if (arguments->user_id[0] != '\0') json_put_text(object, "user_id", arguments->user_id);
	json_put_text(object, "org_id", arguments->org_id);
	return object;
}

static bool add(struct cli *cli, const struct link_arguments *arguments, const struct known_connection *connection,
		int *ret_reopened, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!cli_begin(cli, &db, err) ||
	    !db_run(db, sql_put,
		    DB_PARAMS(connection->instance_id, arguments->account, arguments->user_id, arguments->org_id), NULL,
		    err) ||
	    !db_run(db, sql_reopen, DB_PARAMS(connection->instance_id, arguments->account), &rows, err) ||
	    !cli_audit(cli, db, "link.add", connection->name, describe(arguments, connection), err))
		return false;
	*ret_reopened = rows.count;
	return db_commit(db, err);
}

int cli_links_add(struct cli *cli)
{
	struct err err = {0};
	struct link_arguments arguments = {0};
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	int reopened = 0;
	if (!take_account(cli, &arguments, &err) || !take_user(cli, &arguments, &err) || !cli_no_more(cli, &err))
		return cli_usage(&err);
	if (!known_connection_read(cli, &arguments.ref, &connection, &err) ||
	    !add(cli, &arguments, &connection, &reopened, &err))
		return cli_fail(cli, &err);
	json_auto_t *done = describe(&arguments, &connection);
	json_put_int(done, "asks_decided_again", reopened);
	cli_print_object(cli, done);
	return CLI_DONE;
}

static bool remove_link(struct cli *cli, const struct link_arguments *arguments,
			const struct known_connection *connection, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!cli_begin(cli, &db, err) ||
	    !db_run(db, sql_remove, DB_PARAMS(connection->instance_id, arguments->account), &rows, err))
		return false;
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "account '%s' is not linked on %s", arguments->account,
			       connection->name);
	return cli_audit(cli, db, "link.remove", connection->name, describe(arguments, connection), err) &&
	       db_commit(db, err);
}

int cli_links_remove(struct cli *cli)
{
	struct err err = {0};
	struct link_arguments arguments = {0};
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	if (!take_account(cli, &arguments, &err) || !cli_no_more(cli, &err)) return cli_usage(&err);
	if (!known_connection_read(cli, &arguments.ref, &connection, &err) ||
	    !remove_link(cli, &arguments, &connection, &err))
		return cli_fail(cli, &err);
	json_auto_t *done = describe(&arguments, &connection);
	cli_print_object(cli, done);
	return CLI_DONE;
}

int cli_links_list(struct cli *cli)
{
	struct err err = {0};
	const char *name = cli_option(cli, "connection");
	struct connection_ref ref;
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if ((name && !connection_ref_parse(name, &ref, &err)) || !cli_no_more(cli, &err)) return cli_usage(&err);
	if (name && !known_connection_read(cli, &ref, &connection, &err)) return cli_fail(cli, &err);
	if (!cli_database(cli, &err) ||
	    !db_query(cli->pool, sql_list, DB_PARAMS(db_value_id(connection.instance_id)), &rows, &err))
		return cli_fail(cli, &err);
	cli_print_list(cli, &rows, list_names, ARRAY_LEN(list_names));
	return CLI_DONE;
}
