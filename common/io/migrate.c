/* Applies the embedded migrations, each in one transaction with its row in schema_migration. */
#include "common/io/migrate.h"

#include <stdio.h>
#include <string.h>

#include "common/base/crypto.h"
#include "common/base/encode.h"

#include "common/base/banned.h"

enum { BORROW_WAIT_MS = 15000, ATTEMPTS = 5 };

static const char HAS_TABLE_SQL[] = "SELECT to_regclass('schema_migration') IS NOT NULL";

static const char LIST_SQL[] = "SELECT name, sha256 FROM schema_migration ORDER BY name";

static const char RECORD_SQL[] = "INSERT INTO schema_migration (name, sha256)"
				 " VALUES ($1, encode(sha256(convert_to($2, 'UTF8')), 'hex'))";

/*
 * One migrator at a time; the lock goes with the transaction. A migration may take long, and so may
 * waiting for another one.
 */
static const char LOCK_SQL[] = "SET LOCAL statement_timeout = 0;"
			       "SELECT pg_advisory_xact_lock(7305790243516834917);"
			       "CREATE TABLE IF NOT EXISTS schema_migration ("
			       " name text PRIMARY KEY,"
			       " sha256 text NOT NULL,"
			       " applied_at timestamptz NOT NULL DEFAULT now());";

static const char ROLES_SQL[] = "SELECT set_config('ohdc.roles', $1, true)";

/* --- what is there ------------------------------------------------------------------------------ */

/* Rows of schema_migration; none when the table does not exist yet. */
static bool read_applied(struct db *db, struct db_rows *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows table = {0};
	if (!db_run(db, HAS_TABLE_SQL, NULL, &table, err)) return false;
	if (!db_bool(&table, 0, 0)) return true;
	return db_run(db, LIST_SQL, NULL, ret, err);
}

static const char *find_digest(const struct db_rows *applied, const char *name)
{
	for (int row = 0; row < applied->count; row++) {
		if (strcmp(db_text(applied, row, 0), name) == 0) return db_text(applied, row, 1);
	}
	return NULL;
}

/* Whether a file was applied; ERR_CONFLICT: with another text. */
static bool look_up(const struct db_rows *applied, const struct migration_file *file, bool *ret, struct err *err)
{
	const char *found = find_digest(applied, file->name);
	char digest[CRYPTO_DIGEST_TEXT_SIZE];
	crypto_sha256_text(bytes_text(file->sql), digest);
	*ret = found;
	return !found || strcmp(found, digest) == 0 ||
	       err_set(err, ERR_CONFLICT, "migration '%s' was applied with another text", file->name);
}

/* An applied file is history: it may not change, and nothing may be put in before it. */
static bool compare(const struct migration_set *set, const struct db_rows *applied, struct migration_state *ret,
		    struct err *err)
{
	const char *missing = NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct migration_file *file = &set->files[i];
		bool found;
		if (!look_up(applied, file, &found, err)) return false;
		if (found && missing)
			return err_set(err, ERR_CONFLICT, "migration '%s' is missing, though '%s' was applied", missing,
				       file->name);
		missing = found ? missing : file->name;
		ret[i] = (struct migration_state){.name = file->name, .was_applied = found};
	}
	return true;
}

/* A newer program's files stand behind all of ours: it may go back to this one, and nothing is put in before them. */
static bool read_state(const struct migration_set *set, struct db *db, struct migration_state *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows applied = {0};
	int known = 0;
	if (!read_applied(db, &applied, err) || !compare(set, &applied, ret, err)) return false;
	for (size_t i = 0; i < set->count; i++)
		known += ret[i].was_applied;
	return applied.count == known || known == (int)set->count ||
	       err_set(err, ERR_CONFLICT, "migration '%s' is missing, though '%s' was applied", ret[known].name,
		       db_text(&applied, applied.count - 1, 0));
}

/* --- applying ----------------------------------------------------------------------------------- */

/* Looked up again under the lock: another migrator may have been at work meanwhile. */
static bool apply_locked(struct db *db, const struct migration_file *file, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows applied = {0};
	if (!db_script(db, LOCK_SQL, err) || !read_applied(db, &applied, err)) return false;
	if (find_digest(&applied, file->name)) return true;
	return db_script(db, file->sql, err) && db_run(db, RECORD_SQL, DB_PARAMS(file->name, file->sql), NULL, err);
}

static bool try_file(struct db_pool *pool, const struct migration_file *file, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(pool, BORROW_WAIT_MS, &db, err) && db_begin(db, err) && apply_locked(db, file, err) &&
	       db_commit(db, err);
}

/* Services are at work meanwhile: a deadlock with one of them undoes all of it, so that it may begin again. */
static bool apply_file(struct db_pool *pool, const struct migration_file *file, struct err *err)
{
	struct err failure = {.code = ERR_CONFLICT};
	for (int i = 0; i < ATTEMPTS && failure.code == ERR_CONFLICT; i++) {
		failure = (struct err){0};
		if (try_file(pool, file, &failure)) return true;
	}
	if (err) *err = failure;
	return err_wrap(err, "migration '%s'", file->name);
}

bool migrate_run(const struct migration_set *set, struct db_pool *pool, bool apply, struct migration_state *ret,
		 struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	if (!db_borrow(pool, BORROW_WAIT_MS, &db, err) || !read_state(set, db, ret, err)) return false;
	db_return(&db);
	for (size_t i = 0; apply && i < set->count; i++) {
		if (!ret[i].was_applied && !apply_file(pool, &set->files[i], err)) return false;
	}
	return true;
}

bool migrate_grant(struct db_pool *pool, const char *roles, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return db_borrow(pool, BORROW_WAIT_MS, &db, err) && db_begin(db, err) &&
	       db_run(db, ROLES_SQL, DB_PARAMS(roles), NULL, err) && db_script(db, migration_grants, err) &&
	       db_commit(db, err);
}

bool migrate_check(const struct migration_set *set, struct db_pool *pool, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(db_rows_done) struct db_rows applied = {0};
	if (!db_borrow(pool, BORROW_WAIT_MS, &db, err) || !read_applied(db, &applied, err)) return false;
	for (size_t i = 0; i < set->count; i++) {
		bool found;
		if (!look_up(&applied, &set->files[i], &found, err)) return false;
		if (!found) return err_set(err, ERR_CONFLICT, "migration '%s' is not applied", set->files[i].name);
	}
	return true;
}
