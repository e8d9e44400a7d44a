/* jira_token: who renews, who waits, and what is left after each way in which it can fail. */

#include "common/connect/jira_token.h"

#include "common/base/mem.h"
#include "common/connect/link_store.h"
#include "common/domain/settings.h"
#include "tests/io/api_script.h"
#include "tests/io/linker_bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "common/base/banned.h"

#define KEYS_TEXT \
	"k1 "     \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PAIR(access, refresh) \
	"{\"access_token\":\"" access "\",\"refresh_token\":\"" refresh "\",\"expires_in\":\"3600\"}"
#define RENEWAL(code, text)                                      \
	{.method = "POST",                                       \
	 .url = "https://jira.example/rest/oauth2/latest/token", \
	 .body = "refresh_token=old-refresh",                    \
	 .is_unsafe = true,                                      \
	 .status = (code),                                       \
	 .answer = (text)}
#define STATE                                                                                    \
	"select concat_ws(' ', status, case when tokens_sealed is null then 'none' else 'pair' " \
	"end,"                                                                                   \
	" case when refresh_owner is null then 'free' else 'held' end,"                          \
	" case when refreshed_at is null then 'old' else 'new' end) from user_link"

/* A link whose old pair has `left_s` left (0: unknown), and Jira as the script says. */
struct desk {
	struct linker_bench bench;
	struct crypto_keyring keys;
	struct config *config;
	struct http_client *client;
	struct oauth oauth;
	struct jira_tokens tokens;
};

static struct config *settings_of(void)
{
	static const char *const pairs[][2] = {
		{"OHDC_DATABASE_URL", "postgresql://x"}, {"OHDC_KAFKA_BROKERS", "x:1"},
		{"OHDC_SEAL_KEYS_FILE", "/dev/null"},    {"OHDC_OPENHANDS_URL", "https://ohe.example"},
		{"WEB_HOST", "app.example.com"},         {"JIRA_DC_BASE_URL", "https://jira.example"},
		{"JIRA_DC_CLIENT_ID", "client"},         {"JIRA_DC_CLIENT_SECRET", "secret"},
	};
	struct config *config = NULL;
	size_t count;
	const struct setting *table = settings_all(&count);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		(void)setenv(pairs[i][0], pairs[i][1], 1);
	bool is_loaded = config_load(table, count, SETTING_LINKER, &config, NULL);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		(void)unsetenv(pairs[i][0]);
	CU_ASSERT_TRUE_FATAL(is_loaded);
	return config;
}

static void link_up(struct desk *desk, const char *access, const char *refresh, int64_t left_s)
{
	CLEANUP(db_return) struct db *db = NULL;
	CLEANUP(oauth_tokens_done) struct oauth_tokens pair = {.expires_in_s = left_s};
	const struct link_draft draft = {
		.instance_id = 1, .user_id = "u-1", .account_key = "JIRAUSER1", .method = "oauth", .tokens = &pair};
	secret_set(&pair.access, access, strlen(access));
	if (refresh) secret_set(&pair.refresh, refresh, strlen(refresh));
	CU_ASSERT_TRUE_FATAL(db_borrow(desk->bench.pool, 5000, &db, NULL) && db_begin(db, NULL) &&
			     link_put(db, &desk->keys, &draft, NULL) && db_commit(db, NULL));
}

static void desk_init(struct desk *desk, int64_t left_s, const struct fake_http_step *steps, size_t count)
{
	linker_bench_init(&desk->bench);
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse(KEYS_TEXT, &desk->keys, NULL));
	desk->config = settings_of();
	desk->client = fake_http_new(steps, count);
	desk->oauth = (struct oauth){.config = desk->config, .client = desk->client};
	desk->tokens = (struct jira_tokens){desk->bench.pool, &desk->keys, &desk->oauth};
	link_up(desk, "old", "old-refresh", left_s);
}

static void desk_done(struct desk *desk)
{
	script_end("script", desk->client);
	config_free(desk->config);
	linker_bench_done(&desk->bench);
}

/* Read the token: it must be `wanted`, or fail with `code`. */
static void check_read(const char *row, struct desk *desk, const char *wanted, enum err_code code)
{
	CLEANUP(secret_done) struct secret token = {0};
	struct err err = {0};
	CHECK(row, jira_token_read(&desk->tokens, "u-1", &token, &err) == (wanted != NULL));
	CHECK_TEXT(row, token.text, wanted);
	CHECK_TEXT(row, err_code_name(err.code), err_code_name(code));
}

static void test_jira_token_that_lasts_is_used(void)
{
	static const struct {
		const char *name;
		int64_t left_s;
	} rows[] = {{"unknown end", 0}, {"an hour", 3600}, {"a little over five minutes", 330}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(desk_done) struct desk desk = {0};
		desk_init(&desk, rows[i].left_s, NULL, 0);
		check_read(rows[i].name, &desk, "old", ERR_NONE);
	}
}

