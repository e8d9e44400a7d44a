/* Shows connections, and pauses and resumes them. Sealed columns are never selected. */

#include "cli/known_connection.h"
#include "common/base/json_field.h"

#include <string.h>

#include "common/base/banned.h"

#define TIME_OF(column) "to_char(" column " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
#define LIST_COLUMNS                                                                            \
	"c.provider || '/' || c.id, c.status, i.base_url, c.project_key || '/' || c.repo_slug," \
	" coalesce(i.bot_name, i.bot_key, i.bot_email), c.org_id, " TIME_OF("c.activated_at")

static const char sql_list[] = "select " LIST_COLUMNS " from connection c join instance i on i.id = c.instance_id"
			       " order by c.provider desc, c.id";

static const char
	sql_show[] =
		"select " LIST_COLUMNS ", c.repo_id, i.bot_id, i.bot_key, i.bot_email, " TIME_OF(
			"i.bot_checked_at") ","
					    " c.bot_token_sealed is not null, c.hook_id, "
					    "c.owner_user_id, " TIME_OF("c.created_at") ","
											" (select " TIME_OF(
												"max(d.received_at)") " from delivery d"
														      "   where d.provider = c.provider and d.connection_id = c.id)"
														      " from connection c join instance i on i.id = c.instance_id where c.provider = $1 and c.id = $2";

static const char sql_set_status[] = "update connection set status = $3, updated_at = now(),"
				     " activated_at = case when $3 = 'active' then coalesce(activated_at, now()) else "
				     "activated_at end"
				     " where provider = $1 and id = $2 and status <> $3 returning id";

/* The first LIST_COUNT are those of LIST_COLUMNS. */
static const char *const names[] = {
	"connection", "status",           "base_url",          "repository", "bot",
	"org_id",     "activated_at",     "repo_id",           "bot_id",     "bot_key",
	"bot_email",  "bot_checked_at",   "has_own_bot_token", "hook_id",    "owner_user_id",
	"created_at", "last_delivery_at",
};
enum { LIST_COUNT = 7 };

int cli_connections_list(struct cli *cli)
{
	struct err err = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!cli_no_more(cli, &err)) return cli_usage(&err);
	if (!cli_database(cli, &err) || !db_query(cli->pool, sql_list, NULL, &rows, &err)) return cli_fail(cli, &err);
	cli_print_list(cli, &rows, names, LIST_COUNT);
	return CLI_DONE;
}

static bool take_ref(struct cli *cli, struct connection_ref *ret, struct err *err)
{
	return known_connection_positional(cli, ret, err) && cli_no_more(cli, err);
}

int cli_connections_show(struct cli *cli)
{
	struct err err = {0};
	struct connection_ref ref;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!take_ref(cli, &ref, &err)) return cli_usage(&err);
	if (!cli_database(cli, &err) ||
	    !db_query(cli->pool, sql_show, DB_PARAMS(provider_name(ref.provider), ref.id), &rows, &err))
		return cli_fail(cli, &err);
	if (rows.count == 0) {
		err_set(&err, ERR_NOT_FOUND, "connection %s/%lld is not there", provider_name(ref.provider),
			(long long)ref.id);
		return cli_fail(cli, &err);
	}
	cli_print_row(cli, &rows, names, ARRAY_LEN(names));
	return CLI_DONE;
}

/* Status and audit row together; the services hear of it from the table's trigger. */
static bool set_status(struct cli *cli, const struct known_connection *connection, const char *status,
		       bool *ret_is_changed, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	const struct connection_ref *ref = &connection->ref;
	if (!cli_begin(cli, &db, err) ||
	    !db_run(db, sql_set_status, DB_PARAMS(provider_name(ref->provider), ref->id, status), &rows, err))
		return false;
	*ret_is_changed = rows.count > 0;
	return cli_audit(cli, db, "connection.status", connection->name, json_pack("{s:s}", "status", status), err) &&
	       db_commit(db, err);
}

static int change_status(struct cli *cli, const char *status)
{
	struct err err = {0};
	struct connection_ref ref;
	CLEANUP(known_connection_done) struct known_connection connection = {0};
	bool is_changed = false;
	if (!take_ref(cli, &ref, &err)) return cli_usage(&err);
	if (!known_connection_read(cli, &ref, &connection, &err) ||
	    !set_status(cli, &connection, status, &is_changed, &err))
		return cli_fail(cli, &err);
	json_auto_t *done = json_object();
	json_put_text(done, "connection", connection.name);
	json_put_text(done, "status", status);
	json_object_set_new(done, "was_changed", json_boolean(is_changed));
	cli_print_object(cli, done);
	return CLI_DONE;
}

int cli_connections_pause(struct cli *cli)
{
	return change_status(cli, "paused");
}

int cli_connections_resume(struct cli *cli)
{
	return change_status(cli, "active");
}
