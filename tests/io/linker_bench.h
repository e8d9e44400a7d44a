#ifndef OHDC_TESTS_IO_LINKER_BENCH_H
#define OHDC_TESTS_IO_LINKER_BENCH_H

/* A database with the real schema and one Jira in it, and deliveries as intake has read them. */

#include "services/linker/intake_store.h"
#include "tests/io/scratch_db.h"

/** The bench; `pool` is the scratch database's. */
struct linker_bench {
	struct scratch_db scratch;
	struct db_pool *pool;
};

/** Make it, with instance 1; the test ends where that fails. */
void linker_bench_init(struct linker_bench *bench);

/** Drop it (cleanup function). */
void linker_bench_done(struct linker_bench *bench);

/** Run a statement; the test ends where it fails. */
void linker_bench_run(struct linker_bench *bench, const char *sql);

/** Integer of the first cell. */
int64_t linker_bench_number(struct linker_bench *bench, const char *sql);

/** Whether the first cell is the text; says what it is instead. */
bool linker_bench_is(struct linker_bench *bench, const char *sql, const char *text);

/**
 * Delivery `number` (1 to 9), received `number` seconds after the bench's time, asking with `event_key` (NULL: asks nothing).
 * Nothing in it is owned.
 */
struct intake_record linker_bench_record(int number, const char *event, const char *event_key);

/** Write records as one batch of partition 3 up to `next_offset`; how many asks it made, -1 when it failed. */
int64_t linker_bench_take(struct linker_bench *bench, struct intake_record *records, size_t count, int64_t next_offset);

#endif
