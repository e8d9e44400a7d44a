/* effect_rule: what is done in each state, what each failure means, and a peer in which effects land late. */

#include "services/dispatcher/effect_rule.h"

#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { NOW_MS = 1000000, LEASE_MS = 60000, CALL_MS = 30000, WALKS = 20000 };

static const int64_t delays_ms[EFFECT_PROBE_DELAYS] = {0, 30000, 120000};

static void test_effect_rule_chooses(void)
{
	static const struct {
		const char *name;
		struct effect effect;
		enum effect_action action;
	} rows[] = {
		{"intent", {.state = EFFECT_INTENT}, EFFECT_DO_SEND},
		{"somebody may be sending",
		 {.state = EFFECT_ATTEMPTING, .attempts = 1, .attempting_until_ms = NOW_MS + 1},
		 EFFECT_DO_WAIT},
		{"nobody can be sending any more",
		 {.state = EFFECT_ATTEMPTING, .attempts = 1, .attempting_until_ms = NOW_MS},
		 EFFECT_DO_LOOK},
		{"too early for the next look",
		 {.state = EFFECT_ATTEMPTING, .attempts = 1, .misses = 1, .probe_at_ms = NOW_MS + 1},
		 EFFECT_DO_WAIT},
		{"time for the next look",
		 {.state = EFFECT_ATTEMPTING, .attempts = 1, .misses = 2, .probe_at_ms = NOW_MS},
		 EFFECT_DO_LOOK},
		{"three misses", {.state = EFFECT_ATTEMPTING, .attempts = 1, .misses = 3}, EFFECT_DO_SEND},
		{"three misses, but somebody may be sending",
		 {.state = EFFECT_ATTEMPTING, .misses = 3, .attempting_until_ms = NOW_MS + 1},
		 EFFECT_DO_WAIT},
		{"confirmed", {.state = EFFECT_CONFIRMED}, EFFECT_DO_NOTHING},
		{"skipped", {.state = EFFECT_SKIPPED}, EFFECT_DO_NOTHING},
		{"failed", {.state = EFFECT_FAILED}, EFFECT_DO_NOTHING},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].name, effect_next(&rows[i].effect, NOW_MS) == rows[i].action);
}

static void test_effect_rule_knows_what_failures_mean(void)
{
	static const struct {
		const char *name;
		enum err_code code;
		enum effect_state first;  /* after the first attempt */
		enum effect_state repeat; /* after a repeat, whose forerunner may still land */
		enum effect_action next;
	} rows[] = {
		{"network", ERR_NETWORK, EFFECT_INTENT, EFFECT_ATTEMPTING, EFFECT_DO_SEND},
		{"gate says no", ERR_CONFLICT, EFFECT_INTENT, EFFECT_ATTEMPTING, EFFECT_DO_SEND},
		{"busy", ERR_BUSY, EFFECT_INTENT, EFFECT_ATTEMPTING, EFFECT_DO_SEND},
		{"limit", ERR_LIMIT, EFFECT_INTENT, EFFECT_ATTEMPTING, EFFECT_DO_SEND},
		{"auth", ERR_AUTH, EFFECT_INTENT, EFFECT_ATTEMPTING, EFFECT_DO_SEND},
		{"uncertain", ERR_UNCERTAIN, EFFECT_ATTEMPTING, EFFECT_ATTEMPTING, EFFECT_DO_LOOK},
		{"timeout", ERR_TIMEOUT, EFFECT_ATTEMPTING, EFFECT_ATTEMPTING, EFFECT_DO_LOOK},
		{"internal", ERR_INTERNAL, EFFECT_ATTEMPTING, EFFECT_ATTEMPTING, EFFECT_DO_LOOK},
		{"input", ERR_INPUT, EFFECT_FAILED, EFFECT_FAILED, EFFECT_DO_NOTHING},
		{"not found", ERR_NOT_FOUND, EFFECT_FAILED, EFFECT_FAILED, EFFECT_DO_NOTHING},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err failure = {.code = rows[i].code};
		struct effect effect = {.kind = EFFECT_ACK};
		effect_begin(&effect, NOW_MS + LEASE_MS);
		effect_sent_failed(&effect, &failure, NOW_MS, delays_ms);
		CHECK(rows[i].name, effect.state == rows[i].first);
		CHECK(rows[i].name, effect_next(&effect, NOW_MS) == rows[i].next);

		effect = (struct effect){.state = EFFECT_ATTEMPTING, .attempts = 1, .misses = 3};
		effect_begin(&effect, NOW_MS + LEASE_MS);
		effect_sent_failed(&effect, &failure, NOW_MS, delays_ms);
		CHECK(rows[i].name, effect.state == rows[i].repeat);
		CHECK(rows[i].name, effect_next(&effect, NOW_MS) == rows[i].next);
		CHECK(rows[i].name, effect.attempts >= 1);
	}
}

