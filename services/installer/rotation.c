/* Promotes and ends webhook secrets by what deliveries were verified with. */

#include "services/installer/rotation.h"

#include "common/base/mem.h"
#include "common/io/log.h"

#include <malloc.h>
#include <pthread.h>

#include "common/base/banned.h"

enum { PAUSE_MS = 5000, BORROW_MS = 5000, WARNING_GAP_MS = 60000 };

static const char sql_lock[] = "select pg_try_advisory_xact_lock(7305803)";

#define SEEN(secret, since)                                                                    \
	"exists (select from delivery d where d.provider = c.provider and d.connection_id = "  \
	"c.id and d.received_at > " since " and d.day >= (" since " at time zone 'UTC')::date" \
	" and d.secret_used = '" secret "')"

#define AUDITED(action)                                                              \
	" returning c.provider, c.id) select audit_write('ohdc-installer', '" action \
	"', provider || '/' || id, '{}') from changed"

static const char sql_promote[] = "with changed as (update connection c set secret_previous_sealed = secret_sealed,"
				  " secret_sealed = secret_next_sealed, secret_next_sealed = null, next_at = null,"
				  " rotated_at = now(), previous_until = null, updated_at = now()"
				  " where c.secret_next_sealed is not null and " SEEN("next", "c.next_at")
					  AUDITED("connection.secret_promoted");

/* The minute: an ingress may still have called the former secret the current one. */
static const char sql_note[] = "update connection c set previous_until = now() + interval '1 hour'"
			       " where c.secret_previous_sealed is not null and c.secret_next_sealed is null"
			       " and c.previous_until is null and " SEEN("current",
									 "(c.rotated_at + interval '1 minute')");

static const char sql_end[] = "with changed as (update connection c set secret_previous_sealed = null,"
			      " previous_until = null where c.secret_previous_sealed is not null"
			      " and c.secret_next_sealed is null and c.previous_until < now()" AUDITED(
				      "connection.secret_ended");

struct rotation {
	struct db_pool *pool;
	struct daemon *daemon;
	struct log_gap failed;
	pthread_t thread;
};

bool rotation_look(struct db_pool *pool, int *ret_changes, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows lock = {0};
	CLEANUP(db_rows_done) struct db_rows promoted = {0};
	CLEANUP(db_rows_done) struct db_rows ended = {0};
	if (!db_borrow(pool, BORROW_MS, &db, err) || !db_begin(db, err) || !db_run(db, sql_lock, NULL, &lock, err))
		return false;
	bool is_mine = db_bool(&lock, 0, 0);
	if (is_mine && (!db_run(db, sql_promote, NULL, &promoted, err) || !db_run(db, sql_note, NULL, NULL, err) ||
			!db_run(db, sql_end, NULL, &ended, err)))
		return false;
	*ret_changes = promoted.count + ended.count;
	return db_commit(db, err);
}

static void *run(void *context)
{
	struct rotation *rotation = context;
	while (!daemon_pause(rotation->daemon, PAUSE_MS)) {
		struct err err = {0};
		int changes = 0;
		/* Lists of 40,000 repositories came and went meanwhile: what they left goes back to the system. */
		(void)malloc_trim(0);
		if (!rotation_look(rotation->pool, &changes, &err)) {
			if (log_gap_passed(&rotation->failed, WARNING_GAP_MS))
				log_err("webhook secrets stay as they are", &err);
		} else if (changes > 0) {
			LOG_INFO("webhook secrets were promoted or ended", LOG_INT("count", changes));
		}
	}
	return NULL;
}

bool rotation_new(struct db_pool *pool, struct daemon *daemon, struct rotation **ret, struct err *err)
{
	struct rotation *rotation = mem_zalloc(1, sizeof(*rotation));
	rotation->pool = pool;
	rotation->daemon = daemon;
	if (pthread_create(&rotation->thread, NULL, run, rotation) != 0) {
		mem_free(rotation);
		return err_set(err, ERR_BUSY, "no thread to look after webhook secrets");
	}
	*ret = rotation;
	return true;
}

void rotation_free(struct rotation *rotation)
{
	if (!rotation) return;
	(void)pthread_join(rotation->thread, NULL);
	mem_free(rotation);
}
