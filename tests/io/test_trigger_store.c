/* trigger_store: claims under leases, decisions with their job records, and the repair of the job hop. */

#include "services/linker/trigger_store.h"

#include "common/base/mem.h"
#include "tests/io/linker_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define KEY "jira:1:comment:5"
#define JOB "a0000000-0000-4000-8000-000000000001"

enum { LEASE_MS = 60000, LONG_MS = 3600000 };

/* One new trigger. */
static void prepare(struct linker_bench *bench)
{
	struct intake_record record = linker_bench_record(1, "comment_created", KEY);
	record.delivery.traceparent = (char[]){"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
	linker_bench_init(bench);
	CU_ASSERT_EQUAL_FATAL(linker_bench_take(bench, &record, 1, 2), 1);
}

static bool claim(struct linker_bench *bench, struct trigger_row *ret)
{
	bool is_found = false;
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(trigger_store_claim(bench->pool, "me", LEASE_MS, ret, &is_found, &err));
	return is_found;
}

static void expire(struct linker_bench *bench)
{
	linker_bench_run(bench, "update trigger set lease_until = clock_timestamp() - interval '1 s'"
				" where lease_until is not null");
}

static bool decide(struct linker_bench *bench, struct trigger_row *row, enum job_kind kind)
{
	bool is_held = false;
	struct err err = {0};
	row->record.kind = kind;
	row->record.reason = kind == JOB_ANSWER ? REASON_USER_UNKNOWN : REASON_NONE;
	(void)snprintf(row->record.job_id, sizeof(row->record.job_id), "%s", JOB);
	mem_free(row->record.user_id);
	row->record.user_id = kind == JOB_START ? mem_dup("user-1") : NULL;
	CU_ASSERT_TRUE(trigger_store_decide(bench->pool, "me", row, "why", &is_held, &err));
	return is_held;
}

/* The job record in the outbox. */
static void read_outbox(struct linker_bench *bench, struct job_record *ret)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(db_query(bench->pool, "select record from job_outbox", NULL, &rows, &err));
	CU_ASSERT_EQUAL_FATAL(rows.count, 1);
	CU_ASSERT_TRUE_FATAL(job_record_read(bytes_text(db_text(&rows, 0, 0)), ret, &err));
}

