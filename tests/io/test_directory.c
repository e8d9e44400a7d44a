/* Directories: who a person is, by links, Keycloak's attribute and verified e-mail; and what no answer means. */

#include "services/linker/directory.h"

#include "common/base/mem.h"
#include "common/domain/settings.h"
#include "tests/io/api_script.h"
#include "tests/io/linker_bench.h"

#include <stdlib.h>

#include "common/base/banned.h"

#define KEYCLOAK "http://kc.example"
#define USERS KEYCLOAK "/admin/realms/allhands/users"
#define TOKEN(name)                                                                  \
	{.method = "POST",                                                           \
	 .url = KEYCLOAK "/realms/allhands/protocol/openid-connect/token",           \
	 .body = "grant_type=client_credentials&client_id=ohdc&client_secret=s%26t", \
	 .status = 200,                                                              \
	 .answer = "{\"access_token\":\"" name "\"}"}
#define GET(address, code, text) {.method = "GET", .url = (address), .body = "", .status = (code), .answer = (text)}
#define BY_ID USERS "?q=bitbucket_data_center_id%3A7&max=3"
#define BY_SLUG USERS "?q=bitbucket_data_center_id%3Aann.b&max=3"
#define BY_EMAIL USERS "?email=ann%40example.com&exact=true&max=3"
#define COUNT USERS "/count"
#define ANN                                                                                      \
	"[{\"id\":\"user-ann\",\"enabled\":true,\"emailVerified\":true,\"email\":\"ann@example." \
	"com\"}]"
#define JIRA "https://jira.example"
#define BITBUCKET "https://bb.example"

enum { STEPS_MAX = 8 };

/* Directories over a script, as the environment says. */
struct desk {
	struct linker_bench bench;
	struct config *config;
	struct http_client *client;
	struct directories *directories;
};

static void set_environment(bool is_oauth)
{
	static const char *const pairs[][2] = {
		{"OHDC_DATABASE_URL", "postgresql://x"},
		{"OHDC_KAFKA_BROKERS", "x:1"},
		{"OHDC_SEAL_KEYS_FILE", "/dev/null"},
		{"OHDC_OPENHANDS_URL", "https://ohe.example"},
		{"WEB_HOST", "app.example.com"},
		{"KEYCLOAK_SERVER_URL", KEYCLOAK},
		{"OHDC_KEYCLOAK_CLIENT_ID", "ohdc"},
		{"OHDC_KEYCLOAK_CLIENT_SECRET", "s&t"},
		{"JIRA_DC_BASE_URL", JIRA},
		{"BITBUCKET_DATA_CENTER_HOST", BITBUCKET},
		{"JIRA_DC_SERVICE_ACCOUNT_PAT", "pat"},
		{"JIRA_DC_SERVICE_ACCOUNT_EMAIL", "bot@example.com"},
	};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		(void)setenv(pairs[i][0], pairs[i][1], 1);
	(void)setenv("JIRA_DC_ENABLE_OAUTH", is_oauth ? "1" : "0", 1);
}

static void clear_environment(void)
{
	static const char *const names[] = {
		"OHDC_DATABASE_URL",          "OHDC_KAFKA_BROKERS",          "KEYCLOAK_SERVER_URL",
		"OHDC_KEYCLOAK_CLIENT_ID",    "OHDC_KEYCLOAK_CLIENT_SECRET", "JIRA_DC_BASE_URL",
		"BITBUCKET_DATA_CENTER_HOST", "JIRA_DC_SERVICE_ACCOUNT_PAT", "JIRA_DC_SERVICE_ACCOUNT_EMAIL",
		"JIRA_DC_ENABLE_OAUTH",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)unsetenv(names[i]);
}

static void desk_init(struct desk *desk, bool is_oauth, const struct fake_http_step *steps)
{
	size_t setting_count;
	const struct setting *settings = settings_all(&setting_count);
	struct err err = {0};
	size_t count = 0;
	while (count < STEPS_MAX && steps[count].method)
		count++;
	linker_bench_init(&desk->bench);
	set_environment(is_oauth);
	bool is_loaded = config_load(settings, setting_count, SETTING_LINKER, &desk->config, &err);
	clear_environment();
	CU_ASSERT_TRUE_FATAL(is_loaded);
	desk->client = fake_http_new(steps, count);
	struct directory_options options = {desk->bench.pool, desk->config, desk->client, 1000, NULL};
	CU_ASSERT_TRUE_FATAL(directories_new(&options, &desk->directories, &err));
}

