/* Shows connections, and pauses and resumes them. Sealed columns are never selected. */

#include "cli/known_connection.h"

#include <stdio.h>

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

/* Status and audit row together; the services hear of it from the table's trigger. */
static const char sql_set_status[] =
	"with changed as (update connection set status = $3, updated_at = now(),"
	" activated_at = case when $3 = 'active' then coalesce(activated_at, now()) else activated_at end"
	" where provider = $1 and id = $2 and status <> $3 returning id)"
	" select json_build_object('connection', $5::text, 'status', $3, 'was_changed', exists (select from changed)),"
	" audit_write($4, 'connection.status', $5, jsonb_build_object('status', $3))"
	" from connection where provider = $1 and id = $2";

/* The first LIST_COUNT are those of LIST_COLUMNS. */
static const char *const names[] = {
	"connection", "status",           "base_url",          "repository", "bot",
	"org_id",     "activated_at",     "repo_id",           "bot_id",     "bot_key",
	"bot_email",  "bot_checked_at",   "has_own_bot_token", "hook_id",    "owner_user_id",
	"created_at", "last_delivery_at",
};
enum { LIST_COUNT = 7 };

static const struct cli_query list_query = {sql_list, names, LIST_COUNT};
static const struct cli_query show_query = {sql_show, names, ARRAY_LEN(names)};

bool cli_connections_list(struct cli *cli, struct err *err)
{
	return cli_no_more(cli, err) && cli_list(cli, &list_query, NULL, err);
}

/* Takes CONNECTION, runs a statement about it (`status` NULL: prints its row). */
static bool about(struct cli *cli, const char *status, struct err *err)
{
	struct connection_ref ref;
	char name[CONNECTION_REF_SIZE];
	char missing[CONNECTION_REF_SIZE + 32];
	if (!known_connection_positional(cli, &ref, err) || !cli_no_more(cli, err)) return false;
	connection_ref_text(&ref, name);
	(void)snprintf(missing, sizeof(missing), "connection %s is not there", name);
	if (!status) return cli_show(cli, &show_query, DB_PARAMS(provider_name(ref.provider), ref.id), missing, err);
	return cli_answer(cli, sql_set_status, DB_PARAMS(provider_name(ref.provider), ref.id, status, cli->who, name),
			  missing, err);
}

bool cli_connections_show(struct cli *cli, struct err *err)
{
	return about(cli, NULL, err);
}

bool cli_connections_pause(struct cli *cli, struct err *err)
{
	return about(cli, "paused", err);
}

bool cli_connections_resume(struct cli *cli, struct err *err)
{
	return about(cli, "active", err);
}
