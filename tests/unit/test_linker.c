/* The linker's pure files: what Keycloak's answers mean, and held partitions. */
#include "common/domain/hold.h"
#include "services/linker/keycloak_answer.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define USER(id, rest) "{\"id\":\"" id "\"," rest "}"
#define ON "\"enabled\":true,\"emailVerified\":true"

static void test_keycloak_by_attribute(void)
{
	static const struct {
		const char *name;
		const char *users;
		enum account account;
		const char *id;
	} rows[] = {
		{"nobody", "[]", ACCOUNT_NONE, ""},
		{"one, attribute not shown", "[" USER("u1", ON) "]", ACCOUNT_ONE, "u1"},
		{"one, attribute shown", "[" USER("u1", ON ",\"attributes\":{\"bb\":[\"7\"]}") "]", ACCOUNT_ONE, "u1"},
		{"another value shown", "[" USER("u1", ON ",\"attributes\":{\"bb\":[\"70\"]}") "]", ACCOUNT_NONE, ""},
		{"only another attribute shown", "[" USER("u1", ON ",\"attributes\":{\"x\":[\"7\"]}") "]", ACCOUNT_ONE,
		 "u1"},
		{"attribute of a wrong type", "[" USER("u1", ON ",\"attributes\":{\"bb\":7}") "]", ACCOUNT_NONE, ""},
		{"two", "[" USER("u1", ON) "," USER("u2", ON) "]", ACCOUNT_AMBIGUOUS, ""},
		{"two, one shown to be another",
		 "[" USER("u1", ON ",\"attributes\":{\"bb\":[\"8\"]}") "," USER("u2", ON) "]", ACCOUNT_ONE, "u2"},
		{"switched off", "[" USER("u1", "\"enabled\":false") "]", ACCOUNT_DISABLED, ""},
		{"says nothing about being on", "[" USER("u1", "\"x\":1") "]", ACCOUNT_DISABLED, ""},
		{"unverified address does not matter", "[" USER("u1", "\"enabled\":true,\"emailVerified\":false") "]",
		 ACCOUNT_ONE, "u1"},
		{"no id", "[{\"enabled\":true}]", ACCOUNT_NONE, ""},
		{"no objects", "[1,null,\"u\"]", ACCOUNT_AMBIGUOUS, ""},
		{"no list", "{}", ACCOUNT_NONE, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *users = json_loads(rows[i].users, 0, NULL);
		char id[ACCOUNT_ID_SIZE] = "";
		CHECK(rows[i].name, keycloak_account(users, "bb", "7", id) == rows[i].account);
		CHECK_TEXT(rows[i].name, id, rows[i].id);
	}
}

static void test_keycloak_by_email(void)
{
	static const struct {
		const char *name;
		const char *users;
		enum account account;
		const char *id;
	} rows[] = {
		{"exact", "[" USER("u1", ON ",\"email\":\"a@example.com\"") "]", ACCOUNT_ONE, "u1"},
		{"other case", "[" USER("u1", ON ",\"email\":\"A@Example.com\"") "]", ACCOUNT_ONE, "u1"},
		{"longer", "[" USER("u1", ON ",\"email\":\"aa@example.com\"") "]", ACCOUNT_NONE, ""},
		{"not shown", "[" USER("u1", ON) "]", ACCOUNT_NONE, ""},
		{"two, one fits",
		 "[" USER("u1", ON ",\"email\":\"aa@example.com\"") "," USER("u2", ON ",\"email\":\"a@example.com\"") "]",
		 ACCOUNT_ONE, "u2"},
		{"two fit",
		 "[" USER("u1", ON ",\"email\":\"a@example.com\"") "," USER("u2", ON ",\"email\":\"A@example.com\"") "]",
		 ACCOUNT_AMBIGUOUS, ""},
		{"unverified", "[" USER("u1", "\"enabled\":true,\"emailVerified\":false,\"email\":\"a@example.com\"") "]",
		 ACCOUNT_UNVERIFIED, ""},
		{"says nothing about verification", "[" USER("u1", "\"enabled\":true,\"email\":\"a@example.com\"") "]",
		 ACCOUNT_UNVERIFIED, ""},
		{"switched off",
		 "[" USER("u1", "\"enabled\":false,\"emailVerified\":true,\"email\":\"a@example.com\"") "]",
		 ACCOUNT_DISABLED, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *users = json_loads(rows[i].users, 0, NULL);
		char id[ACCOUNT_ID_SIZE] = "";
		CHECK(rows[i].name, keycloak_account(users, NULL, "a@example.com", id) == rows[i].account);
		CHECK_TEXT(rows[i].name, id, rows[i].id);
	}
}

static void test_keycloak_values_cannot_change_the_query(void)
{
	CU_ASSERT(keycloak_is_value("3231"));
	CU_ASSERT(keycloak_is_value("ann.b_c~d-e"));
	CU_ASSERT(!keycloak_is_value("3 x:y"));
	CU_ASSERT(!keycloak_is_value("3&max=100"));
	CU_ASSERT(!keycloak_is_value("3:4"));
	CU_ASSERT(!keycloak_is_value("\"3\""));
	CU_ASSERT(!keycloak_is_value(""));
	CU_ASSERT(!keycloak_is_value(NULL));
}

static void test_hold_keeps_a_partition_where_it_is(void)
{
	struct holds holds = {0};
	CU_ASSERT(!holds_has(&holds, 1, 10));
	CU_ASSERT_TRUE(holds_add(&holds, 1, 10, 1000));
	CU_ASSERT(!holds_has(&holds, 1, 9));
	CU_ASSERT(holds_has(&holds, 1, 10));
	CU_ASSERT(holds_has(&holds, 1, 11));
	CU_ASSERT(!holds_has(&holds, 2, 11));
	CU_ASSERT_TRUE(holds_add(&holds, 1, 12, 2000));
	CU_ASSERT(holds_has(&holds, 1, 10) && holds.count == 1);
	CU_ASSERT_TRUE(holds_add(&holds, 1, 8, 3000));
	CU_ASSERT(holds_has(&holds, 1, 8));
}

static void test_holds_say_when_there_is_no_room(void)
{
	struct holds holds = {0};
	for (int32_t partition = 0; partition < HOLDS_MAX; partition++)
		CU_ASSERT_TRUE(holds_add(&holds, partition, 10, 1000));
	CU_ASSERT_FALSE(holds_add(&holds, HOLDS_MAX, 10, 1000));
	CU_ASSERT_TRUE(holds_add(&holds, 3, 9, 1000));
}

static void test_hold_ends_with_its_time(void)
{
	struct holds holds = {0};
	CU_ASSERT(!holds_expire(&holds, 0));
	CU_ASSERT_TRUE(holds_add(&holds, 1, 10, 1000));
	CU_ASSERT_TRUE(holds_add(&holds, 2, 20, 5000));
	CU_ASSERT(!holds_expire(&holds, 1000 + HOLD_MS - 1));
	CU_ASSERT(holds_expire(&holds, 1000 + HOLD_MS));
	CU_ASSERT(!holds_has(&holds, 1, 10));
	CU_ASSERT(holds_has(&holds, 2, 20));
}

void suite_linker(void)
{
	CU_pSuite suite = CU_add_suite("linker", NULL, NULL);
	CU_ADD_TEST(suite, test_keycloak_by_attribute);
	CU_ADD_TEST(suite, test_keycloak_by_email);
	CU_ADD_TEST(suite, test_keycloak_values_cannot_change_the_query);
	CU_ADD_TEST(suite, test_hold_keeps_a_partition_where_it_is);
	CU_ADD_TEST(suite, test_holds_say_when_there_is_no_room);
	CU_ADD_TEST(suite, test_hold_ends_with_its_time);
}
