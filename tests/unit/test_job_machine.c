/* job_machine: every event at every step, the deadlines, the names. */

#include "services/dispatcher/job_machine.h"

#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { BEGIN_MS = 1000000 };

static const struct job_rules rules = {
	.retry = {1000, 60000},
	.poll = {2000, 30000},
	.horizon_ms = 600000,
	.start_deadline_ms = 300000,
	.run_deadline_ms = 900000,
	.answer_deadline_ms = 500000,
};

/* A story is a text of events: one letter each, `!` lets the time of the current phase run out first. */
static struct job_event event_of(char letter)
{
	switch (letter) {
	case 'D': return (struct job_event){.kind = EVENT_DONE};
	case 'P': return (struct job_event){.kind = EVENT_PENDING};
	case 'R': return (struct job_event){.kind = EVENT_RETRY, .detail = "away"};
	case 'L': return (struct job_event){.kind = EVENT_LATER};
	case 'W': return (struct job_event){.kind = EVENT_WAIT};
	case 'N': return (struct job_event){.kind = EVENT_REFUSE, .reason = REASON_NO_REPOSITORY, .detail = ""};
	case 'X': return (struct job_event){.kind = EVENT_DROP, .reason = REASON_WITHDRAWN};
	case 'F': return (struct job_event){.kind = EVENT_ENDED, .ending = ENDING_FINISHED};
	case 'E': return (struct job_event){.kind = EVENT_ENDED, .ending = ENDING_ERROR, .detail = "no credit"};
	case 'S': return (struct job_event){.kind = EVENT_ENDED, .ending = ENDING_START_FAILED, .detail = "no room"};
	default: return (struct job_event){.kind = EVENT_GIVE_UP, .detail = "never"};
	}
}

static struct job_machine new_job(enum job_kind kind)
{
	struct job_machine job;
	job_machine_init(&job, kind, kind == JOB_ANSWER ? REASON_USER_UNKNOWN : REASON_NONE, BEGIN_MS, &rules);
	return job;
}

static struct job_machine tell(enum job_kind kind, const char *story)
{
	struct job_machine job = new_job(kind);
	int64_t now_ms = BEGIN_MS;
	for (; *story; story++) {
		if (*story == '!') {
			now_ms = job.deadline_ms;
			continue;
		}
		struct job_event event = event_of(*story);
		now_ms = job.next_ms > now_ms ? job.next_ms : now_ms;
		job_machine_apply(&job, &event, now_ms, 0, &rules);
	}
	return job;
}

