/* intake_store: one delivery counts once, one ask has one trigger, a refused ask is opened again, attempts are counted. */

#include "tests/io/linker_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define KEY "jira:1:comment:5"
#define VERDICT_OF(number)                                  \
	"select verdict from delivery where delivery_id = " \
	"'d0000000-0000-4000-8000-00000000000" number "'"
#define STATE "select state from trigger where event_key = '" KEY "'"

static void test_intake_store_takes_each_delivery_once(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	const struct intake_place place = {"g", "t"};
	int64_t position = 0;
	struct err err = {0};
	struct intake_record records[] = {
		linker_bench_record(1, "comment_created", KEY), linker_bench_record(2, "jira:issue_updated", KEY),
		linker_bench_record(3, "jira:issue_deleted", NULL),
		linker_bench_record(1, "comment_created", KEY), /* the same record, sent twice */
	};
	char secret[] = "previous";
	records[2].delivery.secret_used = secret;
	linker_bench_init(&bench);

	CU_ASSERT_TRUE(intake_store_position(bench.pool, &place, 3, &position, &err));
	CU_ASSERT_EQUAL(position, -1);
	CU_ASSERT_EQUAL(linker_bench_take(&bench, records, 4, 41), 1);
	CU_ASSERT_TRUE(linker_bench_is(&bench, VERDICT_OF("1"), "TRIGGERED"));
	CU_ASSERT_TRUE(linker_bench_is(&bench, VERDICT_OF("2"), "DUPLICATE"));
	CU_ASSERT_TRUE(linker_bench_is(&bench, VERDICT_OF("3"), "NO_TRIGGER"));
	CU_ASSERT_EQUAL(records[1].verdict, REASON_DUPLICATE);
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from trigger"), 1);
	CU_ASSERT_TRUE(intake_store_position(bench.pool, &place, 3, &position, &err));
	CU_ASSERT_EQUAL(position, 41);

	/* The topic read again from an older place. */
	linker_bench_run(&bench, "update trigger set state = 'REFUSED', decided_at = '2026-01-01'");
	CU_ASSERT_EQUAL(linker_bench_take(&bench, records, 4, 12), 0);
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select count(*) from delivery"), 3);
	CU_ASSERT_TRUE(
		linker_bench_is(&bench, "select secret_used from delivery where verdict = 'NO_TRIGGER'", "previous"));
	CU_ASSERT_TRUE(linker_bench_is(&bench, VERDICT_OF("1"), "TRIGGERED"));
	CU_ASSERT_TRUE(linker_bench_is(&bench, STATE, "REFUSED"));
	CU_ASSERT_TRUE(intake_store_position(bench.pool, &place, 3, &position, &err));
	CU_ASSERT_EQUAL(position, 12);
}

static void test_intake_store_lets_the_comment_speak_for_its_label(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	char label[] = "jira:1:label:10013:77";
	struct intake_record both = linker_bench_record(1, "jira:issue_updated", KEY);
	struct intake_record alone = linker_bench_record(2, "jira:issue_updated", label);
	both.ask.alias_key = label;
	linker_bench_init(&bench);

	CU_ASSERT_EQUAL(linker_bench_take(&bench, &both, 1, 2), 1);
	CU_ASSERT_TRUE(linker_bench_is(&bench, "select alias_of from trigger where state = 'ALIAS'", KEY));
	CU_ASSERT_EQUAL(linker_bench_take(&bench, &alone, 1, 3), 0);
	CU_ASSERT_TRUE(linker_bench_is(&bench, VERDICT_OF("2"), "DUPLICATE"));
	CU_ASSERT_TRUE(linker_bench_is(&bench,
				       "select trigger_key from delivery_outcome"
				       " where event_key = 'jira:1:label:10013:77'",
				       KEY));
}

