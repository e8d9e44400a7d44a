/* job_store: intake once, claims under leases with epochs, and what an end means for the ask. */

#include "services/dispatcher/job_store.h"

#include "common/base/mem.h"
#include "common/io/sysclock.h"
#include "tests/io/job_bench.h"
#include "tests/unit/check.h"

#include <pthread.h>

#include "common/base/banned.h"

static bool take_in(struct job_bench *bench, const struct job_record *records, size_t count, int64_t next_offset,
		    size_t *ret_new, struct err *err)
{
	const struct job_position position = {"g", "t", 3, next_offset};
	return job_store_intake(bench->pool, records, count, &position, 1, job_bench_rules(), 1000, ret_new, err);
}

static void test_job_store_intake_takes_each_job_once(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	struct err err = {0};
	size_t new_count = 9;
	int64_t position = 0;
	struct job_record records[] = {
		job_bench_record(JOB_START, 1), job_bench_record(JOB_ANSWER, 2),
		job_bench_record(JOB_START, 1), /* twice in one batch */
	};
	job_bench_init(&bench);

	CU_ASSERT_TRUE(job_store_position(bench.pool, "g", "t", 3, &position, &err));
	CU_ASSERT_EQUAL(position, -1);
	CU_ASSERT_TRUE(take_in(&bench, records, 3, 41, &new_count, &err));
	CU_ASSERT_EQUAL(new_count, 2);
	CU_ASSERT_TRUE(job_store_position(bench.pool, "g", "t", 3, &position, &err));
	CU_ASSERT_EQUAL(position, 41);

	/* The topic read again from an older place: positions go back, jobs do not come twice. */
	CU_ASSERT_TRUE(take_in(&bench, records, 3, 12, &new_count, &err));
	CU_ASSERT_EQUAL(new_count, 0);
	CU_ASSERT_TRUE(job_store_position(bench.pool, "g", "t", 3, &position, &err));
	CU_ASSERT_EQUAL(position, 12);
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select count(*) from job"), 2);
	CU_ASSERT_TRUE(job_bench_is(&bench, "select outcome from job where kind = 'answer'", "USER_UNKNOWN"));
	CU_ASSERT_TRUE(job_bench_is(&bench, "select state from job where kind = 'answer'", "QUEUED"));
}

static void test_job_store_intake_marks_the_trigger(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	struct err err = {0};
	size_t new_count;
	struct job_record record = job_bench_record(JOB_START, 1);
	job_bench_init(&bench);
	job_bench_run(&bench, "insert into trigger (event_key, provider, connection_id, instance_id, subject,"
			      " kind, day, delivery_id, received_at, ask, state, job_id) select "
			      "'jira:1:comment:' || n,"
			      " 'jira', 1, 1, 's', 'comment', now(), gen_random_uuid(), now(), '{}', s,"
			      " ('a0000000-0000-4000-8000-00000000000' || j)::uuid"
			      " from (values (1, 'SENT', 1), (2, 'SENT', 2)) as v(n, s, j)");
	CU_ASSERT_TRUE(take_in(&bench, &record, 1, 1, &new_count, &err));
	CU_ASSERT_TRUE(job_bench_is(&bench, "select state from trigger where event_key = 'jira:1:comment:1'", "STARTED"));
	CU_ASSERT_TRUE(job_bench_is(&bench, "select state from trigger where event_key = 'jira:1:comment:2'", "SENT"));
}