static void test_job_machine_tells_every_story(void)
{
	static const struct {
		const char *name;
		const char *story;
		enum job_phase phase;
		enum job_step step;
		enum reason outcome;
		enum job_ending ending;
		bool is_started;
		enum job_kind kind;
	} rows[] = {
		{"new", "", JOB_QUEUED, STEP_REREAD, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"reread", "D", JOB_PREPARING, STEP_KEY, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"key", "DD", JOB_PREPARING, STEP_REACT, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"reaction", "DDD", JOB_PREPARING, STEP_REPOSITORY, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"repository", "DDDD", JOB_STARTING, STEP_START, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"start", "DDDDD", JOB_STARTING, STEP_ACKNOWLEDGE, REASON_JOB_STARTED, ENDING_NONE, true, JOB_START},
		{"acknowledgement", "DDDDDD", JOB_STARTING, STEP_FOLLOW_START, REASON_JOB_STARTED, ENDING_NONE, true,
		 JOB_START},
		{"ready", "DDDDDDPPD", JOB_RUNNING, STEP_FOLLOW_RUN, REASON_JOB_STARTED, ENDING_NONE, true, JOB_START},
		{"finished", "DDDDDDPDPPF", JOB_ANSWERING, STEP_RESULT, REASON_JOB_STARTED, ENDING_FINISHED, true,
		 JOB_START},
		{"answered", "DDDDDDPDPPFD", JOB_DONE, STEP_END, REASON_JOB_STARTED, ENDING_FINISHED, true, JOB_START},
		{"followed to a plain done", "DDDDDDDDD", JOB_DONE, STEP_END, REASON_JOB_STARTED, ENDING_FINISHED, true,
		 JOB_START},
		{"error", "DDDDDDDEWD", JOB_FAILED, STEP_END, REASON_JOB_STARTED, ENDING_ERROR, true, JOB_START},
		{"start task failed", "DDDDDDSD", JOB_FAILED, STEP_END, REASON_UPSTREAM_FAILED, ENDING_START_FAILED,
		 true, JOB_START},
		{"refused", "DDDN", JOB_ANSWERING, STEP_GUIDANCE, REASON_NO_REPOSITORY, ENDING_NONE, false, JOB_START},
		{"refused and told", "DDDND", JOB_REFUSED, STEP_END, REASON_NO_REPOSITORY, ENDING_NONE, false, JOB_START},
		{"refused and untold", "DDDNG", JOB_FAILED, STEP_END, REASON_CANNOT_ANSWER, ENDING_NONE, false, JOB_START},
		{"withdrawn", "X", JOB_REFUSED, STEP_END, REASON_WITHDRAWN, ENDING_NONE, false, JOB_START},
		{"answer", "", JOB_QUEUED, STEP_GUIDANCE, REASON_USER_UNKNOWN, ENDING_NONE, false, JOB_ANSWER},
		{"answer told", "RD", JOB_REFUSED, STEP_END, REASON_USER_UNKNOWN, ENDING_NONE, false, JOB_ANSWER},
		{"answer refused again", "N", JOB_FAILED, STEP_END, REASON_CANNOT_ANSWER, ENDING_NONE, false, JOB_ANSWER},
		{"waiting", "W", JOB_WAITING, STEP_REREAD, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"waited", "WD", JOB_PREPARING, STEP_KEY, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"later is no waiting", "DDDDL", JOB_STARTING, STEP_START, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"reaction given up", "DDG", JOB_PREPARING, STEP_REPOSITORY, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"reaction fails", "DDRRRR", JOB_PREPARING, STEP_REACT, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"reaction fails too often", "DDRRRRR", JOB_PREPARING, STEP_REPOSITORY, REASON_NONE, ENDING_NONE, false,
		 JOB_START},
		{"acknowledgement fails too often", "DDDDDRRRRR", JOB_STARTING, STEP_FOLLOW_START, REASON_JOB_STARTED,
		 ENDING_NONE, true, JOB_START},
		{"start given up", "DDDDG", JOB_ANSWERING, STEP_GUIDANCE, REASON_UPSTREAM_FAILED, ENDING_NONE, false,
		 JOB_START},
		{"preparing overdue", "R!R", JOB_ANSWERING, STEP_GUIDANCE, REASON_UPSTREAM_FAILED, ENDING_NONE, false,
		 JOB_START},
		{"waiting overdue", "W!W", JOB_ANSWERING, STEP_GUIDANCE, REASON_UPSTREAM_FAILED, ENDING_NONE, false,
		 JOB_START},
		{"start task overdue", "DDDDDD!P", JOB_ANSWERING, STEP_RESULT, REASON_JOB_STARTED, ENDING_DEADLINE,
		 true, JOB_START},
		{"run overdue", "DDDDDDDPP!P", JOB_ANSWERING, STEP_RESULT, REASON_JOB_STARTED, ENDING_DEADLINE, true,
		 JOB_START},
		{"answer overdue", "DDDDDDDF!R", JOB_FAILED, STEP_END, REASON_CANNOT_ANSWER, ENDING_FINISHED, true,
		 JOB_START},
		{"guidance overdue", "R!R", JOB_FAILED, STEP_END, REASON_CANNOT_ANSWER, ENDING_NONE, false, JOB_ANSWER},
		{"done in the last moment", "!D", JOB_PREPARING, STEP_KEY, REASON_NONE, ENDING_NONE, false, JOB_START},
		{"follow given up", "DDDDDDDG", JOB_ANSWERING, STEP_RESULT, REASON_JOB_STARTED, ENDING_VANISHED, true,
		 JOB_START},
		{"no end before the start", "E", JOB_ANSWERING, STEP_GUIDANCE, REASON_UPSTREAM_FAILED, ENDING_NONE,
		 false, JOB_START},
		{"no refusal of what runs", "DDDDDDDN", JOB_ANSWERING, STEP_RESULT, REASON_JOB_STARTED, ENDING_VANISHED,
		 true, JOB_START},
		{"no dropping of what runs", "DDDDDDDX", JOB_ANSWERING, STEP_RESULT, REASON_JOB_STARTED,
		 ENDING_VANISHED, true, JOB_START},
		{"no second end", "DDDDDDDFE", JOB_FAILED, STEP_END, REASON_CANNOT_ANSWER, ENDING_FINISHED, true,
		 JOB_START},
		{"the end is the end", "XDRWNEG", JOB_REFUSED, STEP_END, REASON_WITHDRAWN, ENDING_NONE, false, JOB_START},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct job_machine job = tell(rows[i].kind, rows[i].story);
		CHECK(rows[i].name, job.phase == rows[i].phase);
		CHECK(rows[i].name, job.step == rows[i].step);
		CHECK(rows[i].name, job.outcome == rows[i].outcome);
		CHECK(rows[i].name, job.ending == rows[i].ending);
		CHECK(rows[i].name, job.is_started == rows[i].is_started);
	}
}

