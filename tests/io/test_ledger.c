/* ledger: a scripted peer, a real database; crashes between mark and send, lost answers, lost leases, twins. */

#include "services/dispatcher/ledger.h"

#include "tests/io/job_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { SCRIPT_MAX = 24 };

/* What the peer does with one call. */
enum fate {
	FATE_LAND,       /* done, and answered */
	FATE_LAND_MUTE,  /* done, but the answer was lost */
	FATE_LOSE,       /* not done, the answer was lost */
	FATE_REFUSE,     /* for good */
	FATE_UNREACHED,  /* surely not done */
	FATE_BREAK,      /* 500 to a call that is safe to repeat */
	FATE_LIMIT,      /* too many calls */
	FATE_STEAL,      /* not done: while we wait for an answer the lease goes to somebody else */
	FATE_LOOK_FAILS, /* (look) cannot look */
	FATE_LOOK,       /* (look) says what is there */
};

/* A peer with a script for sends and one for looks; the last entry goes on for ever. */
struct peer_script {
	struct job_bench *bench;
	const enum fate *sends;
	const enum fate *looks;
	size_t send_count;
	size_t look_count;
	size_t landed;
	size_t removed;
	size_t late; /* lands with the next send: the lost call arrives at last */
	bool was_allowed;
};

static void steal_lease(struct job_bench *bench)
{
	job_bench_run(bench, "update job set epoch = epoch + 1, lease_owner = 'another'");
}

static bool script_send(void *context, const struct call_gate *gate, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	struct peer_script *script = context;
	enum fate fate = script->sends[script->send_count++];
	script->was_allowed = gate->may_send(gate->gate);
	if (!script->was_allowed) return err_set(err, ERR_CONFLICT, "the gate is closed");
	script->landed += script->late;
	script->late = 0;
	switch (fate) {
	case FATE_LAND:
		script->landed++;
		(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "id-%zu", script->landed);
		return true;
	case FATE_LAND_MUTE: script->landed++; return err_set(err, ERR_UNCERTAIN, "no answer");
	case FATE_LOSE: return err_set(err, ERR_UNCERTAIN, "no answer");
	case FATE_REFUSE: return err_set(err, ERR_INPUT, "too long");
	case FATE_UNREACHED: return err_set(err, ERR_NETWORK, "connection refused");
	case FATE_BREAK: return err_set(err, ERR_INTERNAL, "answered 500");
	case FATE_LIMIT:
		err_set(err, ERR_LIMIT, "slow down");
		err->retry_after_ms = 7000;
		return false;
	case FATE_STEAL: steal_lease(script->bench); return err_set(err, ERR_UNCERTAIN, "no answer");
	case FATE_LOOK:
	case FATE_LOOK_FAILS: break;
	}
	CU_FAIL("the script has no such send");
	return false;
}

/* The oldest stays. */
static bool script_look(void *context, char ret_id[EFFECT_REMOTE_ID_SIZE], struct err *err)
{
	struct peer_script *script = context;
	if (script->looks[script->look_count++] == FATE_LOOK_FAILS) return err_set(err, ERR_NOT_FOUND, "no such page");
	if (script->landed == 0) return true;
	script->removed += script->landed - 1;
	script->landed = 1;
	(void)snprintf(ret_id, EFFECT_REMOTE_ID_SIZE, "id-1");
	return true;
}

/* A job in our hands, a ledger without pauses between its looks. */
struct desk {
	struct job_bench bench;
	struct job job;
	struct ledger ledger;
	struct peer_script script;
	struct ledger_effect effect;
	struct ledger_result result;
	struct err err;
};

static void desk_init(struct desk *desk, enum effect_kind kind)
{
	job_bench_init(&desk->bench);
	job_bench_claim_new(&desk->bench, 1, &desk->job);
	desk->ledger = (struct ledger){
		.pool = desk->bench.pool, .lease_ms = JOB_BENCH_LEASE_MS, .margin_ms = 5000, .call_deadline_ms = 30000};
	desk->script.bench = &desk->bench;
	desk->effect = (struct ledger_effect){kind, script_send, script_look, &desk->script};
}

static void desk_done(struct desk *desk)
{
	job_done(&desk->job);
	job_bench_done(&desk->bench);
}

static bool carry(struct desk *desk)
{
	desk->err = (struct err){0};
	return ledger_carry_out(&desk->ledger, &desk->job, &desk->effect, &desk->result, &desk->err);
}

/* The owner dies; another one claims the job once the lease is over. */
static void succeed(struct desk *desk)
{
	job_bench_expire(&desk->bench);
	job_done(&desk->job);
	CU_ASSERT_TRUE_FATAL(job_bench_claim(&desk->bench, &desk->job));
}