static void desk_done(struct desk *desk)
{
	directories_free(desk->directories);
	http_client_free(desk->client);
	config_free(desk->config);
	linker_bench_done(&desk->bench);
}

static char *fixed(const char *text)
{
	return (char *)(uintptr_t)text;
}

static enum lookup ask(struct desk *desk, enum provider provider, const char *base_url, const struct person *actor,
		       struct lookup_answer *ret)
{
	const struct lookup_question question = {provider, 1, base_url, actor};
	struct err err = {0};
	return directories_find(desk->directories, &question, ret, &err);
}

struct row {
	const char *name;
	struct fake_http_step steps[STEPS_MAX];
	enum lookup lookup;
	const char *user_id;
	enum reason reason;
};

static void check_row(const struct row *row, bool is_oauth, enum provider provider, const char *base_url,
		      const struct person *actor)
{
	CLEANUP(desk_done) struct desk desk = {0};
	CLEANUP(lookup_answer_done) struct lookup_answer answer = {0};
	desk_init(&desk, is_oauth, row->steps);
	CHECK(row->name, ask(&desk, provider, base_url, actor, &answer) == row->lookup);
	CHECK_TEXT(row->name, answer.user_id, row->user_id);
	if (row->lookup == LOOKUP_REFUSED) CHECK_TEXT(row->name, reason_name(answer.reason), reason_name(row->reason));
	CHECK_TEXT(row->name, fake_http_problem(desk.client), NULL);
}

static void test_directory_bitbucket_people(void)
{
	static const struct row rows[] = {
		{"by id", {TOKEN("t"), GET(BY_ID, 200, ANN)}, LOOKUP_HIT, "user-ann", 0},
		{"by slug",
		 {TOKEN("t"), GET(BY_ID, 200, "[]"), GET(COUNT, 200, "5"), GET(BY_SLUG, 200, ANN)},
		 LOOKUP_HIT,
		 "user-ann",
		 0},
		{"nobody",
		 {TOKEN("t"), GET(BY_ID, 200, "[]"), GET(COUNT, 200, "5"), GET(BY_SLUG, 200, "[]")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_UNKNOWN},
		{"switched off",
		 {TOKEN("t"), GET(BY_ID, 200, "[{\"id\":\"u\",\"enabled\":false}]")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_LOGIN_NEEDED},
		{"several",
		 {TOKEN("t"), GET(BY_ID, 200, "[{\"id\":\"u\",\"enabled\":true},{\"id\":\"v\",\"enabled\":true}]")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_NOT_LINKED},
		{"token has run out",
		 {TOKEN("t"), GET(BY_ID, 401, "{}"), TOKEN("t2"), GET(BY_ID, 200, ANN)},
		 LOOKUP_HIT,
		 "user-ann",
		 0},
		{"token never good",
		 {TOKEN("t"), GET(BY_ID, 401, "{}"), TOKEN("t2"), GET(BY_ID, 401, "{}")},
		 LOOKUP_FAILED,
		 NULL,
		 0},
		{"no rights: sees none", {TOKEN("t"), GET(BY_ID, 200, "[]"), GET(COUNT, 200, "0")}, LOOKUP_FAILED, NULL, 0},
		{"no rights: forbidden", {TOKEN("t"), GET(BY_ID, 403, "{}")}, LOOKUP_FAILED, NULL, 0},
		{"no rights to count", {TOKEN("t"), GET(BY_ID, 200, "[]"), GET(COUNT, 403, "{}")}, LOOKUP_FAILED, NULL, 0},
		{"away", {TOKEN("t"), GET(BY_ID, 503, "<html>")}, LOOKUP_FAILED, NULL, 0},
		{"a page instead", {TOKEN("t"), GET(BY_ID, 200, "<html>")}, LOOKUP_FAILED, NULL, 0},
		{"an object instead", {TOKEN("t"), GET(BY_ID, 200, "{}")}, LOOKUP_FAILED, NULL, 0},
		{"token refused",
		 {{.method = "POST",
		   .url = KEYCLOAK "/realms/allhands/protocol/openid-connect/token",
		   .status = 401,
		   .answer = "{}"}},
		 LOOKUP_FAILED,
		 NULL,
		 0},
		{"token is none",
		 {{.method = "POST",
		   .url = KEYCLOAK "/realms/allhands/protocol/openid-connect/token",
		   .status = 200,
		   .answer = "{\"access_token\":7}"}},
		 LOOKUP_FAILED,
		 NULL,
		 0},
	};
	const struct person ann = {.id = fixed("7"), .key = fixed("ann.b"), .name = fixed("Ann.B")};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], true, PROVIDER_BITBUCKET, BITBUCKET, &ann);
}

static void test_directory_bitbucket_ids_of_other_servers_say_nothing(void)
{
	static const struct row nothing = {"other server", {{0}}, LOOKUP_REFUSED, NULL, REASON_USER_NOT_LINKED};
	static const struct row once = {"slug of digits",
					{TOKEN("t"), GET(BY_ID, 200, "[]"), GET(COUNT, 200, "5")},
					LOOKUP_REFUSED,
					NULL,
					REASON_USER_UNKNOWN};
	const struct person ann = {.id = fixed("7"), .key = fixed("ann.b")};
	const struct person digits = {.id = fixed("7"), .key = fixed("12")};
	check_row(&nothing, true, PROVIDER_BITBUCKET, "https://other.example", &ann);
	check_row(&once, true, PROVIDER_BITBUCKET, BITBUCKET, &digits);
}

static void test_directory_jira_oauth_never_takes_an_email_for_a_link(void)
{
	static const struct row rows[] = {
		{"has an account", {TOKEN("t"), GET(BY_EMAIL, 200, ANN)}, LOOKUP_REFUSED, NULL, REASON_USER_NOT_LINKED},
		{"has none",
		 {TOKEN("t"), GET(BY_EMAIL, 200, "[]"), GET(COUNT, 200, "5")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_UNKNOWN},
		{"keycloak away", {TOKEN("t"), GET(BY_EMAIL, 500, "")}, LOOKUP_FAILED, NULL, 0},
	};
	static const struct row hidden = {"hidden", {{0}}, LOOKUP_REFUSED, NULL, REASON_USER_UNKNOWN};
	const struct person ann = {.key = fixed("K1"), .name = fixed("ann"), .email = fixed("ann@example.com")};
	const struct person shy = {.key = fixed("K1"), .name = fixed("ann")};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], true, PROVIDER_JIRA, JIRA, &ann);
	check_row(&hidden, true, PROVIDER_JIRA, JIRA, &shy);
}