static void test_effect_rule_looks_at_once_then_later(void)
{
	struct effect effect = {.kind = EFFECT_START};
	struct err failure = {.code = ERR_UNCERTAIN};
	effect_begin(&effect, NOW_MS + LEASE_MS + CALL_MS);
	CU_ASSERT_EQUAL(effect_next(&effect, NOW_MS + LEASE_MS), EFFECT_DO_WAIT);
	CU_ASSERT_EQUAL(effect_wait_ms(&effect), NOW_MS + LEASE_MS + CALL_MS);

	effect_sent_failed(&effect, &failure, NOW_MS, delays_ms);
	CU_ASSERT_EQUAL(effect_next(&effect, NOW_MS), EFFECT_DO_LOOK);
	effect_looked(&effect, false, NOW_MS, delays_ms);
	CU_ASSERT_EQUAL(effect_wait_ms(&effect), NOW_MS + 30000);
	effect_looked(&effect, false, NOW_MS + 30000, delays_ms);
	CU_ASSERT_EQUAL(effect_wait_ms(&effect), NOW_MS + 150000);
	CU_ASSERT_EQUAL(effect_next(&effect, NOW_MS + 149999), EFFECT_DO_WAIT);
	effect_looked(&effect, false, NOW_MS + 150000, delays_ms);
	CU_ASSERT_EQUAL(effect_next(&effect, NOW_MS + 150000), EFFECT_DO_SEND);

	effect_begin(&effect, NOW_MS + 400000);
	CU_ASSERT_EQUAL(effect.attempts, 2);
	CU_ASSERT_EQUAL(effect.misses, 0);
	effect_looked(&effect, true, NOW_MS + 400000, delays_ms);
	CU_ASSERT_EQUAL(effect.state, EFFECT_CONFIRMED);
}

static void test_effect_rule_names_go_both_ways(void)
{
	for (int i = EFFECT_INTENT; i <= EFFECT_FAILED; i++) {
		enum effect_state state;
		CU_ASSERT_TRUE(effect_state_parse(effect_state_name((enum effect_state)i), &state));
		CU_ASSERT_EQUAL((int)state, i);
	}
	enum effect_state state = EFFECT_SKIPPED;
	CU_ASSERT_FALSE(effect_state_parse("INTENT", &state));
	CU_ASSERT_FALSE(effect_state_parse(NULL, &state));
	CU_ASSERT_EQUAL(state, EFFECT_SKIPPED);
	CU_ASSERT_STRING_EQUAL(effect_kind_name(EFFECT_START), "start");
	CU_ASSERT_STRING_EQUAL(effect_kind_name(EFFECT_GUIDANCE), "guidance");
}

/* ---- a peer in which effects land when they like ----------------------------------------------------------------- */

enum { LANDINGS_MAX = 64 };

/* The world: one effect on the books, and what the peer really has. */
struct world {
	uint32_t random;
	int64_t now_ms;
	int64_t latest_ms; /* how long after its call an effect may land */
	struct effect effect;
	int64_t lands_at_ms[LANDINGS_MAX];
	size_t landings;     /* that come, sooner or later */
	size_t clean_misses; /* since the last attempt that may have left us */
	size_t allowed;      /* repeats that three clean misses allowed */
};

static uint32_t draw(struct world *world)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 17;
	world->random ^= world->random << 5;
	return world->random;
}

static void land(struct world *world, int64_t after_ms)
{
	if (world->landings < LANDINGS_MAX) world->lands_at_ms[world->landings++] = world->now_ms + after_ms;
}

static bool is_there(const struct world *world)
{
	for (size_t i = 0; i < world->landings; i++) {
		if (world->lands_at_ms[i] <= world->now_ms) return true;
	}
	return false;
}