static void test_job_machine_waits_as_asked(void)
{
	static const struct {
		const char *name;
		struct job_event event;
		int64_t wait_ms; /* with no random bit set: half of the back-off */
		int64_t attempts;
		int64_t polls;
	} rows[] = {
		{"retry", {.kind = EVENT_RETRY}, 500, 1, 0},
		{"retry not before", {.kind = EVENT_RETRY, .until_ms = BEGIN_MS + 7000}, 7000, 1, 0},
		{"retry, an old wish", {.kind = EVENT_RETRY, .until_ms = 5}, 500, 1, 0},
		{"retry after the deadline", {.kind = EVENT_RETRY, .until_ms = BEGIN_MS + 9999999}, 600000, 1, 0},
		{"pending", {.kind = EVENT_PENDING}, 1000, 0, 1},
		{"wait", {.kind = EVENT_WAIT, .until_ms = BEGIN_MS + 40000}, 40000, 0, 0},
		{"wait for what is past", {.kind = EVENT_WAIT, .until_ms = 5}, 0, 0, 0},
		{"wait beyond the deadline", {.kind = EVENT_WAIT, .until_ms = INT64_MAX}, 600000, 0, 0},
		{"later", {.kind = EVENT_LATER, .until_ms = BEGIN_MS + 30000}, 30000, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct job_machine job = new_job(JOB_START);
		job_machine_apply(&job, &rows[i].event, BEGIN_MS, 0, &rules);
		CHECK(rows[i].name, job.next_ms == BEGIN_MS + rows[i].wait_ms);
		CHECK(rows[i].name, job.attempts == rows[i].attempts);
		CHECK(rows[i].name, job.polls == rows[i].polls);
	}
}

static void test_job_machine_deadlines_begin_with_their_phase(void)
{
	static const struct {
		const char *name;
		const char *story;
		int64_t deadline_ms; /* after BEGIN_MS; nothing in these stories takes time */
	} rows[] = {
		{"whole preparation", "", 600000},   {"still the preparation", "DDDD", 600000},
		{"start accepted", "DDDDD", 300000}, {"start task, from the acceptance", "DDDDDD", 300000},
		{"running", "DDDDDDD", 900000},      {"result", "DDDDDDDF", 500000},
		{"guidance", "N", 500000},           {"ended", "X", -BEGIN_MS},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct job_machine job = tell(JOB_START, rows[i].story);
		CHECK(rows[i].name, job.deadline_ms == BEGIN_MS + rows[i].deadline_ms);
	}
}

static void test_job_machine_a_new_step_starts_afresh(void)
{
	struct job_machine job = tell(JOB_START, "RRR");
	CU_ASSERT_EQUAL(job.attempts, 3);
	CU_ASSERT_STRING_EQUAL(job.detail, "away");

	job = tell(JOB_START, "RRRD");
	CU_ASSERT_EQUAL(job.attempts, 0);
	CU_ASSERT_STRING_EQUAL(job.detail, "");

	/* An answered poll proves that the peer is there. */
	job = tell(JOB_START, "DDDDDDRRP");
	CU_ASSERT_EQUAL(job.attempts, 0);
	CU_ASSERT_EQUAL(job.polls, 1);
}

static void test_job_machine_quotes_what_the_answer_needs(void)
{
	struct job_machine job = tell(JOB_START, "DDDDDDDE");
	CU_ASSERT_STRING_EQUAL(job.told, "no credit");

	job = tell(JOB_START, "DDDDDDDER");
	CU_ASSERT_STRING_EQUAL(job.told, "no credit");
	CU_ASSERT_STRING_EQUAL(job.detail, "away");

	/* Cut between characters: 239 bytes hold 119 of these. */
	char text[400];
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = (char)(i % 2 == 0 ? 0xC3 : 0xA4);
	text[sizeof(text) - 2] = '\0';
	job = new_job(JOB_START);
	struct job_event event = {.kind = EVENT_REFUSE, .reason = REASON_REPOSITORY_DENIED, .detail = text};
	job_machine_apply(&job, &event, BEGIN_MS, 0, &rules);
	CU_ASSERT_EQUAL(strlen(job.told), 238);
}

static void test_job_machine_names_go_both_ways(void)
{
	for (int i = JOB_QUEUED; i <= JOB_STOPPED; i++) {
		enum job_phase phase;
		CU_ASSERT_TRUE(job_phase_parse(job_phase_name((enum job_phase)i), &phase));
		CU_ASSERT_EQUAL((int)phase, i);
	}
	for (int i = STEP_REREAD; i <= STEP_END; i++) {
		enum job_step step;
		CU_ASSERT_TRUE(job_step_parse(job_step_name((enum job_step)i), &step));
		CU_ASSERT_EQUAL((int)step, i);
	}
	for (int i = ENDING_NONE; i <= ENDING_DEADLINE; i++) {
		enum job_ending ending;
		CU_ASSERT_TRUE(job_ending_parse(job_ending_name((enum job_ending)i), &ending));
		CU_ASSERT_EQUAL((int)ending, i);
	}
	enum job_phase phase = JOB_RUNNING;
	CU_ASSERT_FALSE(job_phase_parse("running", &phase));
	CU_ASSERT_FALSE(job_phase_parse(NULL, &phase));
	CU_ASSERT_EQUAL(phase, JOB_RUNNING);
}

void suite_job_machine(void)
{
	CU_pSuite suite = CU_add_suite("job_machine", NULL, NULL);
	CU_ADD_TEST(suite, test_job_machine_tells_every_story);
	CU_ADD_TEST(suite, test_job_machine_waits_as_asked);
	CU_ADD_TEST(suite, test_job_machine_deadlines_begin_with_their_phase);
	CU_ADD_TEST(suite, test_job_machine_a_new_step_starts_afresh);
	CU_ADD_TEST(suite, test_job_machine_quotes_what_the_answer_needs);
	CU_ADD_TEST(suite, test_job_machine_names_go_both_ways);
}
