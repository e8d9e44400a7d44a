/* What arrived, and why it ended as it did. */

#include "cli/known_connection.h"
#include "common/base/number.h"
#include "common/base/uuid.h"

#include <stdio.h>

#include "common/base/banned.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 10000 };

#define COLUMNS                                                                             \
	"o.delivery_id, to_char(o.received_at at time zone 'UTC', "                         \
	"'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"                                             \
	" o.provider || '/' || o.connection_id, o.event, o.event_key, o.reason, o.source, " \
	"o.job_id"

static const char sql_list[] = "select " COLUMNS " from delivery_outcome o"
			       " where ($1::text is null or o.provider = $1) and ($2::bigint is "
			       "null or o.connection_id = $2)"
			       " order by o.received_at desc, o.delivery_id limit $3";

static const char sql_show[] = "select " COLUMNS
			       ", o.verdict, o.detail, o.request_id, o.subject, o.trigger_key, t.state, t.outcome,"
			       " t.detail, t.user_id, d.topic_partition, d.topic_offset, d.body_sha256"
			       " from delivery_outcome o join delivery d on d.day = o.day and d.delivery_id = "
			       "o.delivery_id"
			       " left join trigger t on t.event_key = o.trigger_key"
			       " where o.delivery_id = $1::uuid order by o.received_at limit 1";

/* The first LIST_COUNT are those of COLUMNS. */
static const char *const names[] = {
	"delivery_id",    "received_at", "connection",      "event",         "event_key",
	"reason",         "source",      "job_id",          "verdict",       "detail",
	"request_id",     "subject",     "trigger_key",     "trigger_state", "trigger_outcome",
	"trigger_detail", "user_id",     "topic_partition", "topic_offset",  "body_sha256",
};
enum { LIST_COUNT = 8 };

static bool list_arguments(struct cli *cli, struct db_params *ret, struct err *err)
{
	const char *limit = cli_option(cli, "limit");
	const char *name = cli_option(cli, "connection");
	struct connection_ref ref = {0};
	int64_t count = LIST_DEFAULT;
	if (limit && !number_parse(limit, 1, LIST_MAX, &count, err)) return err_wrap(err, "--limit");
	if (name && !connection_ref_parse(name, &ref, err)) return false;
	*ret = *DB_PARAMS(name ? provider_name(ref.provider) : NULL, db_value_id(ref.id), count);
	return cli_no_more(cli, err);
}

static const struct cli_query list_query = {sql_list, names, LIST_COUNT};
static const struct cli_query show_query = {sql_show, names, ARRAY_LEN(names)};

bool cli_deliveries_list(struct cli *cli, struct err *err)
{
	struct db_params params = {0};
	return list_arguments(cli, &params, err) && cli_list(cli, &list_query, &params, err);
}

bool cli_deliveries_show(struct cli *cli, struct err *err)
{
	const char *text = cli_positional(cli);
	char id[UUID_TEXT_SIZE];
	char missing[UUID_TEXT_SIZE + 32];
	if (!uuid_normalise(text, id))
		return err_set(err, ERR_INPUT, "'%s' is no delivery id, expected a UUID", text ? text : "");
	(void)snprintf(missing, sizeof(missing), "delivery %s is not there", id);
	return cli_no_more(cli, err) && cli_show(cli, &show_query, DB_PARAMS(id), missing, err);
}