static void test_intake_store_opens_what_was_refused(void)
{
	static const struct {
		const char *name;
		const char *state;
		const char *decided; /* seconds after the bench's time */
		const char *event;
		int64_t happened_later_ms;
		const char *after;
		const char *verdict;
	} rows[] = {
		{"an edit after the refusal", "REFUSED", "4", "comment_updated", 5000, "NEW", "TRIGGERED"},
		{"the same, delivered anew", "REFUSED", "4", "comment_created", 0, "NEW", "TRIGGERED"},
		{"an edit before the refusal", "REFUSED", "6", "comment_updated", 5000, "REFUSED", "DUPLICATE"},
		{"jira's other delivery, late", "REFUSED", "4", "jira:issue_updated", 0, "REFUSED", "DUPLICATE"},
		{"a quarantined ask", "FAILED", "4", "comment_created", 0, "NEW", "TRIGGERED"},
		{"a started ask", "STARTED", "4", "comment_updated", 5000, "STARTED", "DUPLICATE"},
		{"an ask on its way", "SENT", "4", "comment_updated", 5000, "SENT", "DUPLICATE"},
		{"an undecided ask", "NEW", "4", "comment_updated", 5000, "NEW", "DUPLICATE"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(linker_bench_done) struct linker_bench bench = {0};
		struct intake_record first = linker_bench_record(1, "comment_created", KEY);
		struct intake_record second = linker_bench_record(5, rows[i].event, KEY);
		char sql[256];
		second.ask.happened_at_ms += rows[i].happened_later_ms;
		linker_bench_init(&bench);
		CHECK(rows[i].name, linker_bench_take(&bench, &first, 1, 2) == 1);
		(void)snprintf(sql, sizeof(sql),
			       "update trigger set state = '%s', attempts = 4, outcome = 'USER_UNKNOWN',"
			       " decided_at = to_timestamp(1795305600 + %s)",
			       rows[i].state, rows[i].decided);
		linker_bench_run(&bench, sql);
		bool is_open = strcmp(rows[i].verdict, "TRIGGERED") == 0;
		CHECK(rows[i].name, linker_bench_take(&bench, &second, 1, 6) == (is_open ? 1 : 0));
		CHECK(rows[i].name, linker_bench_is(&bench, STATE, rows[i].after));
		CHECK(rows[i].name, linker_bench_is(&bench, VERDICT_OF("5"), rows[i].verdict));
		CHECK(rows[i].name, linker_bench_number(&bench, "select attempts from trigger") == (is_open ? 0 : 4));
	}
}

static void test_intake_store_counts_what_did_not_come_back(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	const struct intake_place place = {"g", "t"};
	const struct intake_span spans[] = {{3, 10, 20}, {4, 7, 9}};
	const struct intake_span later = {3, 11, 20};
	struct intake_record record = linker_bench_record(1, "comment_created", KEY);
	int64_t attempts = 0;
	struct err err = {0};
	linker_bench_init(&bench);

	for (int64_t i = 1; i <= 5; i++) {
		CU_ASSERT_TRUE(intake_store_count_batch(bench.pool, &place, spans, 2, &attempts, &err));
		CU_ASSERT_EQUAL(attempts, i < INTAKE_ONE_BY_ONE ? i : INTAKE_ONE_BY_ONE);
	}
	/* Alone: tried once, given up the second time, also when the batch is begun in between. */
	CU_ASSERT_TRUE(intake_store_count_record(bench.pool, &place, 3, 10, &attempts, &err));
	CU_ASSERT_TRUE(attempts <= INTAKE_GIVE_UP);
	CU_ASSERT_TRUE(intake_store_count_batch(bench.pool, &place, spans, 2, &attempts, &err));
	CU_ASSERT_TRUE(attempts >= INTAKE_ONE_BY_ONE);
	CU_ASSERT_TRUE(intake_store_count_record(bench.pool, &place, 3, 10, &attempts, &err));
	CU_ASSERT_TRUE(attempts > INTAKE_GIVE_UP);
	/* The innocent neighbour still has its run. */
	CU_ASSERT_TRUE(intake_store_count_record(bench.pool, &place, 4, 7, &attempts, &err));
	CU_ASSERT_TRUE(attempts <= INTAKE_GIVE_UP);
	/* A batch that came back, or another place, starts anew. */
	CU_ASSERT_TRUE(intake_store_count_batch(bench.pool, &place, &later, 1, &attempts, &err));
	CU_ASSERT_EQUAL(attempts, 1);
	CU_ASSERT_EQUAL(linker_bench_take(&bench, &record, 1, 20), 1);
	CU_ASSERT_TRUE(intake_store_count_batch(bench.pool, &place, &later, 1, &attempts, &err));
	CU_ASSERT_EQUAL(attempts, 1);
}

static void test_intake_store_moves_on_without_records(void)
{
	CLEANUP(linker_bench_done) struct linker_bench bench = {0};
	linker_bench_init(&bench);
	CU_ASSERT_EQUAL(linker_bench_take(&bench, NULL, 0, 9), 0);
	CU_ASSERT_EQUAL(linker_bench_number(&bench, "select next_offset from consumer_offset"), 9);
}

void suite_intake_store(void)
{
	CU_pSuite suite = CU_add_suite("intake_store", NULL, NULL);
	CU_ADD_TEST(suite, test_intake_store_takes_each_delivery_once);
	CU_ADD_TEST(suite, test_intake_store_lets_the_comment_speak_for_its_label);
	CU_ADD_TEST(suite, test_intake_store_opens_what_was_refused);
	CU_ADD_TEST(suite, test_intake_store_counts_what_did_not_come_back);
	CU_ADD_TEST(suite, test_intake_store_moves_on_without_records);
}
