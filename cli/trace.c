/* Everything about one delivery or job on one screen: what arrived, who asked, what was started, what was answered. */

#include "cli/cli.h"
#include "common/base/text.h"
#include "common/base/uuid.h"
#include "common/domain/reason.h"

#include <stdio.h>

#include "common/base/banned.h"

/* Columns: delivery, its job (null: none): the parameters of the statements that print. */
static const char sql_by_uuid[] =
	"select x.delivery_id, x.job_id from ("
	" select 1 as rank, o.delivery_id, o.job_id, o.received_at as at from delivery_outcome o"
	"  where o.delivery_id = $1::uuid"
	" union all select 2, coalesce((j.record->>'delivery_id')::uuid, t.delivery_id), j.job_id, "
	"j.created_at"
	"  from job j left join trigger t on t.event_key = j.event_key"
	"  where j.job_id = $1::uuid or j.conversation_id = $1::uuid"
	") x where x.delivery_id is not null order by x.rank, x.at desc limit 1";

/* Of several deliveries of one ask, the one that won it. */
static const char sql_by_text[] = "select o.delivery_id, o.job_id from delivery_outcome o where "
				  "o.event_key = $1 or o.request_id = $1"
				  " order by o.verdict = 'TRIGGERED' desc, o.received_at limit 1";

static const char sql_json[] = "select json_build_object('delivery', (select row_to_json(x) from ("
			       " select o.delivery_id, o.received_at, o.provider || '/' || "
			       "o.connection_id as connection, o.event, o.event_key,"
			       " o.reason, o.source, o.job_id, o.verdict, o.detail, o.request_id, "
			       "o.subject, d.topic_partition, d.topic_offset,"
			       " d.body_sha256, d.traceparent, d.intake_at from delivery_outcome o"
			       " join delivery d on d.day = o.day and d.delivery_id = "
			       "o.delivery_id where o.delivery_id = $1::uuid limit 1) x),"
			       " 'trigger', (select row_to_json(x) from ("
			       " select t.event_key, t.kind, t.subject, t.state, t.outcome, "
			       "t.detail, t.user_id, t.org_id, t.job_id,"
			       " t.delivery_id, t.attempts, t.crashes, t.start_attempt, "
			       "t.answer_count, t.created_at, t.decided_at, t.sent_at,"
			       " t.next_attempt_at, t.ask - 'comment_text' as ask"
			       " from trigger t where t.event_key = (select max(trigger_key) from "
			       "delivery_outcome where delivery_id = $1::uuid)"
			       " ) x),"
			       " 'job', (select row_to_json(x) from ("
			       " select j.job_id, j.kind, j.event_key, j.start_attempt, j.state, "
			       "j.outcome, j.detail, j.user_id, j.org_id,"
			       " j.repository, j.git_provider, j.conversation_id, j.start_task_id, "
			       "j.attempts, j.crashes, j.next_attempt_at,"
			       " j.lease_owner, j.lease_until, j.created_at, j.updated_at, "
			       "j.ended_at from job j where j.job_id = $2::uuid) x),"
			       " 'effects', coalesce((select json_agg(row_to_json(x)) from ("
			       " select e.kind, e.seq, e.state, e.remote_id, e.detail, e.attempts, "
			       "e.misses, e.created_at, e.updated_at"
			       " from effect e where e.job_id = $2::uuid order by e.created_at, "
			       "e.kind, e.seq) x), '[]'::json),"
			       " 'steps', coalesce((select json_agg(row_to_json(x)) from ("
			       " select s.at, s.state, s.reason, s.detail from job_step s where "
			       "s.job_id = $2::uuid order by s.id) x), '[]'::json))";

/* The lines of the head, name and value; what is not known is left out. */
#define HEAD                                                                                                          \
	"with o as (select * from delivery_outcome where delivery_id = $1::uuid limit 1),"                            \
	" t as (select * from trigger where event_key = (select trigger_key from o)),"                                \
	" j as (select * from job where job_id = $2::uuid)"                                                           \
	" select 1 as part, row_number() over (order by rank) as n, format('%-12s  %s', name, value) as line from ("  \
	" select 1 as rank, 'delivery' as name, o.delivery_id || '  ' || o.provider || '/' || o.connection_id as "    \
	"value"                                                                                                       \
	"  from o"                                                                                                    \
	" union all select 2, 'event', o.event || coalesce('  ' || o.event_key, '') from o"                           \
	" union all select 3, 'asked by', concat_ws('  ', coalesce(t.ask->'actor'->>'name', t.ask->'actor'->>'key')," \
	"  'as OpenHands user ' || t.user_id, 'org ' || t.org_id) from t"                                             \
	" union all select 4, 'about', concat_ws(' ', t.kind, t.ask->>'comment_id', 'on', t.ask->>'issue_key',"       \
	"  t.ask->>'project_key' || '/' || (t.ask->>'repo_slug'), 'pull request ' || (t.ask->>'pull_request_id')) "   \
	"from t"                                                                                                      \
	" union all select 5, 'job', concat_ws('  ', j.job_id, j.kind, j.state) from j"                               \
	" union all select 6, 'repository', j.repository from j"                                                      \
	" union all select 7, 'conversation', j.conversation_id::text from j"                                         \
	" ) x where value is not null"

