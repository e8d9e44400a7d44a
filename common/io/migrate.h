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

/** One file's state. */
struct migration_state {
	const char *name;
	bool was_applied; /**< before this run */
};

/** Report the state of each file in `ret` (one entry each); with `apply` run what is missing. ERR_CONFLICT: the database is newer. */
NODISCARD bool migrate_run(const struct migration_set *set, struct db_pool *pool, bool apply,
			   struct migration_state *ret, struct err *err);

/** Whether the database has exactly or more than the files of the set; ERR_CONFLICT says what is missing. */
NODISCARD bool migrate_check(const struct migration_set *set, struct db_pool *pool, struct err *err);

#endif