static void test_jira_token_is_renewed_and_stored(void)
{
	static const struct fake_http_step steps[] = {
		RENEWAL(200, PAIR("new", "new-refresh")),
		{.method = "POST",
		 .url = "https://jira.example/rest/oauth2/latest/token",
		 .body = "refresh_token=new-refresh",
		 .is_unsafe = true,
		 .status = 200,
		 .answer = "{\"access_token\":\"newer\",\"expires_in\":3600}"},
		{.method = "POST",
		 .url = "https://jira.example/rest/oauth2/latest/token",
		 .body = "refresh_token=new-refresh", /* not named again: it stays */
		 .is_unsafe = true,
		 .status = 200,
		 .answer = "{\"access_token\":\"newest\"}"},
	};
	static const char make_old[] = "update user_link set token_expires_at = now() +"
				       " interval '299 s'";
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, 299, steps, ARRAY_LEN(steps));
	check_read("renewed", &desk, "new", ERR_NONE);
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, STATE, "active pair free new"));
	check_read("stored", &desk, "new", ERR_NONE);
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select round(extract(epoch from token_expires_at -"
							 " now()) / 60)::int from user_link"),
			60);
	linker_bench_run(&desk.bench, make_old);
	check_read("once more", &desk, "newer", ERR_NONE);
	linker_bench_run(&desk.bench, make_old);
	check_read("end not said", &desk, "newest", ERR_NONE);
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select count(*) from user_link where"
							 " token_expires_at is null"),
			1);
	check_read("unknown end", &desk, "newest", ERR_NONE);
}

static void test_jira_token_refused_for_good(void)
{
	static const struct fake_http_step step = RENEWAL(400, "{\"error\":\"invalid_grant\"}");
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, 100, &step, 1);
	check_read("refused", &desk, NULL, ERR_AUTH);
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, STATE, "active none free old"));
	check_read("not asked again", &desk, NULL, ERR_AUTH);
	link_up(&desk, "again", "again-refresh", 3600);
	check_read("linked again", &desk, "again", ERR_NONE);
}

static void test_jira_token_without_means_to_renew(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, 100, NULL, 0);
	link_up(&desk, "old", NULL, 100);
	check_read("no refresh token", &desk, NULL, ERR_AUTH);
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, STATE, "active none free old"));
}

static void test_jira_token_serves_while_jira_is_away(void)
{
	static const struct {
		const char *name;
		int64_t left_s;
		enum err_code fails;
		int status;
		const char *first;
		enum err_code code;
		enum err_code again;
	} rows[] = {
		{"away, still good", 100, ERR_NETWORK, 0, "old", ERR_NONE, ERR_NONE},
		{"away, run out", -5, ERR_NETWORK, 0, NULL, ERR_NETWORK, ERR_BUSY},
		{"no answer, still good", 100, ERR_UNCERTAIN, 0, "old", ERR_NONE, ERR_NONE},
		{"error of its own, run out", -5, ERR_NONE, 503, NULL, ERR_UNCERTAIN, ERR_BUSY},
		{"our client refused, still good", 100, ERR_NONE, 401, "old", ERR_NONE, ERR_NONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_http_step steps[] = {
			{.method = "POST",
			 .url = "https://jira.example/rest/oauth2/latest/token",
			 .is_unsafe = true,
			 .fails = rows[i].fails,
			 .status = rows[i].status,
			 .answer = rows[i].status == 401 ? "{\"error\":\"invalid_client\"}" : ""},
			RENEWAL(200, PAIR("new", "new-refresh")),
		};
		CLEANUP(desk_done) struct desk desk = {0};
		desk_init(&desk, rows[i].left_s, steps, ARRAY_LEN(steps));
		check_read(rows[i].name, &desk, rows[i].first, rows[i].code);
		CHECK(rows[i].name, linker_bench_is(&desk.bench, STATE, "active pair free old"));
		check_read(rows[i].name, &desk, rows[i].first, rows[i].again);
		linker_bench_run(&desk.bench, "update user_link set refresh_until = now()");
		check_read(rows[i].name, &desk, "new", ERR_NONE);
	}
}

static void test_jira_token_of_nobody(void)
{
	static const struct {
		const char *name;
		const char *change;
		enum err_code code;
	} rows[] = {
		{"inactive", "update user_link set status = 'inactive'", ERR_NOT_FOUND},
		{"another person", "update user_link set user_id = 'u-2'", ERR_NOT_FOUND},
		{"another Jira", "update instance set base_url = 'https://other.example'", ERR_NOT_FOUND},
		{"linked by an operator", "update user_link set method = 'operator', tokens_sealed = null", ERR_NOT_FOUND},
		{"sealed for another account", "update user_link set account_key = 'JIRAUSER2'", ERR_AUTH},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(desk_done) struct desk desk = {0};
		desk_init(&desk, 100, NULL, 0);
		linker_bench_run(&desk.bench, rows[i].change);
		check_read(rows[i].name, &desk, NULL, rows[i].code);
	}
}

static void test_jira_token_takes_over_from_the_dead(void)
{
	static const struct fake_http_step step = RENEWAL(200, PAIR("new", "new-refresh"));
	CLEANUP(desk_done) struct desk desk = {0};
	desk_init(&desk, 100, &step, 1);
	linker_bench_run(&desk.bench, "update user_link set refresh_owner = 'dead',"
				      " refresh_until = now() - interval '1 ms'");
	check_read("taken over", &desk, "new", ERR_NONE);
}

static void drop_meanwhile(void *context)
{
	struct desk *desk = context;
	linker_bench_run(&desk->bench, "update user_link set status = 'inactive',"
				       " tokens_sealed = null, refresh_owner = null");
}

static void test_jira_token_of_who_leaves_meanwhile(void)
{
	struct fake_http_step step = RENEWAL(200, PAIR("new", "new-refresh"));
	CLEANUP(desk_done) struct desk desk = {0};
	step.meanwhile = drop_meanwhile;
	step.context = &desk;
	desk_init(&desk, 100, &step, 1);
	check_read("unlinked while Jira answers", &desk, NULL, ERR_NOT_FOUND);
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, STATE, "inactive none free old"));
}

