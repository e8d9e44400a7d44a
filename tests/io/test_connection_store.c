/* connection_store: rows as they were put, one Jira once, secrets that change without a gap. */

#include "common/connect/connection_store.h"

#include "common/base/mem.h"
#include "tests/io/job_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define JIRA "https://jira.example.com"

/* A database with keys, and a transaction at hand. */
struct store_bench {
	struct job_bench database;
	struct crypto_keyring keys;
	struct connection_store store;
	struct db *db;
};

static void bench_init(struct store_bench *bench)
{
	job_bench_init(&bench->database);
	bench->keys = (struct crypto_keyring){.keys = {{.id = "k1", .key = {7}}}, .count = 1};
	bench->store = (struct connection_store){bench->database.pool, &bench->keys};
	CU_ASSERT_TRUE_FATAL(db_borrow(bench->database.pool, 1000, &bench->db, NULL));
}

static void bench_done(struct store_bench *bench)
{
	db_return(&bench->db);
	job_bench_done(&bench->database);
}

static struct secret secret_of(const char *text)
{
	struct secret secret = {0};
	secret_set(&secret, text, strlen(text));
	return secret;
}

static void put_jira(struct store_bench *bench, const char *status, struct connection_row *ret)
{
	CLEANUP(secret_done) struct secret secret = secret_of("current-secret");
	*ret = (struct connection_row){.provider = PROVIDER_JIRA,
				       .base_url = mem_dup(JIRA),
				       .status = mem_dup(status),
				       .owner_user_id = mem_dup("u1"),
				       .svc_email = mem_dup("bot@example.com")};
	CU_ASSERT_TRUE_FATAL(instance_put(bench->db, PROVIDER_JIRA, JIRA, NULL, &ret->instance_id, NULL));
	CU_ASSERT_TRUE_FATAL(connection_put(bench->db, &bench->keys, ret, &secret, NULL));
	CU_ASSERT_TRUE_FATAL(ret->id > 0);
}

