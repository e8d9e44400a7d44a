/* Setting up jobs and looking at what became of them. */

#include "tests/io/job_bench.h"

#include "common/base/mem.h"
#include "common/io/migrate.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* The bench's texts never change; the struct's are owned elsewhere. */
static char *fixed(const char *text)
{
	return (char *)(uintptr_t)text;
}

const struct job_rules *job_bench_rules(void)
{
	static const struct job_rules rules = {
		.retry = {1000, 60000},
		.poll = {2000, 60000},
		.horizon_ms = 3600000,
		.start_deadline_ms = 1800000,
		.run_deadline_ms = 7200000,
		.answer_deadline_ms = 3600000,
	};
	return &rules;
}

struct job_record job_bench_record(enum job_kind kind, int number)
{
	static const char *const keys[] = {
		"jira:1:comment:0", "jira:1:comment:1", "jira:1:comment:2", "jira:1:comment:3", "jira:1:comment:4",
		"jira:1:comment:5", "jira:1:comment:6", "jira:1:comment:7", "jira:1:comment:8", "jira:1:comment:9",
	};
	struct job_record record = {
		.kind = kind,
		.reason = kind == JOB_ANSWER ? REASON_USER_UNKNOWN : REASON_NONE,
		.event_key = fixed(keys[number]),
		.provider = PROVIDER_JIRA,
		.connection_id = 1,
		.instance_id = 1,
		.delivery_id = "11111111-1111-4111-8111-111111111111",
		.user_id = kind == JOB_START ? fixed("a1b2c3") : NULL,
		.ask = {.verdict = REASON_TRIGGERED,
			.kind = TRIGGER_COMMENT,
			.subject = fixed("jira:1:10001"),
			.issue_id = fixed("10001"),
			.comment_id = fixed("501"),
			.comment_text = fixed("@openhands please")},
	};
	(void)snprintf(record.job_id, sizeof(record.job_id), "a0000000-0000-4000-8000-00000000000%d", number);
	return record;
}

void job_bench_init(struct job_bench *bench)
{
	struct err err = {0};
	scratch_db_init(&bench->scratch, 4);
	bench->pool = bench->scratch.pool;
	struct migration_state *states = mem_zalloc(migration_file_count, sizeof(*states));
	bool is_migrated = migrate_run(&migration_own, bench->pool, true, states, &err);
	mem_free(states);
	if (!is_migrated) (void)printf("migrate: %s\n", err.message);
	CU_ASSERT_TRUE_FATAL(is_migrated);
}

void job_bench_done(struct job_bench *bench)
{
	scratch_db_done(&bench->scratch);
}

bool job_bench_claim(struct job_bench *bench, struct job *ret)
{
	bool is_found = false;
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(job_store_claim(bench->pool, "test", JOB_BENCH_LEASE_MS, ret, &is_found, &err));
	return is_found;
}

void job_bench_claim_new(struct job_bench *bench, int number, struct job *ret)
{
	struct job_record record = job_bench_record(JOB_START, number);
	size_t new_count = 0;
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(job_store_intake(bench->pool, &record, 1, NULL, 0, job_bench_rules(), 0, &new_count, &err));
	CU_ASSERT_EQUAL(new_count, 1);
	CU_ASSERT_TRUE_FATAL(job_bench_claim(bench, ret));
}

void job_bench_expire(struct job_bench *bench)
{
	job_bench_run(bench, "update job set lease_until = clock_timestamp() - interval '1 s'"
			     " where lease_until is not null");
}

void job_bench_run(struct job_bench *bench, const char *sql)
{
	struct err err = {0};
	bool is_done = db_query(bench->pool, sql, NULL, NULL, &err);
	if (!is_done) (void)printf("%s: %s\n", sql, err.message);
	CU_ASSERT_TRUE_FATAL(is_done);
}

int64_t job_bench_number(struct job_bench *bench, const char *sql)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CU_ASSERT_TRUE_FATAL(db_query(bench->pool, sql, NULL, &rows, NULL));
	return rows.count > 0 ? db_int(&rows, 0, 0) : -1;
}

bool job_bench_is(struct job_bench *bench, const char *sql, const char *text)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CU_ASSERT_TRUE_FATAL(db_query(bench->pool, sql, NULL, &rows, NULL));
	const char *found = rows.count > 0 ? db_text(&rows, 0, 0) : "(no row)";
	bool is_same = strcmp(found, text) == 0;
	if (!is_same) (void)printf("  %s: '%s' is not '%s'\n", sql, found, text);
	return is_same;
}
