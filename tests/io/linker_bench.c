/* Setting up asks and looking at what became of them. */

#include "tests/io/linker_bench.h"

#include "common/base/mem.h"
#include "common/io/migrate.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static const int64_t bench_time_ms = 1795305600000;

/* The bench's texts never change; the struct's are owned elsewhere. */
static char *fixed(const char *text)
{
	return (char *)(uintptr_t)text;
}

void linker_bench_init(struct linker_bench *bench)
{
	struct err err = {0};
	scratch_db_init(&bench->scratch, 4);
	bench->pool = bench->scratch.pool;
	struct migration_state *states = mem_zalloc(migration_file_count, sizeof(*states));
	bool is_migrated = migrate_run(&migration_own, bench->pool, true, states, &err);
	mem_free(states);
	CU_ASSERT_TRUE_FATAL(is_migrated);
	linker_bench_run(bench, "insert into instance (provider, base_url)"
				" values ('jira', 'https://jira.example')");
	CU_ASSERT_TRUE_FATAL(intake_store_day(bench->pool, bench_time_ms, &err));
}

void linker_bench_done(struct linker_bench *bench)
{
	scratch_db_done(&bench->scratch);
}

void linker_bench_run(struct linker_bench *bench, const char *sql)
{
	struct err err = {0};
	bool is_done = db_query(bench->pool, sql, NULL, NULL, &err);
	if (!is_done) (void)printf("%s: %s\n", sql, err.message);
	CU_ASSERT_TRUE_FATAL(is_done);
}

int64_t linker_bench_number(struct linker_bench *bench, const char *sql)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CU_ASSERT_TRUE_FATAL(db_query(bench->pool, sql, NULL, &rows, NULL));
	return rows.count > 0 ? db_int(&rows, 0, 0) : -1;
}

bool linker_bench_is(struct linker_bench *bench, const char *sql, const char *text)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CU_ASSERT_TRUE_FATAL(db_query(bench->pool, sql, NULL, &rows, NULL));
	const char *found = rows.count > 0 ? db_text(&rows, 0, 0) : "(no row)";
	bool is_same = strcmp(found, text) == 0;
	if (!is_same) (void)printf("  %s: '%s' is not '%s'\n", sql, found, text);
	return is_same;
}

struct intake_record linker_bench_record(int number, const char *event, const char *event_key)
{
	struct intake_record record = {
		.delivery = {.provider = PROVIDER_JIRA,
			     .connection_id = 7,
			     .event = fixed(event),
			     .received_at_ms = bench_time_ms + number * 1000,
			     .source = fixed("webhook")},
		.verdict = event_key ? REASON_TRIGGERED : REASON_NO_TRIGGER,
		.instance_id = 1,
		.is_ask = event_key != NULL,
		.partition = 3,
		.offset = number,
	};
	(void)snprintf(record.delivery.id, sizeof(record.delivery.id), "d0000000-0000-4000-8000-00000000000%d", number);
	record.ask = (struct ask){
		.verdict = record.verdict,
		.kind = event_key ? TRIGGER_COMMENT : TRIGGER_NONE,
		.event = fixed(event),
		.event_key = fixed(event_key),
		.subject = fixed("jira:1:10013"),
		.happened_at_ms = bench_time_ms,
		.actor = {.key = fixed("JIRAUSER1"), .name = fixed("ana")},
		.comment_text = fixed("@openhands please"),
	};
	return record;
}

int64_t linker_bench_take(struct linker_bench *bench, struct intake_record *records, size_t count, int64_t next_offset)
{
	const struct intake_place place = {"g", "t"};
	const struct intake_span span = {3, 0, next_offset};
	size_t asks = 0;
	struct err err = {0};
	if (intake_store_batch(bench->pool, &place, records, count, &span, 1, &asks, &err)) return (int64_t)asks;
	(void)printf("  intake: %s\n", err.message);
	return -1;
}