/* What the database refuses must be told apart from a database that is away: it would block its partition for ever. */
static void test_job_store_intake_says_what_can_never_be_stored(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	struct err err = {0};
	size_t new_count;
	struct job_record records[] = {job_bench_record(JOB_START, 1), job_bench_record(JOB_START, 2)};
	records[1].start_attempt = INT64_MAX; /* the column is smaller */
	job_bench_init(&bench);
	CU_ASSERT_FALSE(take_in(&bench, records, 2, 5, &new_count, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select count(*) from job"), 0);
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select count(*) from consumer_offset"), 0);
}

static void test_job_store_intake_takes_what_json_allows(void)
{
	static const char text[] = "{\"schema\":\"1.0\",\"job_id\":\"a0000000-0000-4000-8000-000000000001\",\"kind\":"
				   "\"start\","
				   "\"start_attempt\":0,\"event_key\":\"jira:1:comment:1\",\"provider\":\"jira\","
				   "\"connection_id\":1,\"instance_id\":1,"
				   "\"delivery_id\":\"11111111-1111-4111-8111-111111111111\",\"received_at_ms\":5,"
				   "\"user_id\":\"u\",\"unknown\":[1],\"ask\":{\"verdict\":\"TRIGGERED\",\"kind\":"
				   "\"comment\","
				   "\"subject\":\"s\",\"comment_text\":\"a\\u0000b \\ud83d c\"}}";
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	CLEANUP(job_record_done) struct job_record record = {0};
	CLEANUP(job_done) struct job job = {0};
	struct err err = {0};
	size_t new_count = 0;
	job_bench_init(&bench);
	bool is_read = job_record_read(bytes_text(text), &record, &err);
	if (!is_read) (void)printf("  %s\n", err.message);
	CU_ASSERT_TRUE_FATAL(is_read);
	CU_ASSERT_TRUE(take_in(&bench, &record, 1, 1, &new_count, &err));
	CU_ASSERT_EQUAL(new_count, 1);
	CU_ASSERT_TRUE(job_bench_claim(&bench, &job));
	CU_ASSERT_STRING_EQUAL(job.record.ask.comment_text, record.ask.comment_text);
}

static void test_job_store_claim_takes_the_longest_waiting(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	struct err err = {0};
	size_t new_count;
	struct job_record records[] = {job_bench_record(JOB_START, 1), job_bench_record(JOB_START, 2),
				       job_bench_record(JOB_START, 3)};
	job_bench_init(&bench);
	CU_ASSERT_TRUE(take_in(&bench, records, 3, 1, &new_count, &err));
	job_bench_run(&bench, "update job set next_attempt_at = now() - make_interval(secs =>"
			      " case right(job_id::text, 1) when '1' then 10 when '2' then 20 else -60 end)");

	CLEANUP(job_done) struct job first = {0};
	CLEANUP(job_done) struct job second = {0};
	CLEANUP(job_done) struct job third = {0};
	CU_ASSERT_TRUE(job_bench_claim(&bench, &first));
	CU_ASSERT_STRING_EQUAL(first.record.job_id, records[1].job_id);
	CU_ASSERT_TRUE(job_bench_claim(&bench, &second));
	CU_ASSERT_STRING_EQUAL(second.record.job_id, records[0].job_id);
	CU_ASSERT_FALSE(job_bench_claim(&bench, &third)); /* not due */

	CU_ASSERT_EQUAL(first.epoch, 1);
	CU_ASSERT_EQUAL(first.crashes, 1);
	CU_ASSERT_EQUAL(first.machine.step, STEP_REREAD);
	CU_ASSERT_STRING_EQUAL(first.user_id, "a1b2c3");
	int64_t left_ms = first.lease_until_mono_ms - sysclock_monotonic_ms();
	CU_ASSERT_TRUE(left_ms > 0 && left_ms <= JOB_BENCH_LEASE_MS);
}

/* Sixteen hungry threads, ten jobs: nobody gets what another has. */
struct hunger {
	struct job_bench *bench;
	_Atomic(int) claimed[10];
};

static void *claim_all(void *context)
{
	struct hunger *hunger = context;
	for (int i = 0; i < 20; i++) {
		CLEANUP(job_done) struct job job = {0};
		struct err err = {0};
		bool is_found = false;
		if (job_store_claim(hunger->bench->pool, "test", JOB_BENCH_LEASE_MS, &job, &is_found, &err) && is_found)
			hunger->claimed[job.record.job_id[35] - '0']++;
	}
	return NULL;
}

static void test_job_store_claim_gives_a_job_to_one(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	struct job_record records[10];
	struct err err = {0};
	size_t new_count;
	struct hunger hunger = {.bench = &bench};
	pthread_t threads[4];
	job_bench_init(&bench);
	for (int i = 0; i < 10; i++)
		records[i] = job_bench_record(JOB_START, i);
	CU_ASSERT_TRUE(take_in(&bench, records, 10, 1, &new_count, &err));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, claim_all, &hunger), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(hunger.claimed[i], 1);
}

static void test_job_store_refuses_who_lost_the_lease(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	CLEANUP(job_done) struct job zombie = {0};
	CLEANUP(job_done) struct job heir = {0};
	struct err err = {0};
	job_bench_init(&bench);
	job_bench_claim_new(&bench, 1, &zombie);
	CLEANUP(job_done) struct job nobody = {0};
	CU_ASSERT_FALSE(job_bench_claim(&bench, &nobody));
	job_bench_expire(&bench);
	CU_ASSERT_TRUE(job_bench_claim(&bench, &heir));
	CU_ASSERT_EQUAL(heir.epoch, 2);
	CU_ASSERT_EQUAL(heir.crashes, 2);

	zombie.machine.step = STEP_END;
	zombie.machine.phase = JOB_DONE;
	zombie.machine.outcome = REASON_JOB_STARTED;
	CU_ASSERT_FALSE(job_store_save(bench.pool, &zombie, JOB_BENCH_LEASE_MS, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	err = (struct err){0};
	CU_ASSERT_FALSE(job_store_release(bench.pool, &zombie, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select count(*) from conversation"), 0);
	CU_ASSERT_TRUE(job_bench_is(&bench, "select state from job", "QUEUED"));

	CU_ASSERT_TRUE(job_store_save(bench.pool, &heir, JOB_BENCH_LEASE_MS, &err));
	CU_ASSERT_TRUE(job_store_release(bench.pool, &heir, &err));
}

/* All that a step found out must survive a release and a claim. */
static void test_job_store_keeps_what_steps_found(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	CLEANUP(job_done) struct job job = {0};
	CLEANUP(job_done) struct job again = {0};
	struct err err = {0};
	job_bench_init(&bench);
	job_bench_claim_new(&bench, 1, &job);
	job.machine = (struct job_machine){
		.phase = JOB_WAITING,
		.step = STEP_FOLLOW_RUN,
		.outcome = REASON_JOB_STARTED,
		.ending = ENDING_STUCK,
		.is_started = true,
		.attempts = 2,
		.polls = 7,
		.queued_ms = 11,
		.next_ms = 12,
		.deadline_ms = 13,
		.detail = "grüße 💡",
		.told = "told",
	};
	job.org_id = mem_dup("org");
	job.repository = mem_dup("PROJ/repo");
	job.git_provider = mem_dup("bitbucket_data_center");
	job.start_task_id = mem_dup("task");
	job.title = mem_dup("title");
	job.final_text = mem_dup("final");
	job_take_asked(&job, "asked", "role", "Developers");
	job.doubts = 2;
	CU_ASSERT_TRUE(job_store_release(bench.pool, &job, &err));
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select crashes from job"), 0);
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select count(*) from job where lease_until is null"
						 " and lease_owner is null and ended_at is null"),
			1);

	CU_ASSERT_TRUE_FATAL(job_bench_claim(&bench, &again));
	CU_ASSERT_EQUAL(memcmp(&again.machine, &job.machine, sizeof(job.machine)), 0);
	CU_ASSERT_STRING_EQUAL(again.org_id, "org");
	CU_ASSERT_STRING_EQUAL(again.repository, "PROJ/repo");
	CU_ASSERT_STRING_EQUAL(again.git_provider, "bitbucket_data_center");
	CU_ASSERT_STRING_EQUAL(again.start_task_id, "task");
	CU_ASSERT_STRING_EQUAL(again.title, "title");
	CU_ASSERT_STRING_EQUAL(again.final_text, "final");
	CU_ASSERT_STRING_EQUAL(again.asked_text, "asked");
	CU_ASSERT_STRING_EQUAL(again.record.ask.visibility_type, "role");
	CU_ASSERT_STRING_EQUAL(again.record.ask.visibility_value, "Developers");
	CU_ASSERT_EQUAL(again.doubts, 2);
	CU_ASSERT_EQUAL(again.crashes, 1);
	CU_ASSERT_EQUAL(job_bench_number(&bench, "select count(*) from conversation where subject ="
						 " 'jira:1:10001' and user_id = 'a1b2c3'"),
			1);
}

static void test_job_store_counts_crashes_from_the_last_progress(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	struct err err = {0};
	CLEANUP(job_done) struct job job = {0};
	job_bench_init(&bench);
	job_bench_claim_new(&bench, 1, &job);
	for (int64_t crashes = 2; crashes <= 3; crashes++) {
		job_bench_expire(&bench);
		job_done(&job);
		CU_ASSERT_TRUE_FATAL(job_bench_claim(&bench, &job));
		CU_ASSERT_EQUAL(job.crashes, crashes);
		/* A mark before a call is no progress. */
		CU_ASSERT_TRUE(job_store_save(bench.pool, &job, JOB_BENCH_LEASE_MS, &err));
	}
	job.crashes = 1; /* what the worker does after a finished step */
	CU_ASSERT_TRUE(job_store_save(bench.pool, &job, JOB_BENCH_LEASE_MS, &err));
	job_bench_expire(&bench);
	job_done(&job);
	CU_ASSERT_TRUE_FATAL(job_bench_claim(&bench, &job));
	CU_ASSERT_EQUAL(job.crashes, 2);
}

static void add_trigger(struct job_bench *bench)
{
	job_bench_run(bench, "insert into trigger (event_key, provider, connection_id, instance_id, subject,"
			     " kind, day, delivery_id, received_at, ask, state, job_id) values"
			     " ('jira:1:comment:1', 'jira', 1, 1, 's', 'comment', now(), gen_random_uuid(),"
			     " now(), '{}', 'SENT', 'a0000000-0000-4000-8000-000000000001')");
}

static void end_as(struct job *job, enum job_phase phase, enum reason outcome, bool is_started)
{
	job->machine.phase = phase;
	job->machine.step = STEP_END;
	job->machine.outcome = outcome;
	job->machine.is_started = is_started;
}

static void test_job_store_end_decides_what_becomes_of_the_ask(void)
{
	static const struct {
		const char *name;
		const char *effect; /* the start's row, NULL: none */
		enum reason outcome;
		bool is_started;
		const char *state; /* of the trigger */
		int64_t start_attempt;
	} rows[] = {
		{"started", "('confirmed', 0)", REASON_JOB_STARTED, true, "STARTED", 0},
		{"refused", NULL, REASON_NO_REPOSITORY, false, "REFUSED", 1},
		{"refused by the peer", "('failed', 0)", REASON_UPSTREAM_FAILED, false, "REFUSED", 1},
		{"surely not started", "('attempting', 3)", REASON_UPSTREAM_FAILED, false, "REFUSED", 1},
		{"perhaps started", "('attempting', 2)", REASON_UPSTREAM_FAILED, false, "STARTED", 0},
		{"started, but we crashed", "('confirmed', 0)", REASON_QUARANTINED, false, "STARTED", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(job_bench_done) struct job_bench bench = {0};
		CLEANUP(job_done) struct job job = {0};
		struct err err = {0};
		char sql[200];
		job_bench_init(&bench);
		add_trigger(&bench);
		job_bench_claim_new(&bench, 1, &job);
		(void)snprintf(sql, sizeof(sql),
			       "insert into effect (job_id, kind, epoch, state, misses) select job_id,"
			       " 'start', 1, v.* from job, (values %s) v",
			       rows[i].effect ? rows[i].effect : "('x', 1)");
		if (rows[i].effect) job_bench_run(&bench, sql);
		end_as(&job, rows[i].is_started ? JOB_DONE : JOB_FAILED, rows[i].outcome, rows[i].is_started);
		CHECK(rows[i].name, job_store_release(bench.pool, &job, &err));
		CHECK(rows[i].name, job_bench_is(&bench, "select state from trigger", rows[i].state));
		CHECK(rows[i].name,
		      job_bench_number(&bench, "select start_attempt from trigger") == rows[i].start_attempt);
		CHECK(rows[i].name, job_bench_number(&bench, "select count(*) from job where ended_at is null") == 0);
		CHECK(rows[i].name,
		      job_bench_number(&bench, "select count(*) from conversation") == (rows[i].is_started ? 1 : 0));
	}
}

static void test_job_store_sets_aside_what_it_cannot_read(void)
{
	static const struct {
		const char *name;
		const char *damage;
		enum err_code code;
		const char *state;
	} rows[] = {
		{"no step", "update job set progress = '{\"phase\":\"QUEUED\"}'", ERR_INTERNAL, "FAILED"},
		{"no record", "update job set record = '[]'", ERR_INPUT, "FAILED"},
		{"a newer program's", "update job set record = jsonb_set(record, '{schema}', '\"2.0\"')", ERR_CONFLICT,
		 "QUEUED"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(job_bench_done) struct job_bench bench = {0};
		CLEANUP(job_done) struct job job = {0};
		struct err err = {0};
		bool is_found = false;
		job_bench_init(&bench);
		job_bench_claim_new(&bench, 1, &job);
		CHECK(rows[i].name, job_store_release(bench.pool, &job, &err));
		job_bench_run(&bench, rows[i].damage);
		job_done(&job);
		CHECK(rows[i].name, !job_store_claim(bench.pool, "test", JOB_BENCH_LEASE_MS, &job, &is_found, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
		CHECK(rows[i].name, job_bench_is(&bench, "select state from job", rows[i].state));
		CHECK(rows[i].name, !job_bench_claim(&bench, &job));
	}
}

static void test_job_store_counts_open_jobs(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	CLEANUP(job_done) struct job job = {0};
	struct err err = {0};
	int64_t counts[JOB_STOPPED + 1];
	int64_t waiting;
	job_bench_init(&bench);
	job_bench_claim_new(&bench, 1, &job);
	CU_ASSERT_TRUE(job_store_count(bench.pool, counts, &waiting, &err));
	CU_ASSERT_EQUAL(counts[JOB_QUEUED], 1);
	CU_ASSERT_EQUAL(waiting, 0); /* a worker has it */
	job_bench_run(&bench, "update job set lease_until = now() - interval '1 s'");
	CU_ASSERT_TRUE(job_store_count(bench.pool, counts, &waiting, &err));
	CU_ASSERT_EQUAL(waiting, 1);
	job_bench_run(&bench, "update job set next_attempt_at = now() + interval '1 hour', state = 'WAITING'");
	CU_ASSERT_TRUE(job_store_count(bench.pool, counts, &waiting, &err));
	CU_ASSERT_EQUAL(waiting, 0); /* a limit: more workers would not help */
	end_as(&job, JOB_REFUSED, REASON_WITHDRAWN, false);
	CU_ASSERT_TRUE(job_store_note(bench.pool, &job, &err));
	CU_ASSERT_TRUE(job_store_release(bench.pool, &job, &err));
	CU_ASSERT_TRUE(job_store_count(bench.pool, counts, &waiting, &err));
	CU_ASSERT_EQUAL(counts[JOB_QUEUED], 0);
	CU_ASSERT_EQUAL(counts[JOB_REFUSED], 0);
	CU_ASSERT_TRUE(job_bench_is(&bench, "select concat_ws(' ', state, reason, detail) from job_step",
				    "REFUSED WITHDRAWN"));
}

void suite_job_store(void)
{
	CU_pSuite suite = CU_add_suite("job_store", NULL, NULL);
	CU_ADD_TEST(suite, test_job_store_intake_takes_each_job_once);
	CU_ADD_TEST(suite, test_job_store_intake_marks_the_trigger);
	CU_ADD_TEST(suite, test_job_store_intake_says_what_can_never_be_stored);
	CU_ADD_TEST(suite, test_job_store_intake_takes_what_json_allows);
	CU_ADD_TEST(suite, test_job_store_claim_takes_the_longest_waiting);
	CU_ADD_TEST(suite, test_job_store_claim_gives_a_job_to_one);
	CU_ADD_TEST(suite, test_job_store_refuses_who_lost_the_lease);
	CU_ADD_TEST(suite, test_job_store_keeps_what_steps_found);
	CU_ADD_TEST(suite, test_job_store_counts_crashes_from_the_last_progress);
	CU_ADD_TEST(suite, test_job_store_end_decides_what_becomes_of_the_ask);
	CU_ADD_TEST(suite, test_job_store_sets_aside_what_it_cannot_read);
	CU_ADD_TEST(suite, test_job_store_counts_open_jobs);
}
