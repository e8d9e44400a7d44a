/* Links: one active one a person, accounts that move, and sealed tokens. */

#include "common/connect/link_store.h"

#include "common/base/mem.h"
#include "tests/io/linker_bench.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define KEYS_TEXT \
	"k1 "     \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Everybody's links as one text, by age. */
static const char all_links[] =
	"select coalesce(string_agg(instance_id || ' ' || user_id || ' ' || account_key || ' ' || "
	"method"
	" || ' ' || status || case when tokens_sealed is null then '' else ' tokens' end, ', '"
	" order by id), '') from user_link";

struct desk {
	struct linker_bench bench;
	struct crypto_keyring keys;
};

static void desk_init(struct desk *desk)
{
	linker_bench_init(&desk->bench);
	linker_bench_run(&desk->bench, "insert into instance (provider, base_url) values"
				       " ('jira', 'https://two.example'),"
				       " ('bitbucket', 'https://bb.example')");
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse(KEYS_TEXT, &desk->keys, NULL));
}

static void desk_done(struct desk *desk)
{
	linker_bench_done(&desk->bench);
}

static bool put(struct desk *desk, const struct link_draft *draft)
{
	CLEANUP(db_return) struct db *db = NULL;
	struct err err = {0};
	bool is_done = db_borrow(desk->bench.pool, 5000, &db, &err) && db_begin(db, &err) &&
		       link_put(db, &desk->keys, draft, &err) && db_commit(db, &err);
	if (!is_done) (void)printf("  link_put: %s\n", err.message);
	return is_done;
}

static bool drop(struct desk *desk, int64_t instance_id, const char *user_id)
{
	CLEANUP(db_return) struct db *db = NULL;
	struct err err = {0};
	return db_borrow(desk->bench.pool, 5000, &db, &err) && link_drop(db, instance_id, user_id, &err);
}

static struct oauth_tokens pair(char *access, char *refresh)
{
	return (struct oauth_tokens){
		.access = {access, strlen(access)}, .refresh = {refresh, strlen(refresh)}, .expires_in_s = 7200};
}

static struct link_draft draft_of(const char *user_id, const char *account, const char *method)
{
	return (struct link_draft){
		.instance_id = 1, .user_id = user_id, .account_key = account, .account_name = "name", .method = method};
}

static void test_link_store_one_active_link(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	char access[] = "at";
	char refresh[] = "rt";
	const struct oauth_tokens tokens = pair(access, refresh);
	struct link_draft draft = draft_of("u1", "K1", "oauth");
	desk_init(&desk);
	linker_bench_run(&desk.bench, "insert into user_link (instance_id, account_key, user_id, method)"
				      " values (3, '7', 'u1', 'operator')");
	draft.tokens = &tokens;
	CU_ASSERT_TRUE(put(&desk, &draft));
	draft.account_key = "K2";
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, all_links,
				       "3 u1 7 operator active, 1 u1 K1 oauth inactive, "
				       "1 u1 K2 oauth active tokens"));
	draft.instance_id = 2;
	draft.tokens = NULL;
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, all_links,
				       "3 u1 7 operator active, 1 u1 K1 oauth inactive, "
				       "1 u1 K2 oauth inactive, 2 u1 K2 oauth active"));
	CU_ASSERT_TRUE(drop(&desk, 2, "u2"));
	CU_ASSERT_TRUE(drop(&desk, 1, NULL));
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select count(*) from user_link"
							 " where status = 'active'"),
			2);
	CU_ASSERT_TRUE(drop(&desk, 2, "u1"));
	CU_ASSERT_EQUAL(linker_bench_number(&desk.bench, "select count(*) from user_link"
							 " where status = 'active'"),
			1);
}

static void test_link_store_account_moves_without_tokens(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	CLEANUP(link_done) struct link link = {0};
	CLEANUP(link_done) struct link none = {0};
	char access[] = "at";
	char refresh[] = "rt";
	const struct oauth_tokens tokens = pair(access, refresh);
	struct link_draft draft = draft_of("u1", "K1", "oauth");
	struct err err = {0};
	desk_init(&desk);
	draft.tokens = &tokens;
	CU_ASSERT_TRUE(put(&desk, &draft));
	draft = draft_of("u2", "K1", "oauth");
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, all_links, "1 u2 K1 oauth active"));
	CU_ASSERT_FALSE(link_of_user(desk.bench.pool, "u1", 0, &none, &err));
	CU_ASSERT_EQUAL(err.code, ERR_NOT_FOUND);
	CU_ASSERT_FALSE(link_of_user(desk.bench.pool, "u2", 2, &none, NULL));
	err = (struct err){0};
	bool is_found = link_of_user(desk.bench.pool, "u2", 1, &link, &err);
	CHECK_TEXT("found", err.message, "");
	CU_ASSERT_TRUE_FATAL(is_found);
	CHECK_TEXT("account", link.account_key, "K1");
	CU_ASSERT_EQUAL(link.instance_id, 1);
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, "select min(id) >= 1000000 from user_link", "t"));
}

static void test_link_store_unknown_account(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	struct link_draft draft = draft_of("u1", NULL, "email");
	desk_init(&desk);
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, all_links, "1 u1 unavailable:u1 email active"));
	draft = draft_of("u1", "K1", "oauth");
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, all_links, "1 u1 K1 oauth active"));
	/* Linked again without naming an account: the one that was there counts again, and how it was proved stays. */
	CU_ASSERT_TRUE(drop(&desk, 1, "u1"));
	draft = draft_of("u1", NULL, "email");
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, all_links, "1 u1 K1 oauth active"));
}

static void test_link_store_tokens(void)
{
	CLEANUP(desk_done) struct desk desk = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CLEANUP(oauth_tokens_done) struct oauth_tokens found = {0};
	CLEANUP(oauth_tokens_done) struct oauth_tokens other = {0};
	char access[] = "at-canary";
	char refresh[] = "rt-canary";
	const struct oauth_tokens tokens = pair(access, refresh);
	struct link_draft draft = draft_of("u1", "K1", "oauth");
	struct err err = {0};
	desk_init(&desk);
	draft.tokens = &tokens;
	CU_ASSERT_TRUE(put(&desk, &draft));
	CU_ASSERT_TRUE_FATAL(db_query(desk.bench.pool,
				      "select encode(tokens_sealed, 'hex'), tokens_sealed::text like "
				      "'%63616e617279%', extract(epoch from token_expires_at - now())::int"
				      " from user_link",
				      NULL, &rows, NULL));
	CU_ASSERT_FALSE(db_bool(&rows, 0, 1));
	CU_ASSERT(db_int(&rows, 0, 2) > 7100 && db_int(&rows, 0, 2) <= 7200);
	CU_ASSERT_TRUE(link_tokens_open(&desk.keys, 1, "K1", &rows, 0, &found, &err));
	CHECK_TEXT("access", found.access.text, "at-canary");
	CHECK_TEXT("refresh", found.refresh.text, "rt-canary");
	/* Moved to another account's row they cannot be opened. */
	CU_ASSERT_FALSE(link_tokens_open(&desk.keys, 1, "K2", &rows, 0, &other, &err));
	CU_ASSERT_EQUAL(err.code, ERR_AUTH);
}

void suite_link_store(void)
{
	CU_pSuite suite = CU_add_suite("link_store", NULL, NULL);
	CU_ADD_TEST(suite, test_link_store_one_active_link);
	CU_ADD_TEST(suite, test_link_store_account_moves_without_tokens);
	CU_ADD_TEST(suite, test_link_store_unknown_account);
	CU_ADD_TEST(suite, test_link_store_tokens);
}