static bool row_is(struct desk *desk, const char *text)
{
	return job_bench_is(&desk->bench, "select concat_ws(' ', state, attempts, misses, remote_id) from effect", text);
}

static void test_ledger_brings_an_effect_to_its_end(void)
{
	static const struct {
		const char *name;
		enum fate sends[SCRIPT_MAX];
		enum fate looks[SCRIPT_MAX];
		enum effect_kind kind;
		enum ledger_outcome outcome;
		enum err_code code;
		size_t send_count;
		size_t look_count;
		size_t landed;
		const char *row; /* state, attempts, misses, remote id */
	} rows[] = {
		{"at the first try", {FATE_LAND}, {FATE_LOOK}, EFFECT_ACK, LEDGER_CONFIRMED, ERR_NONE, 1, 0, 1, "confirmed 1 0 id-1"},
		{"done, but the answer was lost",
		 {FATE_LAND_MUTE},
		 {FATE_LOOK},
		 EFFECT_START,
		 LEDGER_CONFIRMED,
		 ERR_UNCERTAIN,
		 1,
		 1,
		 1,
		 "confirmed 1 0 id-1"},
		{"lost: three misses, a repeat, a look for its twin",
		 {FATE_LOSE, FATE_LAND},
		 {FATE_LOOK, FATE_LOOK, FATE_LOOK, FATE_LOOK},
		 EFFECT_RESULT,
		 LEDGER_CONFIRMED,
		 ERR_UNCERTAIN,
		 2,
		 4,
		 1,
		 "confirmed 2 0 id-1"},
		{"refused", {FATE_REFUSE}, {FATE_LOOK}, EFFECT_RESULT, LEDGER_REFUSED, ERR_INPUT, 1, 0, 0, "failed 1 0"},
		{"not reached", {FATE_UNREACHED}, {FATE_LOOK}, EFFECT_START, LEDGER_AGAIN, ERR_NETWORK, 1, 0, 0, "intent 0 0"},
		{"limited", {FATE_LIMIT}, {FATE_LOOK}, EFFECT_ACK, LEDGER_AGAIN, ERR_LIMIT, 1, 0, 0, "intent 0 0"},
		{"lost, and looking fails: the answer is tried again",
		 {FATE_LOSE},
		 {FATE_LOOK_FAILS},
		 EFFECT_RESULT,
		 LEDGER_AGAIN,
		 ERR_INTERNAL, /* not NOT_FOUND: that would end the job */
		 1,
		 1,
		 0,
		 "attempting 1 0"},
		{"lost, and looking fails: decoration is left out",
		 {FATE_LOSE},
		 {FATE_LOOK_FAILS},
		 EFFECT_ACK,
		 LEDGER_SKIPPED,
		 ERR_INTERNAL,
		 1,
		 1,
		 0,
		 "skipped 1 0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(desk_done) struct desk desk = {0};
		desk_init(&desk, rows[i].kind);
		desk.script.sends = rows[i].sends;
		desk.script.looks = rows[i].looks;
		CHECK(rows[i].name, carry(&desk));
		CHECK(rows[i].name, desk.result.outcome == rows[i].outcome);
		CHECK(rows[i].name, desk.err.code == rows[i].code);
		CHECK(rows[i].name, desk.script.send_count == rows[i].send_count);
		CHECK(rows[i].name, desk.script.look_count == rows[i].look_count);
		CHECK(rows[i].name, desk.script.landed == rows[i].landed);
		CHECK(rows[i].name, row_is(&desk, rows[i].row));
	}
}

static void test_ledger_does_nothing_twice(void)
{
	static const enum fate sends[] = {FATE_LAND};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_START);
	desk.script.sends = sends;
	CU_ASSERT_TRUE(carry(&desk));
	succeed(&desk);
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
	CU_ASSERT_STRING_EQUAL(desk.result.remote_id, "id-1");
	CU_ASSERT_EQUAL(desk.script.send_count, 1);
}

static void test_ledger_refused_stays_refused(void)
{
	static const enum fate sends[] = {FATE_REFUSE};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_RESULT);
	desk.script.sends = sends;
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_REFUSED);
	CU_ASSERT_EQUAL(desk.err.code, ERR_INPUT);
	CU_ASSERT_EQUAL(desk.script.send_count, 1);
}

/* The owner died after the mark: nobody knows whether it had sent. */
static void crash_after_mark(struct desk *desk)
{
	job_bench_run(&desk->bench, "insert into effect (job_id, kind, state, attempts, attempting_until, epoch)"
				    " select job_id, 'start', 'attempting', 1, clock_timestamp() + interval '1 "
				    "min', epoch"
				    " from job");
	succeed(desk);
}

