/* SQL of the ledger. */

#include "services/dispatcher/effect_store.h"

#include <stdio.h>

#include "common/base/banned.h"

#define NOW_MS "(extract(epoch from clock_timestamp()) * 1000)::bigint"

/*
 * Both are fenced: without the lease nothing is read or written. The lock on the job makes a claim that comes at the same
 * moment wait, so that nobody's last write can follow the next owner's first.
 */
static const char sql_open[] =
	"insert into effect (job_id, kind, state, epoch) select job_id, $3, 'intent', $2 from job"
	" where job_id = $1 and epoch = $2 for key share"
	" on conflict (job_id, kind, seq) do update set epoch = excluded.epoch"
	" returning state, attempts, misses, coalesce((extract(epoch from attempting_until) * "
	"1000)::bigint, 0),"
	" coalesce((extract(epoch from probe_at) * 1000)::bigint, 0), coalesce(remote_id, "
	"''), " NOW_MS;

static const char sql_save[] = "update effect e set state = $4, attempts = $5, misses = $6,"
			       " attempting_until = to_timestamp($7::bigint / 1000.0), probe_at = "
			       "to_timestamp($8::bigint / 1000.0),"
			       " remote_id = nullif($9, ''), detail = coalesce($10, e.detail), "
			       "updated_at = clock_timestamp()"
			       " from (select job_id from job where job_id = $1 and epoch = $2 "
			       "for key share) j"
			       " where e.job_id = j.job_id and e.kind = $3 and e.seq = 0"
			       " returning " NOW_MS;

static const char sql_may_guide[] =
	"insert into guidance_given (subject, account_key, reason, given_at, job_id)"
	" values ($1, $2, $3, clock_timestamp(), $4)"
	" on conflict (subject, account_key, reason) do update set given_at = excluded.given_at, "
	"job_id = excluded.job_id"
	" where guidance_given.job_id = excluded.job_id"
	" or guidance_given.given_at < clock_timestamp() - interval '1 hour' returning 1";

static bool lease_lost(const struct effect_place *place, struct err *err)
{
	return err_set(err, ERR_CONFLICT, "job '%s': the lease went to somebody else", place->job_id);
}

bool effect_store_open(struct db_pool *pool, const struct effect_place *place, struct effect_row *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_open, DB_PARAMS(place->job_id, place->epoch, effect_kind_name(place->kind)), &rows, err))
		return err_wrap(err, "ledger");
	if (rows.count == 0) return lease_lost(place, err);

	struct effect_row row = {.effect.kind = place->kind};
	if (!effect_state_parse(db_text(&rows, 0, 0), &row.effect.state))
		return err_set(err, ERR_INTERNAL, "ledger: unknown state '%s'", db_text(&rows, 0, 0));
	row.effect.attempts = db_int(&rows, 0, 1);
	row.effect.misses = db_int(&rows, 0, 2);
	row.effect.attempting_until_ms = db_int(&rows, 0, 3);
	row.effect.probe_at_ms = db_int(&rows, 0, 4);
	(void)snprintf(row.remote_id, sizeof(row.remote_id), "%s", db_text(&rows, 0, 5));
	row.now_ms = db_int(&rows, 0, 6);
	*ret = row;
	return true;
}

bool effect_store_save(struct db_pool *pool, const struct effect_place *place, struct effect_row *row,
		       const char *detail, struct err *err)
{
	const struct effect *effect = &row->effect;
	const struct db_params *params = DB_PARAMS(place->job_id, place->epoch, effect_kind_name(place->kind),
						   effect_state_name(effect->state), effect->attempts, effect->misses,
						   effect->attempting_until_ms, effect->probe_at_ms, row->remote_id,
						   detail);
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_save, params, &rows, err)) return err_wrap(err, "ledger");
	if (rows.count == 0) return lease_lost(place, err);
	row->now_ms = db_int(&rows, 0, 0);
	return true;
}

bool effect_store_may_guide(struct db_pool *pool, const char *subject, const char *account_key, const char *reason,
			    const char *job_id, bool *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(pool, sql_may_guide, DB_PARAMS(subject, account_key, reason, job_id), &rows, err))
		return err_wrap(err, "guidance");
	*ret = rows.count > 0;
	return true;
}
