/* A small pool of connections, made when first needed. */
#include "common/io/db.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/io/db_connection.h"
#include "common/io/lock.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

/* Ends a statement at the server, unless the options say otherwise. */
enum { STATEMENT_TIMEOUT_DEFAULT_MS = 15000 };

bool db_pool_new(const struct db_options *options, struct db_pool **ret, struct err *err)
{
	if (options->size < 1 || options->size > DB_POOL_SIZE_MAX)
		return err_set(err, ERR_INPUT, "database pool size %zu is not in 1..%d", options->size, DB_POOL_SIZE_MAX);
	struct db_pool *pool = mem_zalloc(1, sizeof(*pool));
	sysclock_init_cond(&pool->returned);
	(void)pthread_mutex_init(&pool->mutex, NULL);
	pool->program = mem_dup(options->program ? options->program : "ohdc");
	pool->size = options->size;
	pool->statement_timeout_ms = options->statement_timeout_ms > 0 ? options->statement_timeout_ms
								       : STATEMENT_TIMEOUT_DEFAULT_MS;
	for (size_t i = 0; i < DB_POOL_SIZE_MAX; i++)
		pool->slots[i].pool = pool;
	if (!db_login_init(pool, options, err)) {
		db_pool_free(pool);
		return false;
	}
	*ret = pool;
	return true;
}

void db_pool_free(struct db_pool *pool)
{
	if (!pool) return;
	for (size_t i = 0; i < pool->size; i++) {
		assert(!pool->slots[i].is_lent);
		db_disconnect(&pool->slots[i]);
	}
	(void)pthread_cond_destroy(&pool->returned);
	(void)pthread_mutex_destroy(&pool->mutex);
	secret_done(&pool->login);
	MEM_FREE_ALL(pool->program, pool);
}

int64_t db_pool_generation(const struct db_pool *pool)
{
	return atomic_load(&pool->generation);
}

/* A free slot, a connected one first. */
static struct db *find_free(struct db_pool *pool)
{
	struct db *found = NULL;
	for (size_t i = 0; i < pool->size; i++) {
		struct db *slot = &pool->slots[i];
		if (!slot->is_lent && (!found || (!found->conn && slot->conn))) found = slot;
	}
	return found;
}

static struct db *take_slot(struct db_pool *pool, int64_t wait_ms)
{
	struct timespec deadline = sysclock_deadline(wait_ms > 0 ? wait_ms : 0);
	struct db *slot;
	LOCK_HOLD(&pool->mutex);

	while (!(slot = find_free(pool))) {
		if (pthread_cond_timedwait(&pool->returned, &pool->mutex, &deadline) != 0) break;
	}
	if (!slot) slot = find_free(pool);
	if (slot) slot->is_lent = true;
	return slot;
}

static void give_slot(struct db *db)
{
	LOCK_HOLD(&db->pool->mutex);
	db->is_lent = false;
	(void)pthread_cond_signal(&db->pool->returned);
}

bool db_borrow(struct db_pool *pool, int64_t wait_ms, struct db **ret, struct err *err)
{
	struct db *db = take_slot(pool, wait_ms);
	if (!db) return err_set(err, ERR_BUSY, "no free database connection");
	if (!db_is_alive(db)) {
		db_disconnect(db);
		if (!db_connect(db, err)) {
			give_slot(db);
			return false;
		}
	}
	*ret = db;
	return true;
}

void db_return(struct db **db)
{
	if (!db || !*db) return;
	db_reset(*db);
	give_slot(*db);
	*db = NULL;
}

bool db_query(struct db_pool *pool, const char *sql, const struct db_params *params, struct db_rows *ret, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(pool, pool->statement_timeout_ms, &db, err) && db_run(db, sql, params, ret, err);
}