static void test_ledger_successor_waits_then_looks_then_acts(void)
{
	static const enum fate sends[] = {FATE_LAND};
	static const enum fate looks[] = {FATE_LOOK, FATE_LOOK, FATE_LOOK, FATE_LOOK};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_START);
	desk.script.sends = sends;
	desk.script.looks = looks;
	crash_after_mark(&desk);

	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_LATER);
	CU_ASSERT_EQUAL(desk.script.send_count + desk.script.look_count, 0);
	int64_t wait_ms = desk.result.until_ms - desk.job.now_ms;
	CU_ASSERT_TRUE(wait_ms > 30000 && wait_ms <= 60000);

	job_bench_run(&desk.bench, "update effect set attempting_until = clock_timestamp()");
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
	CU_ASSERT_EQUAL(desk.script.send_count, 1);
	CU_ASSERT_EQUAL(desk.script.look_count, 4);
	CU_ASSERT_TRUE(row_is(&desk, "confirmed 2 0 id-1"));
}

static void test_ledger_successor_finds_what_was_sent(void)
{
	static const enum fate looks[] = {FATE_LOOK};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_START);
	desk.script.looks = looks;
	desk.script.landed = 1;
	crash_after_mark(&desk);
	job_bench_run(&desk.bench, "update effect set attempting_until = clock_timestamp()");
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
	CU_ASSERT_STRING_EQUAL(desk.result.remote_id, "id-1");
	CU_ASSERT_EQUAL(desk.script.send_count, 0);
}

static void test_ledger_marks_before_it_sends(void)
{
	static const enum fate sends[] = {FATE_STEAL};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_ACK);
	desk.script.sends = sends;
	/* The lease is stolen while the call is under way: what can be read now is what was written before it. */
	CU_ASSERT_FALSE(carry(&desk));
	CU_ASSERT_EQUAL(desk.err.code, ERR_CONFLICT);
	CU_ASSERT_TRUE(row_is(&desk, "attempting 1 0"));
	/* Nobody looks or sends before this call can be over: its lease, and its deadline. */
	CU_ASSERT_TRUE(job_bench_number(&desk.bench, "select extract(epoch from attempting_until -"
						     " clock_timestamp())::int from effect") > 80);
}

/* Three pauses lie between an uncertain call and its repeat; the third look alone does not allow it. */
static void test_ledger_waits_between_looks(void)
{
	static const enum fate sends[] = {FATE_LOSE, FATE_LAND};
	static const enum fate looks[] = {FATE_LOOK, FATE_LOOK, FATE_LOOK, FATE_LOOK};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_RESULT);
	desk.script.sends = sends;
	desk.script.looks = looks;
	desk.ledger.probe_delays_ms[1] = 30000;
	desk.ledger.probe_delays_ms[2] = 120000;
	for (size_t look = 1; look <= 2; look++) {
		CU_ASSERT_TRUE(carry(&desk));
		CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_LATER);
		CU_ASSERT_EQUAL(desk.script.look_count, look);
		CU_ASSERT_TRUE(carry(&desk)); /* too early changes nothing */
		CU_ASSERT_EQUAL(desk.script.look_count, look);
		CU_ASSERT_EQUAL(desk.script.send_count, 1);
		job_bench_run(&desk.bench, "update effect set probe_at = clock_timestamp()");
	}
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
	CU_ASSERT_EQUAL(desk.script.send_count, 2);
}

static void test_ledger_repeat_removes_its_late_twin(void)
{
	static const enum fate sends[] = {FATE_LOSE, FATE_LAND};
	static const enum fate looks[] = {FATE_LOOK, FATE_LOOK, FATE_LOOK, FATE_LOOK};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_RESULT);
	desk.script.sends = sends;
	desk.script.looks = looks;
	desk.ledger.probe_delays_ms[2] = 120000;
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_LATER);
	/* After the third look, right before the repeat. */
	job_bench_run(&desk.bench, "update effect set probe_at = clock_timestamp()");
	desk.script.late = 1;
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
	CU_ASSERT_STRING_EQUAL(desk.result.remote_id, "id-1"); /* the older one, not ours (id-2) */
	CU_ASSERT_EQUAL(desk.script.removed, 1);
	CU_ASSERT_EQUAL(desk.script.landed, 1);
}

static void test_ledger_gate_closes_with_the_lease(void)
{
	static const enum fate sends[] = {FATE_LAND};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_START);
	desk.script.sends = sends;
	desk.ledger.lease_ms = 34000; /* less than deadline and margin */
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_AGAIN);
	CU_ASSERT_EQUAL(desk.err.code, ERR_CONFLICT);
	CU_ASSERT_FALSE(desk.script.was_allowed);
	CU_ASSERT_EQUAL(desk.script.landed, 0);
	CU_ASSERT_TRUE(row_is(&desk, "intent 0 0"));
}