static void test_directory_jira_email_must_be_verified_and_unique(void)
{
	static const struct row rows[] = {
		{"verified", {TOKEN("t"), GET(BY_EMAIL, 200, ANN)}, LOOKUP_HIT, "user-ann", 0},
		{"nobody",
		 {TOKEN("t"), GET(BY_EMAIL, 200, "[]"), GET(COUNT, 200, "5")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_UNKNOWN},
		{"unverified",
		 {TOKEN("t"), GET(BY_EMAIL, 200, "[{\"id\":\"u\",\"enabled\":true,\"email\":\"ann@example.com\"}]")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_NOT_LINKED},
		{"only alike",
		 {TOKEN("t"),
		  GET(BY_EMAIL, 200,
		      "[{\"id\":\"u\",\"enabled\":true,\"emailVerified\":true,\"email\":\"ann@example.com.evil\"}]")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_UNKNOWN},
		{"switched off",
		 {TOKEN("t"),
		  GET(BY_EMAIL, 200,
		      "[{\"id\":\"u\",\"enabled\":false,\"emailVerified\":true,\"email\":\"ann@example.com\"}]")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_LOGIN_NEEDED},
	};
	const struct person ann = {.key = fixed("K1"), .name = fixed("ann"), .email = fixed("ann@example.com")};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], false, PROVIDER_JIRA, JIRA, &ann);
}

static void test_directory_jira_email_of_another_server_does_not_count(void)
{
	static const struct row row = {
		"another server", {TOKEN("t"), GET(BY_EMAIL, 200, ANN)}, LOOKUP_REFUSED, NULL, REASON_USER_NOT_LINKED};
	const struct person ann = {.key = fixed("K1"), .email = fixed("ann@example.com")};
	check_row(&row, false, PROVIDER_JIRA, "https://evil.example", &ann);
}

static void test_directory_jira_asks_for_a_hidden_email(void)
{
#define USER JIRA "/rest/api/2/user?key=K%261"
	static const struct row rows[] = {
		{"shown to the bot",
		 {{.method = "GET",
		   .url = USER,
		   .header = "Authorization: Bearer pat",
		   .body = "",
		   .status = 200,
		   .answer = "{\"emailAddress\":\"ann@example.com\"}"},
		  TOKEN("t"),
		  GET(BY_EMAIL, 200, ANN)},
		 LOOKUP_HIT,
		 "user-ann",
		 0},
		{"hidden from the bot too",
		 {GET(USER, 200, "{\"name\":\"ann\"}")},
		 LOOKUP_REFUSED,
		 NULL,
		 REASON_USER_NOT_LINKED},
		{"gone", {GET(USER, 404, "<html>")}, LOOKUP_REFUSED, NULL, REASON_USER_NOT_LINKED},
		{"jira away", {GET(USER, 503, "<html>")}, LOOKUP_FAILED, NULL, 0},
		{"bot locked out", {GET(USER, 401, "")}, LOOKUP_FAILED, NULL, 0},
	};
	const struct person shy = {.key = fixed("K&1"), .name = fixed("ann")};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], false, PROVIDER_JIRA, JIRA, &shy);
}

