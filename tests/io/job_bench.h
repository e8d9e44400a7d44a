#ifndef OHDC_TESTS_IO_JOB_BENCH_H
#define OHDC_TESTS_IO_JOB_BENCH_H

/* A database with the real schema, and jobs in it as the linker would send them. */

#include "services/dispatcher/job_store.h"
#include "tests/io/scratch_db.h"

enum { JOB_BENCH_LEASE_MS = 60000 };

/** The database of one test. */
struct job_bench {
	struct scratch_db scratch;
	struct db_pool *pool; /**< of the scratch database */
};

/** Make it; the test ends where that fails. */
void job_bench_init(struct job_bench *bench);

/** Drop it (cleanup function). */
void job_bench_done(struct job_bench *bench);

/** The rules that jobs of a bench follow; static. */
const struct job_rules *job_bench_rules(void);

/** A record of job `number` (0 to 9); its texts are static. */
struct job_record job_bench_record(enum job_kind kind, int number);

/** Take in a start job and claim it; the claimed job is new. */
void job_bench_claim_new(struct job_bench *bench, int number, struct job *ret);

/** Claim what is due; whether something was. */
bool job_bench_claim(struct job_bench *bench, struct job *ret);

/** End the lease of every job at once. */
void job_bench_expire(struct job_bench *bench);

/** Run a statement without parameters; the test fails where it fails. */
void job_bench_run(struct job_bench *bench, const char *sql);

/** The first cell of a query as a number. */
int64_t job_bench_number(struct job_bench *bench, const char *sql);

/** Whether the first cell of a query is `text`; says so when not. */
bool job_bench_is(struct job_bench *bench, const char *sql, const char *text);

#endif