/* Time of day, seconds since the receipt, who, what; over all jobs of the ask. Of equal times the order of the path decides. */
#define TIMELINE                                                                                                       \
	"with d as (select * from delivery where delivery_id = $1::uuid limit 1),"                                     \
	" t as (select * from trigger where event_key = (select max(trigger_key) from delivery_outcome"                \
	"  where delivery_id = $1::uuid)),"                                                                            \
	" j as (select * from job where job_id = $2::uuid or event_key = (select event_key from t))"                   \
	" select 3, row_number() over (order by at, rank, seq), format('%s  %9s s  %-10s  %s',"                        \
	"  to_char(at at time zone 'UTC', 'HH24:MI:SS.MS'),"                                                           \
	"  to_char(extract(epoch from at - (select received_at from d)), 'FM9999999990.000'), who, what) from ("       \
	" select received_at as at, 1 as rank, 0::bigint as seq, 'ingress' as who,"                                    \
	"  concat_ws('  ', 'received', event, 'from ' || source, 'request ' || request_id) as what from d"             \
	" union all select intake_at, 2, 0, 'linker', concat_ws('  ', 'read', verdict, detail) from d"                 \
	" union all select decided_at, 3, 0, 'ask', concat_ws('  ', 'decided', coalesce(outcome, 'user ' || user_id)," \
	"  detail) from t"                                                                                             \
	" union all select sent_at, 4, 0, 'linker', 'job record on its way' from t"                                    \
	" union all select created_at, 5, 0, 'dispatcher', concat_ws('  ', 'job', job_id, kind) from j"                \
	" union all select s.at, 6, s.id, 'dispatcher', concat_ws('  ', s.state, s.reason, s.detail)"                  \
	"  from job_step s join j using (job_id)"                                                                      \
	" union all select e.updated_at, 7, e.seq, 'dispatcher', concat_ws('  ', e.kind, e.state, e.remote_id, "       \
	"e.detail)"                                                                                                    \
	"  from effect e join j using (job_id)"                                                                        \
	" ) x where at is not null"

/* The last line is the reason. */
static const char sql_lines[] = "select line from (select * from (" HEAD ") h union all select 2, 1, ''"
				" union all select * from (" TIMELINE
				") l union all select 4, 1, coalesce((select reason"
				" from delivery_outcome where delivery_id = $1::uuid limit 1), '')) x order by part, n";

/* By what is most likely first: an id of ours, then the sender's request id or an event key. */
static bool find(struct cli *cli, const char *text, struct db_rows *ret, struct err *err)
{
	struct uuid id;
	const struct db_params *params = DB_PARAMS(text);
	if (uuid_parse(text, &id)) {
		if (!cli_query(cli, sql_by_uuid, params, ret, err) || ret->count > 0) return ret->count > 0;
		db_rows_done(ret);
	}
	if (!cli_query(cli, sql_by_text, params, ret, err)) return false;
	return ret->count > 0 ||
	       err_set(err, ERR_NOT_FOUND, "no delivery, job, event key or request id is '%.200s'", text);
}

static bool print_text(struct cli *cli, const struct db_params *params, struct err *err)
{
	enum reason reason;
	CLEANUP(db_rows_done) struct db_rows lines = {0};
	if (!cli_query(cli, sql_lines, params, &lines, err)) return false;
	for (int row = 0; row + 1 < lines.count; row++)
		puts(db_text(&lines, row, 0));
	const char *name = db_text(&lines, lines.count - 1, 0);
	bool is_known = reason_parse(name, &reason);
	printf("\n%s%s%s\n", name, is_known ? ": " : "", is_known ? reason_help(reason) : "");
	return true;
}

bool cli_trace(struct cli *cli, struct err *err)
{
	const char *text = cli_positional(cli);
	CLEANUP(db_rows_done) struct db_rows found = {0};
	if (text_is_empty(text))
		return err_set(err, ERR_INPUT, "no id given, expected one of a delivery, a job, an event or a request");
	if (!cli_no_more(cli, err) || !find(cli, text, &found, err)) return false;
	const struct db_params *params = DB_PARAMS(db_text(&found, 0, 0), db_text_or_null(&found, 0, 1));
	return cli->is_json ? cli_answer(cli, sql_json, params, "", err) : print_text(cli, params, err);
}