static void test_trigger_store_claims_what_is_due_once(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	CLEANUP(trigger_row_done) struct trigger_row none = {0};
	CLEANUP(trigger_row_done) struct trigger_row again = {0};
	prepare(&bench);

	CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
	CU_ASSERT_STRING_EQUAL(row.record.event_key, KEY);
	CU_ASSERT_STRING_EQUAL(row.record.ask.actor.key, "JIRAUSER1");
	CU_ASSERT_STRING_EQUAL(row.base_url, "https://jira.example");
	CU_ASSERT_STRING_EQUAL(row.record.traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	CU_ASSERT(row.crashes == 1 && row.epoch == 1 && row.attempts == 0);
	CU_ASSERT_FALSE(claim(&bench, &none));
	/* Its worker died. */
	expire(&bench);
	CU_ASSERT_TRUE_FATAL(claim(&bench, &again));
	CU_ASSERT(again.crashes == 2 && again.epoch == 2);
	/* It was only slow: what it decides is not written. */
	CU_ASSERT_FALSE(decide(&bench, &row, JOB_START));
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from job_outbox"), 0);
	CU_ASSERT_TRUE(decide(&bench, &again, JOB_START));
}

static void test_trigger_store_sends_a_start(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	CLEANUP(job_record_done) struct job_record record = {0};
	prepare(&bench);

	CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
	CU_ASSERT_TRUE(decide(&bench, &row, JOB_START));
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select state from trigger", "SENT"));
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select user_id from trigger", "user-1"));
	read_outbox(&bench, &record);
	CU_ASSERT(record.kind == JOB_START && record.start_attempt == 0);
	CU_ASSERT_STRING_EQUAL(record.user_id, "user-1");
	CU_ASSERT_STRING_EQUAL(record.ask.comment_text, "@openhands please");
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select record_key from job_outbox", "jira:1:10013"));
}

static void test_trigger_store_sends_an_answer(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	CLEANUP(job_record_done) struct job_record record = {0};
	prepare(&bench);

	CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
	CU_ASSERT_TRUE(decide(&bench, &row, JOB_ANSWER));
	CU_ASSERT_TRUE(
		linker_bench_is(&bench, "select state || outcome || detail from trigger", "REFUSEDUSER_UNKNOWNwhy"));
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select answer_count from trigger"), 1);
	read_outbox(&bench, &record);
	CU_ASSERT(record.kind == JOB_ANSWER && record.reason == REASON_USER_UNKNOWN);
}

static void test_trigger_store_puts_off_and_quarantines(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	CLEANUP(trigger_row_done) struct trigger_row later = {0};
	CLEANUP(trigger_row_done) struct trigger_row last = {0};
	struct err err = {0};
	prepare(&bench);

	CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
	CU_ASSERT_TRUE(trigger_store_retry(bench.pool, &row, LONG_MS, "keycloak: 503", &err));
	CU_ASSERT_FALSE(claim(&bench, &later));
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select detail from trigger", "keycloak: 503"));
	linker_bench_run(&bench, "update trigger set next_attempt_at = now()");
	CU_ASSERT_TRUE_FATAL(claim(&bench, &last));
	CU_ASSERT(last.attempts == 1 && last.crashes == 1);
	CU_ASSERT_TRUE(trigger_store_quarantine(bench.pool, &last, "crashes", &err));
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select state || outcome from trigger", "FAILEDQUARANTINED"));
}

static void test_trigger_store_claims_what_cannot_be_read(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	prepare(&bench);

	linker_bench_run(&bench, "update trigger set ask = '{\"event\": 7}'");
	CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
	CU_ASSERT_STRING_EQUAL(row.record.event_key, KEY);
	CU_ASSERT(row.crashes > 3);
}

static int64_t sweep(struct linker_bench *bench)
{
	int64_t again = -1;
	struct err err = {0};
	linker_bench_run(bench, "update trigger set sent_at = sent_at - interval '5 minutes'");
	CU_ASSERT_TRUE(trigger_store_sweep(bench->pool, "me", 120000, &again, &err));
	return again;
}

static void test_trigger_store_sends_again_what_was_lost(void)
{
	static const enum job_kind kinds[] = {JOB_START, JOB_ANSWER};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(linker_bench_done) struct linker_bench bench = {0};
		CLEANUP(trigger_row_done) struct trigger_row row = {0};
		CLEANUP(job_record_done) struct job_record record = {0};
		int64_t again = -1;
		struct err err = {0};
		prepare(&bench);
		CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
		CU_ASSERT_TRUE(decide(&bench, &row, kinds[i]));
		CU_ASSERT_TRUE(trigger_store_sweep(bench.pool, "me", 120000, &again, &err));
		CU_ASSERT_EQUAL(again, 0);         /* too young */
		CU_ASSERT_EQUAL(sweep(&bench), 0); /* still in the outbox */
		linker_bench_run(&bench, "delete from job_outbox");
		CU_ASSERT_EQUAL(sweep(&bench), 1);
		read_outbox(&bench, &record);
		CU_ASSERT(record.kind == kinds[i]);
		CU_ASSERT_STRING_EQUAL(record.job_id, JOB);
		CU_ASSERT(record.reason == (kinds[i] == JOB_ANSWER ? REASON_USER_UNKNOWN : REASON_NONE));
	}
}

static void test_trigger_store_is_done_with_what_arrived(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	CLEANUP(trigger_row_done) struct trigger_row row = {0};
	prepare(&bench);

	CU_ASSERT_TRUE_FATAL(claim(&bench, &row));
	CU_ASSERT_TRUE(decide(&bench, &row, JOB_START));
	linker_bench_run(&bench, "delete from job_outbox");
	linker_bench_run(&bench, "insert into job (job_id, kind, event_key, start_attempt, provider,"
				 " connection_id, instance_id, subject, record) values ('" JOB "', 'start',"
				 " '" KEY "', 0, 'jira', 7, 1, 's', '{}')");
	CU_ASSERT_EQUAL(sweep(&bench), 0);
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select state from trigger", "STARTED"));
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from trigger where sent_at is null"), 1);
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from job_outbox"), 0);
}