static void test_directory_jira_email_enrols_one_account(void)
{
	static const struct fake_http_step steps[STEPS_MAX] = {TOKEN("t"), GET(BY_EMAIL, 200, ANN),
							       GET(BY_EMAIL, 200, ANN)};
	CLEANUP(desk_done) struct desk desk = {0};
	const struct person ann = {.key = fixed("K1"), .name = fixed("ann"), .email = fixed("ann@example.com")};
	const struct person twin = {.key = fixed("K2"), .name = fixed("ann2"), .email = fixed("ann@example.com")};
	CLEANUP(lookup_answer_done) struct lookup_answer first = {0};
	CLEANUP(lookup_answer_done) struct lookup_answer again = {0};
	CLEANUP(lookup_answer_done) struct lookup_answer other = {0};
	desk_init(&desk, false, steps);
	CU_ASSERT(ask(&desk, PROVIDER_JIRA, JIRA, &ann, &first) == LOOKUP_HIT);
	CU_ASSERT_TRUE(linker_bench_is(&desk.bench, "select account_key || user_id || method from user_link",
				       "K1user-annemail"));
	/* From now on the link answers; nobody else can take the same account. */
	CU_ASSERT(ask(&desk, PROVIDER_JIRA, JIRA, &ann, &again) == LOOKUP_HIT);
	CU_ASSERT(ask(&desk, PROVIDER_JIRA, JIRA, &twin, &other) == LOOKUP_REFUSED);
	CU_ASSERT(other.reason == REASON_USER_NOT_LINKED);
	CHECK_TEXT("script", fake_http_problem(desk.client), NULL);
}

/* What is in user_link before somebody is matched by e-mail, and what then. */
static void test_directory_jira_email_and_earlier_links(void)
{
	static const struct {
		const char *name;
		const char *before; /* account, user, method, status */
		const char *after;
		enum lookup found;
	} rows[] = {
		{"linked by e-mail, account not known yet", "('unavailable:user-ann', 'user-ann', 'email', 'active')",
		 "K1 user-ann email active", LOOKUP_HIT},
		{"of somebody else", "('unavailable:user-bob', 'user-bob', 'email', 'active')",
		 "K1 user-ann email active, unavailable:user-bob user-bob email active", LOOKUP_HIT},
		{"disconnected", "('K1', 'user-ann', 'email', 'inactive')", "K1 user-ann email inactive", LOOKUP_REFUSED},
		{"disconnected before the account was known", "('unavailable:user-ann', 'user-ann', 'email', 'inactive')",
		 "unavailable:user-ann user-ann email inactive", LOOKUP_REFUSED},
		{"linked by an operator to somebody else", "('K1', 'user-bob', 'operator', 'inactive')",
		 "K1 user-bob operator inactive", LOOKUP_REFUSED},
	};
	static const struct fake_http_step steps[STEPS_MAX] = {TOKEN("t"), GET(BY_EMAIL, 200, ANN)};
	const struct person ann = {.key = fixed("K1"), .name = fixed("ann"), .email = fixed("ann@example.com")};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(desk_done) struct desk desk = {0};
		CLEANUP(lookup_answer_done) struct lookup_answer answer = {0};
		char sql[256];
		desk_init(&desk, false, steps);
		(void)snprintf(sql, sizeof(sql),
			       "insert into user_link (instance_id, account_key, user_id, method,"
			       " status) select 1, v.* from (values %s) v",
			       rows[i].before);
		linker_bench_run(&desk.bench, sql);
		CHECK(rows[i].name, ask(&desk, PROVIDER_JIRA, JIRA, &ann, &answer) == rows[i].found);
		CHECK(rows[i].name, linker_bench_is(&desk.bench,
						    "select string_agg(account_key || ' ' || user_id || ' ' || method"
						    " || ' ' || status, ', ' order by account_key) from user_link",
						    rows[i].after));
	}
}

