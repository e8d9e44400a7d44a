/* job_machine: random walks. Whatever happens, in whatever order, these things hold. */

#include "services/dispatcher/job_machine.h"

#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { WALKS = 20000, STEPS_MAX = 400 };

/* xorshift32: the same walks each time. */
static uint32_t draw(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static const struct job_rules rules = {
	.retry = {1000, 300000},
	.poll = {2000, 60000},
	.horizon_ms = 3600000,
	.start_deadline_ms = 1800000,
	.run_deadline_ms = 7200000,
	.answer_deadline_ms = 3600000,
};

/* One walk: the job, and what has happened to it. */
struct walk {
	uint32_t random;
	int64_t now_ms;
	struct job_machine job;
	struct job_machine before;
	enum job_event_kind kind;
	size_t starts;
};

static struct job_event random_event(struct walk *walk)
{
	static const enum reason reasons[] = {
		REASON_NO_REPOSITORY, REASON_REPOSITORY_DENIED, REASON_USER_UNKNOWN,
		REASON_POLICY_DENIED, REASON_WITHDRAWN,         REASON_AUTHOR_MISMATCH,
	};
	uint32_t weight = draw(&walk->random) % 100;
	struct job_event event = {
		.kind = (enum job_event_kind)(draw(&walk->random) % (EVENT_GIVE_UP + 1)),
		.reason = reasons[draw(&walk->random) % ARRAY_LEN(reasons)],
		.ending = (enum job_ending)(ENDING_FINISHED + draw(&walk->random) % ENDING_DEADLINE),
		.until_ms = walk->now_ms + draw(&walk->random) % 90000000,
		.detail = draw(&walk->random) % 2 ? "something was said" : NULL,
	};
	/* Otherwise few walks would get far. */
	if (weight < 50)
		event.kind = EVENT_DONE;
	else if (weight < 60)
		event.kind = EVENT_RETRY;
	return event;
}

static bool is_terminal(enum job_phase phase)
{
	return phase == JOB_DONE || phase == JOB_REFUSED || phase == JOB_FAILED || phase == JOB_STOPPED;
}

static void check_steps(const struct walk *walk, const char *row)
{
	const struct job_machine *job = &walk->job;
	CHECK(row, walk->starts <= 1);
	CHECK(row, job->step != STEP_RESULT || job->is_started);
	CHECK(row, job->step != STEP_GUIDANCE || !job->is_started);
	CHECK(row, job->step != STEP_RESULT || job->ending != ENDING_NONE);
	CHECK(row, !walk->before.is_started || job->is_started);
	CHECK(row, !job->is_started || job->kind == JOB_START);
	CHECK(row, !job->is_started || job->step > STEP_START);
}

static void check_outcome(const struct walk *walk, const char *row)
{
	const struct job_machine *job = &walk->job;
	CHECK(row, is_terminal(job->phase) == (job->step == STEP_END));
	CHECK(row, is_terminal(job->phase) == job_machine_is_ended(job));
	CHECK(row, !is_terminal(job->phase) || job->outcome != REASON_NONE);
	CHECK(row, job->phase != JOB_DONE || job->is_started);
	CHECK(row, job->phase != JOB_REFUSED || !job->is_started);
	/* Once it runs, a refusal would be a lie: it was started, or it failed with an answer, or none could be given. */
	CHECK(row, !job->is_started || job->outcome == REASON_JOB_STARTED || job->outcome == REASON_UPSTREAM_FAILED ||
			   job->outcome == REASON_CANNOT_ANSWER);
}

static void check_time(const struct walk *walk, const char *row)
{
	const struct job_machine *job = &walk->job;
	bool is_same_step = job->step == walk->before.step;
	CHECK(row, job->deadline_ms == 0 || job->next_ms <= job->deadline_ms || job->next_ms <= walk->now_ms);
	CHECK(row, (walk->kind != EVENT_WAIT && walk->kind != EVENT_LATER) || !is_same_step ||
			   job->attempts == walk->before.attempts);
	CHECK(row, walk->kind != EVENT_RETRY || !is_same_step || job->attempts == walk->before.attempts + 1 ||
			   job_machine_is_ended(job));
}

static void take_step(struct walk *walk, const struct job_event *event, const char *row)
{
	walk->before = walk->job;
	walk->kind = event->kind;
	job_machine_apply(&walk->job, event, walk->now_ms, draw(&walk->random), &rules);
	if (walk->job.is_started && !walk->before.is_started) walk->starts++;
	/* A second pass through the start would be a second conversation. */
	if (walk->before.step != STEP_START && walk->job.step == STEP_START)
		CHECK(row, walk->before.step == STEP_REPOSITORY && !walk->before.is_started);
	check_steps(walk, row);
	check_outcome(walk, row);
	check_time(walk, row);
	if (walk->job.next_ms > walk->now_ms) walk->now_ms = walk->job.next_ms;
}

static void begin(struct walk *walk, uint32_t seed)
{
	*walk = (struct walk){.random = seed * 2654435761U + 1, .now_ms = 1000000};
	bool is_answer = draw(&walk->random) % 5 == 0;
	job_machine_init(&walk->job, is_answer ? JOB_ANSWER : JOB_START, is_answer ? REASON_USER_UNKNOWN : REASON_NONE,
			 walk->now_ms, &rules);
}

static void test_job_machine_holds_on_random_walks(void)
{
	size_t ended[JOB_STOPPED + 1] = {0};
	for (uint32_t seed = 1; seed <= WALKS; seed++) {
		char row[32];
		struct walk walk;
		(void)snprintf(row, sizeof(row), "seed %u", seed);
		begin(&walk, seed);
		for (int i = 0; i < STEPS_MAX && !job_machine_is_ended(&walk.job); i++) {
			struct job_event event = random_event(&walk);
			take_step(&walk, &event, row);
		}
		CHECK(row, job_machine_is_ended(&walk.job));
		ended[walk.job.phase]++;
	}
	/* The walks are worth their name only if they end in every way there is. */
	CU_ASSERT_TRUE(ended[JOB_DONE] > WALKS / 100);
	CU_ASSERT_TRUE(ended[JOB_REFUSED] > WALKS / 100);
	CU_ASSERT_TRUE(ended[JOB_FAILED] > WALKS / 100);
}

/* A peer that never gets better must not keep a job for ever, whichever way it fails and wherever the job stands. */
static void test_job_machine_ends_in_bounded_time(void)
{
	static const enum job_event_kind failures[] = {EVENT_RETRY, EVENT_PENDING, EVENT_WAIT, EVENT_LATER};
	int64_t longest_ms = rules.horizon_ms + rules.start_deadline_ms + rules.run_deadline_ms +
			     rules.answer_deadline_ms;
	for (uint32_t seed = 1; seed <= WALKS / 10; seed++) {
		char row[32];
		struct walk walk;
		(void)snprintf(row, sizeof(row), "seed %u", seed);
		begin(&walk, seed);
		for (uint32_t i = draw(&walk.random) % 9; i > 0; i--)
			take_step(&walk, &(struct job_event){.kind = EVENT_DONE}, row);
		for (int i = 0; i < 100 * STEPS_MAX && !job_machine_is_ended(&walk.job); i++) {
			struct job_event event = {
				.kind = failures[draw(&walk.random) % ARRAY_LEN(failures)],
				.until_ms = walk.now_ms + draw(&walk.random) % 90000000,
			};
			take_step(&walk, &event, row);
		}
		CHECK(row, job_machine_is_ended(&walk.job));
		CHECK(row, walk.now_ms <= 1000000 + longest_ms);
	}
}

static void test_job_machine_never_leaves_its_end(void)
{
	for (uint32_t seed = 1; seed <= WALKS / 10; seed++) {
		char row[32];
		struct walk walk;
		(void)snprintf(row, sizeof(row), "seed %u", seed);
		begin(&walk, seed);
		while (!job_machine_is_ended(&walk.job)) {
			struct job_event event = random_event(&walk);
			take_step(&walk, &event, row);
		}
		struct job_machine ended = walk.job;
		for (int i = 0; i < 20; i++) {
			struct job_event event = random_event(&walk);
			job_machine_apply(&walk.job, &event, walk.now_ms, 7, &rules);
		}
		CHECK(row, memcmp(&ended, &walk.job, sizeof(ended)) == 0);
	}
}

void suite_property_job_machine(void)
{
	CU_pSuite suite = CU_add_suite("property_job_machine", NULL, NULL);
	CU_ADD_TEST(suite, test_job_machine_holds_on_random_walks);
	CU_ADD_TEST(suite, test_job_machine_ends_in_bounded_time);
	CU_ADD_TEST(suite, test_job_machine_never_leaves_its_end);
}