/* Marked, then sent: it lands or not, now or later, and we hear of it or not, or die before we do. */
static void send(struct world *world, const char *row)
{
	static const enum err_code surely_not[] = {ERR_NETWORK, ERR_CONFLICT, ERR_LIMIT, ERR_AUTH};
	CHECK(row, world->effect.attempts == 0 || world->clean_misses >= 3);
	world->allowed += world->effect.attempts > 0;
	effect_begin(&world->effect, world->now_ms + LEASE_MS + CALL_MS);
	struct err failure = {.code = ERR_UNCERTAIN};
	uint32_t fate = draw(world) % 10;
	if (fate < 2) { /* surely not sent */
		failure.code = surely_not[draw(world) % ARRAY_LEN(surely_not)];
		effect_sent_failed(&world->effect, &failure, world->now_ms, delays_ms);
		world->allowed -= world->effect.attempts > 0;
		return;
	}
	world->clean_misses = 0;
	if (fate < 8) land(world, fate < 5 ? 0 : (int64_t)(draw(world) % (uint32_t)world->latest_ms));
	world->now_ms += draw(world) % CALL_MS;
	if (fate == 2)
		world->effect.state = EFFECT_CONFIRMED;
	else if (fate % 2 == 0) /* no answer */
		effect_sent_failed(&world->effect, &failure, world->now_ms, delays_ms);
	else /* the owner died: another one claims the job when the lease is over */
		world->now_ms += LEASE_MS;
}

static void look(struct world *world)
{
	bool is_found = is_there(world);
	if (draw(world) % 4 == 0) return; /* looking failed: it says nothing */
	world->clean_misses += !is_found;
	effect_looked(&world->effect, is_found, world->now_ms, delays_ms);
}

static void run(struct world *world, const char *row)
{
	for (int i = 0; i < 500; i++) {
		switch (effect_next(&world->effect, world->now_ms)) {
		case EFFECT_DO_SEND: send(world, row); break;
		case EFFECT_DO_LOOK: look(world); break;
		case EFFECT_DO_WAIT:
			CHECK(row, effect_wait_ms(&world->effect) > world->now_ms);
			world->now_ms = effect_wait_ms(&world->effect);
			break;
		case EFFECT_DO_NOTHING: return;
		}
		world->now_ms += draw(world) % 50;
	}
}

static void test_effect_rule_lands_once_when_it_lands_in_time(void)
{
	size_t repeats = 0;
	for (uint32_t seed = 1; seed <= WALKS; seed++) {
		char row[32];
		(void)snprintf(row, sizeof(row), "seed %u", seed);
		/* What is still under way when the third look comes would be late: 30 s + 120 s after the call. */
		struct world world = {.random = seed * 2654435761U + 1, .now_ms = NOW_MS, .latest_ms = 150000};
		run(&world, row);
		CHECK(row, world.effect.state == EFFECT_CONFIRMED);
		CHECK(row, world.landings == 1);
		repeats += world.allowed;
	}
	CU_ASSERT_TRUE(repeats > WALKS / 20);
}

static void test_effect_rule_lands_twice_only_after_three_misses(void)
{
	size_t twice = 0;
	for (uint32_t seed = 1; seed <= WALKS; seed++) {
		char row[32];
		(void)snprintf(row, sizeof(row), "seed %u", seed);
		struct world world = {.random = seed * 2654435761U + 1, .now_ms = NOW_MS, .latest_ms = 3600000};
		run(&world, row);
		CHECK(row, world.effect.state == EFFECT_CONFIRMED);
		CHECK(row, world.landings <= 1 + world.allowed);
		twice += world.landings > 1;
	}
	/* Landing an hour late has to be seen, or this test tests nothing. */
	CU_ASSERT_TRUE(twice > 0);
}

void suite_effect_rule(void)
{
	CU_pSuite suite = CU_add_suite("effect_rule", NULL, NULL);
	CU_ADD_TEST(suite, test_effect_rule_chooses);
	CU_ADD_TEST(suite, test_effect_rule_knows_what_failures_mean);
	CU_ADD_TEST(suite, test_effect_rule_looks_at_once_then_later);
	CU_ADD_TEST(suite, test_effect_rule_names_go_both_ways);
	CU_ADD_TEST(suite, test_effect_rule_lands_once_when_it_lands_in_time);
	CU_ADD_TEST(suite, test_effect_rule_lands_twice_only_after_three_misses);
}