static void test_directory_links(void)
{
	const struct {
		const char *name;
		enum provider provider;
		struct person actor;
		bool is_oauth;
		const char *user_id; /* NULL: no hit */
	} rows[] = {
		{"jira by key", PROVIDER_JIRA, {.key = (char[]){"K1"}, .name = (char[]){"x"}}, true, "by-key"},
		{"jira by name, without a key", PROVIDER_JIRA, {.name = (char[]){"ann"}}, true, "by-name"},
		{"jira by name, with another key", PROVIDER_JIRA, {.key = (char[]){"K9"}, .name = (char[]){"ann"}}, true, NULL},
		{"matched by e-mail once, OAuth now", PROVIDER_JIRA, {.key = (char[]){"K3"}}, true, NULL},
		{"matched by e-mail", PROVIDER_JIRA, {.key = (char[]){"K3"}}, false, "by-email"},
		{"disconnected", PROVIDER_JIRA, {.key = (char[]){"K4"}}, true, NULL},
		{"named like a stand-in", PROVIDER_JIRA, {.name = (char[]){"unavailable:u"}}, true, NULL},
		{"bitbucket by id before slug",
		 PROVIDER_BITBUCKET,
		 {.id = (char[]){"7"}, .key = (char[]){"ann"}},
		 true,
		 "by-id"},
		{"bitbucket by slug", PROVIDER_BITBUCKET, {.id = (char[]){"8"}, .key = (char[]){"ann"}}, true, "by-name"},
	};
	static const struct fake_http_step no_steps[STEPS_MAX] = {{0}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(desk_done) struct desk desk = {0};
		CLEANUP(lookup_answer_done) struct lookup_answer answer = {0};
		desk_init(&desk, rows[i].is_oauth, no_steps);
		linker_bench_run(&desk.bench, "insert into user_link (instance_id, account_key, "
					      "user_id, org_id, method) values"
					      " (1, 'K1', 'by-key', 'org', 'oauth'), (1, 'ann', "
					      "'by-name', null, 'operator'),"
					      " (1, 'K3', 'by-email', null, 'email'), (1, '7', "
					      "'by-id', null, 'operator'),"
					      " (1, 'K4', 'gone', null, 'oauth'),"
					      " (1, 'unavailable:u', 'u', null, 'operator')");
		linker_bench_run(&desk.bench, "update user_link set status = 'inactive'"
					      " where account_key = 'K4'");
		const char *base_url = rows[i].provider == PROVIDER_JIRA ? JIRA : "https://other.example";
		enum lookup found = ask(&desk, rows[i].provider, base_url, &rows[i].actor, &answer);
		CHECK(rows[i].name, found == (rows[i].user_id ? LOOKUP_HIT : LOOKUP_REFUSED));
		CHECK_TEXT(rows[i].name, answer.user_id, rows[i].user_id);
	}
}

void suite_directory(void)
{
	CU_pSuite suite = CU_add_suite("directory", NULL, NULL);
	CU_ADD_TEST(suite, test_directory_bitbucket_people);
	CU_ADD_TEST(suite, test_directory_bitbucket_ids_of_other_servers_say_nothing);
	CU_ADD_TEST(suite, test_directory_jira_oauth_never_takes_an_email_for_a_link);
	CU_ADD_TEST(suite, test_directory_jira_email_must_be_verified_and_unique);
	CU_ADD_TEST(suite, test_directory_jira_email_of_another_server_does_not_count);
	CU_ADD_TEST(suite, test_directory_jira_asks_for_a_hidden_email);
	CU_ADD_TEST(suite, test_directory_jira_email_enrols_one_account);
	CU_ADD_TEST(suite, test_directory_jira_email_and_earlier_links);
	CU_ADD_TEST(suite, test_directory_links);
}
