/* rotation: what deliveries prove decides which webhook secret counts and which ends. */

#include "services/installer/rotation.h"

#include "tests/io/job_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define DELIVERY(id, secret, age)                                                                  \
	"insert into delivery (day, delivery_id, provider, connection_id, event, source, verdict," \
	" received_at, topic_partition, topic_offset, secret_used)"                                \
	" select (now() - interval '" age "')::date, gen_random_uuid(), 'jira', " id               \
	", 'e', 'webhook', 'NO_TRIGGER', now() - interval '" age "', 0, 0, '" secret "'"

#define SECRETS                                                                          \
	"select encode(secret_sealed, 'escape') || coalesce(encode(secret_next_sealed, " \
	"'escape'), '-') || coalesce(encode(secret_previous_sealed, 'escape'), '-')"     \
	" || case when previous_until is null then '' else '!' end from connection where id = 7"

/* Connection jira/7 with C, N and P where `columns` says so; jira/8 has nothing to do with it. */
static void make_connection(struct job_bench *bench, const char *columns)
{
	char sql[512];
	job_bench_run(bench, "delete from delivery");
	job_bench_run(bench, "delete from connection");
	job_bench_run(bench, "insert into instance (provider, base_url) values ('jira', 'https://j')"
			     " on conflict do nothing");
	job_bench_run(bench, "insert into connection (provider, id, instance_id, status, secret_sealed)"
			     " select 'jira', 7, id, 'active', 'C' from instance");
	(void)snprintf(sql, sizeof(sql), "update connection set %s", columns);
	job_bench_run(bench, sql);
}

static void test_rotation_look_goes_by_deliveries(void)
{
	static const struct {
		const char *name;
		const char *columns;
		const char *delivery; /* NULL: none */
		int changes;
		const char *after; /* current, next, previous; '!': the previous one is about to end */
	} rows[] = {
		{"nothing under way", "hook_id = '1'", DELIVERY("7", "current", "1 s"), 0, "C--"},
		{"next not used yet", "secret_next_sealed = 'N', next_at = now() - interval '5 m'",
		 DELIVERY("7", "current", "1 s"), 0, "CN-"},
		{"next in use", "secret_next_sealed = 'N', next_at = now() - interval '5 m'",
		 DELIVERY("7", "next", "1 s"), 1, "N-C"},
		{"an older next was in use", "secret_next_sealed = 'N', next_at = now()", DELIVERY("7", "next", "1 s"),
		 0, "CN-"},
		{"next of another connection", "secret_next_sealed = 'N', next_at = now() - interval '5 m'",
		 DELIVERY("8", "next", "1 s"), 0, "CN-"},
		{"next in use since yesterday", "secret_next_sealed = 'N', next_at = now() - interval '3 d'",
		 DELIVERY("7", "next", "2 d"), 1, "N-C"},
		{"previous, nothing seen", "secret_previous_sealed = 'P', rotated_at = now() - interval '1 d'", NULL, 0,
		 "C-P"},
		{"previous, itself seen", "secret_previous_sealed = 'P', rotated_at = now() - interval '1 d'",
		 DELIVERY("7", "previous", "1 s"), 0, "C-P"},
		{"previous, current seen too early to be sure",
		 "secret_previous_sealed = 'P', rotated_at = now() - interval '50 s'", DELIVERY("7", "current", "1 s"),
		 0, "C-P"},
		{"previous, current seen before the change",
		 "secret_previous_sealed = 'P', rotated_at = now() - interval '5 m'", DELIVERY("7", "current", "10 m"),
		 0, "C-P"},
		{"previous, current seen", "secret_previous_sealed = 'P', rotated_at = now() - interval '5 m'",
		 DELIVERY("7", "current", "1 s"), 0, "C-P!"},
		{"previous, its hour not over", "secret_previous_sealed = 'P', previous_until = now() + interval '1 m'",
		 NULL, 0, "C-P!"},
		{"previous, its hour over", "secret_previous_sealed = 'P', previous_until = now() - interval '1 s'",
		 NULL, 1, "C--"},
		{"a new change keeps the previous one",
		 "secret_previous_sealed = 'P', previous_until = now() - interval '1 s',"
		 " secret_next_sealed = 'N', next_at = now()",
		 NULL, 0, "CNP!"},
	};
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	job_bench_init(&bench);
	for (int day = 0; day <= 3; day++) {
		char sql[96];
		(void)snprintf(sql, sizeof(sql), "select delivery_partition(current_date - %d)", day);
		job_bench_run(&bench, sql);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		int changes = -1;
		make_connection(&bench, rows[i].columns);
		if (rows[i].delivery) job_bench_run(&bench, rows[i].delivery);
		CHECK(rows[i].name, rotation_look(bench.pool, &changes, &err));
		CHECK(rows[i].name, changes == rows[i].changes);
		CHECK(rows[i].name, job_bench_is(&bench, SECRETS, rows[i].after));
	}
	CU_ASSERT_TRUE(job_bench_is(&bench,
				    "select string_agg(distinct action, ' ') || count(*) from audit"
				    " where operator = 'ohdc-installer' and object = 'jira/7'",
				    "connection.secret_ended connection.secret_promoted3"));
}

/* Of several programs one looks: the others find the lock taken and change nothing. */
static void test_rotation_look_is_done_by_one(void)
{
	CLEANUP(job_bench_done) struct job_bench bench = {0};
	CLEANUP(db_return) struct db *other = NULL;
	struct err err = {0};
	int changes = -1;
	job_bench_init(&bench);
	make_connection(&bench, "secret_previous_sealed = 'P', previous_until = now()");
	CU_ASSERT_TRUE_FATAL(db_borrow(bench.pool, 1000, &other, &err) && db_begin(other, &err));
	CU_ASSERT_TRUE(db_run(other, "select pg_advisory_xact_lock(7305803)", NULL, NULL, &err));
	CU_ASSERT_TRUE(rotation_look(bench.pool, &changes, &err) && changes == 0);
	CU_ASSERT_TRUE(db_commit(other, &err));
	CU_ASSERT_TRUE(rotation_look(bench.pool, &changes, &err) && changes == 1);
}

void suite_rotation(void)
{
	CU_pSuite suite = CU_add_suite("rotation", NULL, NULL);
	CU_ADD_TEST(suite, test_rotation_look_goes_by_deliveries);
	CU_ADD_TEST(suite, test_rotation_look_is_done_by_one);
}