static void test_trigger_store_opens_for_a_new_link(void)
{
	static const struct {
		const char *name;
		const char *outcome;
		const char *account;
		const char *linked; /* relative to now */
		const char *decided;
		int64_t opened;
	} rows[] = {
		{"linked after the refusal", "USER_NOT_LINKED", "JIRAUSER1", "0", "1 minute", 1},
		{"unknown then", "USER_UNKNOWN", "JIRAUSER1", "0", "1 minute", 1},
		{"linked by name", "USER_UNKNOWN", "ana", "0", "1 minute", 1},
		{"somebody else was linked", "USER_NOT_LINKED", "JIRAUSER2", "0", "1 minute", 0},
		{"linked before", "USER_NOT_LINKED", "JIRAUSER1", "1 hour", "1 minute", 0},
		{"too long ago", "USER_NOT_LINKED", "JIRAUSER1", "0", "25 hours", 0},
		{"refused for another reason", "NO_REPOSITORY", "JIRAUSER1", "0", "1 minute", 0},
		{"linked by e-mail address", "USER_UNKNOWN", "unavailable:u", "0", "1 minute", 1},
		{"linked by e-mail address before", "USER_UNKNOWN", "unavailable:u", "1 hour", "1 minute", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(linker_bench_done) struct linker_bench bench = {0};
		int64_t opened = -1;
		struct err err = {0};
		char sql[512];
		prepare(&bench);
		(void)snprintf(sql, sizeof(sql),
			       "update trigger set state = 'REFUSED', outcome = '%s',"
			       " decided_at = now() - interval '%s'",
			       rows[i].outcome, rows[i].decided);
		linker_bench_run(&bench, sql);
		(void)snprintf(sql, sizeof(sql),
			       "insert into user_link (instance_id, account_key, user_id, method,"
			       " updated_at) values (1, '%s', 'u', 'operator', now() - interval '%s')",
			       rows[i].account, rows[i].linked);
		linker_bench_run(&bench, sql);
		linker_bench_run(&bench, "update trigger set ask = jsonb_set(ask, '{actor,email}',"
					 " '\"Ana@example.com\"')");
		linker_bench_run(&bench, "update user_link set account_name = 'ana@example.com'");
		CHECK(rows[i].name, trigger_store_open_linked(bench.pool, &opened, &err));
		CHECK(rows[i].name, opened == rows[i].opened);
	}
}

static void test_trigger_store_opens_for_active_links_only(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	int64_t opened = -1;
	struct err err = {0};
	prepare(&bench);
	linker_bench_run(&bench, "update trigger set state = 'REFUSED', outcome = 'USER_NOT_LINKED',"
				 " decided_at = now() - interval '1 minute'");
	linker_bench_run(&bench, "insert into user_link (instance_id, account_key, user_id, method,"
				 " status) values (1, 'JIRAUSER1', 'u', 'oauth', 'inactive')");
	CU_ASSERT_TRUE(trigger_store_open_linked(bench.pool, &opened, &err));
	CU_ASSERT_EQUAL(opened, 0);
	linker_bench_run(&bench, "update user_link set status = 'active'");
	CU_ASSERT_TRUE(trigger_store_open_linked(bench.pool, &opened, &err));
	CU_ASSERT_EQUAL(opened, 1);
}

void suite_trigger_store(void)
{
	CU_pSuite suite = CU_add_suite("trigger_store", NULL, NULL);
	CU_ADD_TEST(suite, test_trigger_store_claims_what_is_due_once);
	CU_ADD_TEST(suite, test_trigger_store_sends_a_start);
	CU_ADD_TEST(suite, test_trigger_store_sends_an_answer);
	CU_ADD_TEST(suite, test_trigger_store_puts_off_and_quarantines);
	CU_ADD_TEST(suite, test_trigger_store_claims_what_cannot_be_read);
	CU_ADD_TEST(suite, test_trigger_store_sends_again_what_was_lost);
	CU_ADD_TEST(suite, test_trigger_store_is_done_with_what_arrived);
	CU_ADD_TEST(suite, test_trigger_store_opens_for_a_new_link);
	CU_ADD_TEST(suite, test_trigger_store_opens_for_active_links_only);
}