static void test_connection_store_keeps_a_row(void)
{
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(connection_row_done) struct connection_row found = {0};
	CLEANUP(connection_row_done) struct connection_row none = {0};
	struct err err = {0};
	bench_init(&bench);
	CU_ASSERT_FALSE(connection_of_url(&bench.store, JIRA, &none, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
	put_jira(&bench, "pending", &row);
	CU_ASSERT_TRUE(job_bench_is(&bench.database, "select activated_at from connection", ""));

	mem_free(row.status);
	row.status = mem_dup("active");
	row.hook_id = mem_dup("12");
	row.hook_error = mem_dup("Jira answered 403");
	row.is_secret_shown = true;
	CU_ASSERT_TRUE(connection_put(bench.db, &bench.keys, &row, NULL, &err));
	CU_ASSERT_TRUE_FATAL(connection_of_url(&bench.store, JIRA, &found, &err));
	CHECK_TEXT("url", found.base_url, JIRA);
	CHECK_TEXT("status", found.status, "active");
	CHECK_TEXT("hook", found.hook_id, "12");
	CHECK_TEXT("owner", found.owner_user_id, "u1");
	CHECK_TEXT("org", found.org_id, NULL);
	CHECK_TEXT("e-mail", found.svc_email, "bot@example.com");
	CHECK_TEXT("error", found.hook_error, "Jira answered 403");
	CU_ASSERT_EQUAL(strlen(found.created_at), strlen("2026-01-01T00:00:00.000000"));
	CU_ASSERT_TRUE(found.is_secret_shown && !found.has_bot_token && !found.has_next_secret);
	CU_ASSERT_TRUE(job_bench_is(&bench.database, "select activated_at is not null from connection", "t"));
	CU_ASSERT_TRUE(connection_read(&bench.store, PROVIDER_JIRA, row.id, &none, &err));
}

static void test_connection_store_has_one_connection_a_jira(void)
{
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(secret_done) struct secret secret = secret_of("another-secret-1");
	struct err err = {0};
	bench_init(&bench);
	put_jira(&bench, "active", &row);
	struct connection_row twin = {.provider = PROVIDER_JIRA, .instance_id = row.instance_id, .status = row.status};
	CU_ASSERT_FALSE(connection_put(bench.db, &bench.keys, &twin, &secret, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	CU_ASSERT_EQUAL(twin.id, 0);
}

static void put_server(struct store_bench *bench, const char *base_url)
{
	CLEANUP(secret_done) struct secret secret = secret_of("current-secret");
	CLEANUP(connection_row_done) struct connection_row row = {
		.provider = PROVIDER_JIRA, .base_url = mem_dup(base_url), .status = mem_dup("active")};
	CU_ASSERT_TRUE_FATAL(instance_put(bench->db, PROVIDER_JIRA, base_url, NULL, &row.instance_id, NULL));
	CU_ASSERT_TRUE_FATAL(connection_put(bench->db, &bench->keys, &row, &secret, NULL));
}

static void test_connection_store_finds_what_people_name(void)
{
	static const struct {
		const char *name; /* what is typed */
		const char *own;
		const char *base_url; /* NULL: not found */
	} rows[] = {
		{"a.example", NULL, "https://a.example/jira"},
		{"a.example/jira", NULL, "https://a.example/jira"},
		{"a.example/other", NULL, NULL},
		{"a.example", "https://a.example", NULL},
		{"a.example", "https://a.example/jira", "https://a.example/jira"},
		{"b.example", NULL, "https://b.example"},
		{"b.example/two", NULL, "https://b.example/two"},
		{"c.example", NULL, NULL},
		{"c.example/one", NULL, "https://c.example/one"},
		{"d.example:8080", NULL, "http://d.example:8080"},
		{"d.example", NULL, NULL},
	};
	static const char *const servers[] = {"https://a.example/jira", "https://b.example",
					      "https://b.example/two",  "https://c.example/one",
					      "https://c.example/two",  "http://d.example:8080"};
	CLEANUP(bench_done) struct store_bench bench = {0};
	bench_init(&bench);
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		put_server(&bench, servers[i]);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(workspace_name_done) struct workspace_name name = {0};
		CLEANUP(connection_row_done) struct connection_row row = {0};
		struct err err = {0};
		CU_ASSERT_TRUE_FATAL(workspace_name_read(rows[i].name, rows[i].own, &name, NULL));
		CHECK(rows[i].name, connection_named(&bench.store, &name, &row, &err) == (rows[i].base_url != NULL));
		CHECK(rows[i].name, err.code == (rows[i].base_url ? ERR_NONE : ERR_NOT_FOUND));
		CHECK_TEXT(rows[i].name, row.base_url, rows[i].base_url);
	}
}

/* A repository is known by its number; its name serves only where a number is missing. */
static void test_connection_store_finds_a_repository(void)
{
	static const struct {
		const char *name;
		int64_t stored_id;
		int64_t id;
		const char *key;
		const char *slug;
		bool is_found;
	} rows[] = {
		{"number", 5, 5, "NEW", "name", true},
		{"other number, same name", 5, 6, "PROJ", "app", false},
		{"name only, any case", 5, 0, "proj", "APP", true},
		{"number never stored", 0, 9, "PROJ", "app", true},
		{"other name", 0, 0, "PROJ", "lib", false},
	};
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(secret_done) struct secret secret = secret_of("another-secret-1");
	struct err err = {0};
	bench_init(&bench);
	CLEANUP(connection_row_done) struct connection_row row = {.provider = PROVIDER_BITBUCKET,
								  .project_key = mem_dup("PROJ"),
								  .repo_slug = mem_dup("app"),
								  .status = mem_dup("active")};
	CU_ASSERT_TRUE(instance_put(bench.db, PROVIDER_BITBUCKET, "https://bb.example.com", NULL, &row.instance_id, NULL));
	CU_ASSERT_TRUE_FATAL(connection_put(bench.db, &bench.keys, &row, &secret, &err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(connection_row_done) struct connection_row found = {0};
		row.repo_id = rows[i].stored_id;
		CU_ASSERT_TRUE(connection_put(bench.db, &bench.keys, &row, NULL, &err));
		CHECK(rows[i].name, connection_of_repo(&bench.store, "https://bb.example.com", rows[i].id, rows[i].key,
						       rows[i].slug, &found, &err) == rows[i].is_found);
	}
}

/* ---- changing a secret ------------------------------------------------------------------------------------------ */

/* The three secrets in clear, "-" where there is none: "current next previous". */
static const char *secrets_are(struct store_bench *bench, char ret[256])
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	size_t len = 0;
	CU_ASSERT_TRUE_FATAL(db_run(bench->db,
				    "select 'connection.secret:jira/' || id, encode(secret_sealed, "
				    "'hex'), encode(secret_next_sealed, 'hex'), "
				    "encode(secret_previous_sealed, 'hex') from connection",
				    NULL, &rows, NULL));
	for (int i = 1; i <= 3; i++) {
		CLEANUP(secret_done) struct secret secret = {0};
		uint8_t *sealed = NULL;
		size_t sealed_len = 0;
		if (db_hex(&rows, 0, i, &sealed, &sealed_len))
			CU_ASSERT_TRUE(crypto_open(&bench->keys, db_text(&rows, 0, 0), bytes_of(sealed, sealed_len),
						   &secret, NULL));
		mem_free(sealed);
		len += (size_t)snprintf(ret + len, 256 - len, "%s%s", i > 1 ? " " : "", secret.text ? secret.text : "-");
	}
	return ret;
}

static bool next(struct store_bench *bench, const struct connection_row *row, const char *text, const char *wanted,
		 struct err *err)
{
	CLEANUP(secret_done) struct secret secret = {0};
	CLEANUP(secret_done) struct secret given = {0};
	if (text) secret_set(&secret, text, strlen(text));
	bool is_done = connection_secret_next(bench->db, &bench->keys, row, &secret, &given, err);
	if (is_done && wanted) CHECK_TEXT("given back", given.text, wanted);
	return is_done;
}

static void wait_is_over(struct store_bench *bench)
{
	job_bench_run(&bench->database, "update connection set next_at = next_at - interval '1 hour',"
					" rotated_at = rotated_at - interval '1 hour'");
}

static void test_connection_store_changes_a_secret_in_steps(void)
{
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(secret_done) struct secret kept = {0};
	struct err err = {0};
	char text[256];
	bench_init(&bench);
	put_jira(&bench, "active", &row);

	CU_ASSERT_TRUE(next(&bench, &row, "current-secret", "current-secret", &err));
	CHECK_TEXT("same", secrets_are(&bench, text), "current-secret - -");
	CU_ASSERT_TRUE(next(&bench, &row, "second-secret", "second-secret", &err));
	CU_ASSERT_TRUE(next(&bench, &row, NULL, "second-secret", &err));
	CU_ASSERT_TRUE(next(&bench, &row, "second-secret", "second-secret", &err));
	CHECK_TEXT("next", secrets_are(&bench, text), "current-secret second-secret -");
	CU_ASSERT_TRUE(connection_secret_kept(bench.db, &bench.keys, &row, &kept, &err));
	CHECK_TEXT("kept", kept.text, "second-secret");

	/* Somebody may be putting the second one into the hook right now. */
	CU_ASSERT_FALSE(next(&bench, &row, "third-secret", NULL, &err));
	CU_ASSERT_TRUE(err.code == ERR_LIMIT && err.retry_after_ms > 50000);
	wait_is_over(&bench);
	CU_ASSERT_TRUE(next(&bench, &row, "third-secret", "third-secret", &err));
	CHECK_TEXT("replaced", secrets_are(&bench, text), "current-secret third-secret second-secret");

	CU_ASSERT_TRUE(connection_secret_promote(bench.db, &row, &err));
	CHECK_TEXT("promoted", secrets_are(&bench, text), "third-secret - current-secret");
	CU_ASSERT_TRUE(connection_secret_promote(bench.db, &row, &err));
	CHECK_TEXT("promoted twice", secrets_are(&bench, text), "third-secret - current-secret");
}

/* Deliveries with the former secret may still be on their way. */
static void test_connection_store_rests_after_a_change(void)
{
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	struct err err = {0};
	char text[256];
	bench_init(&bench);
	put_jira(&bench, "active", &row);
	CU_ASSERT_TRUE(next(&bench, &row, "second-secret", NULL, &err));
	CU_ASSERT_TRUE(connection_secret_promote(bench.db, &row, &err));
	CU_ASSERT_TRUE(next(&bench, &row, NULL, "second-secret", &err));
	CU_ASSERT_FALSE(next(&bench, &row, "third-secret", NULL, &err));
	CU_ASSERT_EQUAL(err.code, ERR_LIMIT);
	CHECK_TEXT("resting", secrets_are(&bench, text), "second-secret - current-secret");
	wait_is_over(&bench);
	CU_ASSERT_TRUE(next(&bench, &row, NULL, NULL, &err));
	CLEANUP(connection_row_done) struct connection_row found = {0};
	CU_ASSERT_TRUE(connection_read(&bench.store, PROVIDER_JIRA, row.id, &found, &err));
	CU_ASSERT_TRUE(found.has_next_secret);
}

static void test_connection_store_shows_a_secret_once(void)
{
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(secret_done) struct secret shown = {0};
	CLEANUP(secret_done) struct secret again = {0};
	struct err err = {0};
	bench_init(&bench);
	put_jira(&bench, "pending", &row);
	CU_ASSERT_TRUE(connection_secret_show(bench.db, &bench.keys, &row, &shown, &err));
	CHECK_TEXT("shown", shown.text, "current-secret");
	CU_ASSERT_FALSE(connection_secret_show(bench.db, &bench.keys, &row, &again, &err));
	CU_ASSERT_EQUAL(err.code, ERR_CONFLICT);
	CU_ASSERT_FALSE(secret_is_set(&again));
}

static void test_connection_store_seals_the_bots_token(void)
{
	CLEANUP(bench_done) struct store_bench bench = {0};
	CLEANUP(connection_row_done) struct connection_row row = {0};
	CLEANUP(connection_row_done) struct connection_row found = {0};
	CLEANUP(secret_done) struct secret token = secret_of("canary-token");
	struct err err = {0};
	bench_init(&bench);
	put_jira(&bench, "active", &row);
	CU_ASSERT_TRUE(connection_put_bot_token(bench.db, &bench.keys, &row, &token, &err));
	CU_ASSERT_TRUE(connection_read(&bench.store, PROVIDER_JIRA, row.id, &found, &err));
	CU_ASSERT_TRUE(found.has_bot_token);
	CU_ASSERT_TRUE(job_bench_is(&bench.database,
				    "select position('canary'::bytea in bot_token_sealed) from connection", "0"));
	CU_ASSERT_TRUE(connection_audit(bench.db, "u1", "connection.add", &found, &err));
	CU_ASSERT_TRUE(job_bench_is(&bench.database,
				    "select operator || ' ' || action || ' ' || (detail->>'base_url') from "
				    "audit",
				    "u1 connection.add " JIRA));
}

void suite_connection_store(void)
{
	CU_pSuite suite = CU_add_suite("connection_store", NULL, NULL);
	CU_ADD_TEST(suite, test_connection_store_keeps_a_row);
	CU_ADD_TEST(suite, test_connection_store_has_one_connection_a_jira);
	CU_ADD_TEST(suite, test_connection_store_finds_what_people_name);
	CU_ADD_TEST(suite, test_connection_store_finds_a_repository);
	CU_ADD_TEST(suite, test_connection_store_changes_a_secret_in_steps);
	CU_ADD_TEST(suite, test_connection_store_rests_after_a_change);
	CU_ADD_TEST(suite, test_connection_store_shows_a_secret_once);
	CU_ADD_TEST(suite, test_connection_store_seals_the_bots_token);
}
