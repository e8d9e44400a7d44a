#ifndef OHDC_IO_MIGRATE_H
#define OHDC_IO_MIGRATE_H

/* Bring the schema to the version this program knows: forward only, under an advisory lock, one transaction a file. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stddef.h>

/** One file of db/migrations, embedded by the build in the order of the names. */
struct migration_file {
	const char *name; /**< "0001_start.sql" */
	const char *sql;
};

/** The embedded files (generated). */
extern const struct migration_file migration_files[];
extern const size_t migration_file_count;

/** A list of files in the order of their names; the tests bring their own. */
struct migration_set {
	const struct migration_file *files;
	size_t count;
};

/** The list of the embedded ones (generated). */
extern const struct migration_set migration_own;

/** db/grants.sql: rights of the roles in the setting ohdc.roles ("ingress=NAME,linker=NAME") (generated). */
extern const char migration_grants[];

/** All of it for psql, which runs what is missing (generated). */
extern const char migration_psql[];

/** One file's state. */
struct migration_state {
	const char *name;
	bool was_applied; /**< before this run */
};

/**
 * Report the state of each file in `ret` (one entry each); with `apply` run what is missing. What a newer program has added is
 * left as it is. ERR_CONFLICT: another history.
 */
NODISCARD bool migrate_run(const struct migration_set *set, struct db_pool *pool, bool apply,
			   struct migration_state *ret, struct err *err);

/** Give each role of the list ("ingress=NAME,linker=NAME") the rights its program needs. */
NODISCARD bool migrate_grant(struct db_pool *pool, const char *roles, struct err *err);

/** Whether the database has exactly or more than the files of the set; ERR_CONFLICT says what is missing. */
NODISCARD bool migrate_check(const struct migration_set *set, struct db_pool *pool, struct err *err);

#endif
