/* Reads which connection a verb is about. */

#include "cli/known_connection.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

static const char sql_connection[] =
	"select c.instance_id, i.base_url, c.project_key, c.repo_slug, coalesce(c.repo_id, 0)"
	" from connection c join instance i on i.id = c.instance_id where c.provider = $1 and c.id "
	"= $2";

void known_connection_done(struct known_connection *connection)
{
	if (!connection) return;
	MEM_FREE_ALL(connection->base_url, connection->project_key, connection->repo_slug);
	*connection = (struct known_connection){0};
}

bool known_connection_option(struct cli *cli, struct connection_ref *ret, struct err *err)
{
	const char *text = NULL;
	return cli_need(cli, "connection", &text, err) && connection_ref_parse(text, ret, err);
}

bool known_connection_positional(struct cli *cli, struct connection_ref *ret, struct err *err)
{
	const char *text = cli_positional(cli);
	if (!text) return err_set(err, ERR_INPUT, "no connection given, expected one like jira/7");
	return connection_ref_parse(text, ret, err);
}

bool known_connection_read(struct cli *cli, const struct connection_ref *ref, struct known_connection *ret,
			   struct err *err)
{
	struct known_connection found = {.ref = *ref};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	connection_ref_text(ref, found.name);
	if (!cli_query(cli, sql_connection, DB_PARAMS(provider_name(ref->provider), ref->id), &rows, err)) return false;
	if (rows.count == 0) return err_set(err, ERR_NOT_FOUND, "connection %s is not there", found.name);
	found.instance_id = db_int(&rows, 0, 0);
	found.base_url = db_copy(&rows, 0, 1);
	found.project_key = db_copy(&rows, 0, 2);
	found.repo_slug = db_copy(&rows, 0, 3);
	found.repo_id = db_int(&rows, 0, 4);
	*ret = found;
	return true;
}