/* A lease that was nearly over is renewed right before the call. */
static void test_ledger_renews_the_lease_for_the_call(void)
{
	static const enum fate sends[] = {FATE_LAND};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_START);
	desk.script.sends = sends;
	desk.job.lease_until_mono_ms = 0;
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_TRUE(desk.script.was_allowed);
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
}

static void test_ledger_lost_lease_stops_everything(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_START);
	steal_lease(&desk.bench);
	CU_ASSERT_FALSE(carry(&desk));
	CU_ASSERT_EQUAL(desk.err.code, ERR_CONFLICT);
	CU_ASSERT_EQUAL(desk.script.send_count + desk.script.look_count, 0);
	CU_ASSERT_EQUAL(job_bench_number(&desk.bench, "select count(*) from effect"), 0);
}

/* Reactions cannot be looked for and may be repeated: but by the job's back-off, not in a circle. */
static void test_ledger_harmless_effects_are_repeated_by_the_job(void)
{
	static const enum fate sends[] = {FATE_BREAK, FATE_LOSE, FATE_LAND};
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, EFFECT_REACTION);
	desk.script.sends = sends;
	desk.effect.look = NULL;
	for (size_t i = 1; i <= 2; i++) {
		CU_ASSERT_TRUE(carry(&desk));
		CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_AGAIN);
		CU_ASSERT_EQUAL(desk.script.send_count, i);
	}
	succeed(&desk);
	CU_ASSERT_TRUE(carry(&desk));
	CU_ASSERT_EQUAL(desk.result.outcome, LEDGER_CONFIRMED);
}

static void test_ledger_gives_the_same_advice_once_an_hour(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	static const char *const jobs[] = {"a0000000-0000-4000-8000-000000000001",
					   "a0000000-0000-4000-8000-000000000002"};
	struct err err = {0};
	bool may = false;
	job_bench_init(&bench);
	CU_ASSERT_TRUE(effect_store_may_guide(bench.pool, "s", "jdoe", "R", jobs[0], &may, &err));
	CU_ASSERT_TRUE(may);
	CU_ASSERT_TRUE(effect_store_may_guide(bench.pool, "s", "jdoe", "R", jobs[0], &may, &err));
	CU_ASSERT_TRUE(may); /* the same job, after a crash */
	CU_ASSERT_TRUE(effect_store_may_guide(bench.pool, "s", "jdoe", "R", jobs[1], &may, &err));
	CU_ASSERT_FALSE(may);
	CU_ASSERT_TRUE(effect_store_may_guide(bench.pool, "s", "other", "R", jobs[1], &may, &err));
	CU_ASSERT_TRUE(may);
	CU_ASSERT_TRUE(effect_store_may_guide(bench.pool, "s", "jdoe", "Q", jobs[1], &may, &err));
	CU_ASSERT_TRUE(may);
	job_bench_run(&bench, "update guidance_given set given_at = given_at - interval '61 min'");
	CU_ASSERT_TRUE(effect_store_may_guide(bench.pool, "s", "jdoe", "R", jobs[1], &may, &err));
	CU_ASSERT_TRUE(may);
}

void suite_ledger(void)
{
	CU_pSuite suite = CU_add_suite("ledger", NULL, NULL);
	CU_ADD_TEST(suite, test_ledger_brings_an_effect_to_its_end);
	CU_ADD_TEST(suite, test_ledger_does_nothing_twice);
	CU_ADD_TEST(suite, test_ledger_refused_stays_refused);
	CU_ADD_TEST(suite, test_ledger_successor_waits_then_looks_then_acts);
	CU_ADD_TEST(suite, test_ledger_successor_finds_what_was_sent);
	CU_ADD_TEST(suite, test_ledger_marks_before_it_sends);
	CU_ADD_TEST(suite, test_ledger_waits_between_looks);
	CU_ADD_TEST(suite, test_ledger_repeat_removes_its_late_twin);
	CU_ADD_TEST(suite, test_ledger_gate_closes_with_the_lease);
	CU_ADD_TEST(suite, test_ledger_renews_the_lease_for_the_call);
	CU_ADD_TEST(suite, test_ledger_lost_lease_stops_everything);
	CU_ADD_TEST(suite, test_ledger_harmless_effects_are_repeated_by_the_job);
	CU_ADD_TEST(suite, test_ledger_gives_the_same_advice_once_an_hour);
}