/* --- many at once ------------------------------------------------------------------------------------ */

enum { READERS = 50 };

struct reader {
	struct desk *desk;
	pthread_barrier_t *start;
	struct secret token;
	struct err err;
};

/* Attempts to claim are counted, also those that get nothing: a trigger by statement. */
static void count_claims(struct desk *desk)
{
	linker_bench_run(&desk->bench, "create sequence claims");
	linker_bench_run(&desk->bench, "create function count_claim() returns trigger language plpgsql as"
				       " $$ begin perform nextval('claims'); return null; end $$");
	linker_bench_run(&desk->bench, "create trigger count_claim after update on user_link"
				       " for each statement execute function count_claim()");
}

static void wait_claims(struct desk *desk, int64_t wanted)
{
	while (linker_bench_number(&desk->bench, "select last_value from claims") < wanted)
		(void)sched_yield();
}

static void wait_for_all(void *context)
{
	wait_claims(context, READERS);
}

static void *read_one(void *context)
{
	struct reader *reader = context;
	(void)pthread_barrier_wait(reader->start);
	(void)!jira_token_read(&reader->desk->tokens, "u-1", &reader->token, &reader->err);
	return NULL;
}

static void test_jira_token_is_renewed_once_for_fifty(void)
{
	struct fake_http_step step = RENEWAL(200, PAIR("new", "new-refresh"));
	CLEANUP(desk_done) struct desk desk = {0};
	struct reader readers[READERS] = {0};
	pthread_t threads[READERS];
	pthread_barrier_t start;
	step.meanwhile = wait_for_all; /* Jira answers when everybody has tried to be the one */
	step.context = &desk;
	desk_init(&desk, 100, &step, 1);
	count_claims(&desk);
	(void)pthread_barrier_init(&start, NULL, READERS);
	for (size_t i = 0; i < READERS; i++) {
		readers[i].desk = &desk;
		readers[i].start = &start;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, read_one, &readers[i]), 0);
	}
	for (size_t i = 0; i < READERS; i++) {
		(void)pthread_join(threads[i], NULL);
		CHECK_TEXT(readers[i].err.message, readers[i].token.text, "new");
		secret_done(&readers[i].token);
	}
	(void)pthread_barrier_destroy(&start);
	CU_ASSERT_EQUAL(fake_http_played(desk.client), 1);
}

static void test_jira_token_waits_for_another_process(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	struct reader reader = {.desk = &desk};
	pthread_barrier_t start;
	pthread_t thread;
	desk_init(&desk, 100, NULL, 0);
	linker_bench_run(&desk.bench, "update user_link set refresh_owner = 'other',"
				      " refresh_until = now() + interval '1 h'");
	count_claims(&desk);
	(void)pthread_barrier_init(&start, NULL, 2);
	reader.start = &start;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_one, &reader), 0);
	(void)pthread_barrier_wait(&start);
	wait_claims(&desk, 3);
	link_up(&desk, "of-the-other", "x", 3600);
	(void)pthread_join(thread, NULL);
	CHECK_TEXT(reader.err.message, reader.token.text, "of-the-other");
	secret_done(&reader.token);
	(void)pthread_barrier_destroy(&start);
}

void suite_jira_token(void);

void suite_jira_token(void)
{
	CU_pSuite suite = CU_add_suite("jira_token", NULL, NULL);
	CU_ADD_TEST(suite, test_jira_token_that_lasts_is_used);
	CU_ADD_TEST(suite, test_jira_token_is_renewed_and_stored);
	CU_ADD_TEST(suite, test_jira_token_refused_for_good);
	CU_ADD_TEST(suite, test_jira_token_without_means_to_renew);
	CU_ADD_TEST(suite, test_jira_token_serves_while_jira_is_away);
	CU_ADD_TEST(suite, test_jira_token_of_nobody);
	CU_ADD_TEST(suite, test_jira_token_takes_over_from_the_dead);
	CU_ADD_TEST(suite, test_jira_token_of_who_leaves_meanwhile);
	CU_ADD_TEST(suite, test_jira_token_is_renewed_once_for_fifty);
	CU_ADD_TEST(suite, test_jira_token_waits_for_another_process);
}
