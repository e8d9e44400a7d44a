/* access_rule: who may start, and what may stand on a list. */
#include "common/base/mem.h"
#include "common/domain/access_rule.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define RULE(effect, kind, value) "{\"effect\":\"" effect "\",\"kind\":\"" kind "\",\"value\":\"" value "\"}"
#define ORG "00000000-0000-4000-8000-00000000000a"

/* Ann asks in PROJ for PROJ/app, which is worked on in her fork. */
static const struct access_subject ann = {.names = {
						  [ACCESS_PROJECT] = {"PROJ"},
						  [ACCESS_REPOSITORY] = {"PROJ/app", "~ann/app"},
						  [ACCESS_USER] = {"JIRAUSER10100", "ann"},
						  [ACCESS_ORG] = {ORG},
					  }};

static void test_access_decides(void)
{
	static const struct {
		const char *name;
		const char *rules;
		const char *why; /* NULL: may start */
	} rows[] = {
		{"no rules", "[]", NULL},
		{"denied project", "[" RULE("deny", "project", "PROJ") "]", "The list of denied projects names PROJ."},
		{"another denied project", "[" RULE("deny", "project", "PROJX") "]", NULL},
		{"part of a key", "[" RULE("deny", "project", "PRO") "]", NULL},
		{"in another case", "[" RULE("deny", "project", "proj") "]", "The list of denied projects names PROJ."},
		{"denied repository", "[" RULE("deny", "repository", "proj/APP") "]",
		 "The list of denied repositories names PROJ/app."},
		{"denied fork", "[" RULE("deny", "repository", "~ann/app") "]",
		 "The list of denied repositories names ~ann/app."},
		{"denied by name", "[" RULE("deny", "user", "ann") "]", "The list of denied people names ann."},
		{"denied by key", "[" RULE("deny", "user", "JIRAUSER10100") "]",
		 "The list of denied people names JIRAUSER10100."},
		{"denied org", "[" RULE("deny", "org", ORG) "]", "The list of denied organizations names " ORG "."},
		{"a name of another kind", "[" RULE("deny", "project", "ann") "]", NULL},
		{"allowed project", "[" RULE("allow", "project", "PROJ") "]", NULL},
		{"only another is allowed", "[" RULE("allow", "project", "OTHER") "]",
		 "The list of allowed projects does not name PROJ."},
		{"only another is allowed, and a denial of a third follows",
		 "[" RULE("allow", "project", "OTHER") "," RULE("deny", "project", "X") "]",
		 "The list of allowed projects does not name PROJ."},
		{"one of the allowed", "[" RULE("allow", "project", "OTHER") "," RULE("allow", "project", "PROJ") "]",
		 NULL},
		{"allowed and denied", "[" RULE("allow", "project", "PROJ") "," RULE("deny", "project", "PROJ") "]",
		 "The list of denied projects names PROJ."},
		{"denied and allowed", "[" RULE("deny", "project", "PROJ") "," RULE("allow", "project", "PROJ") "]",
		 "The list of denied projects names PROJ."},
		{"project allowed, person denied",
		 "[" RULE("allow", "project", "PROJ") "," RULE("deny", "user", "ann") "]",
		 "The list of denied people names ann."},
		{"the allowance of one kind says nothing about another",
		 "[" RULE("allow", "user", "ann") "," RULE("allow", "org", ORG) "]", NULL},
		{"each kind with allowances must allow",
		 "[" RULE("allow", "user", "ann") "," RULE("allow", "repository", "X/y") "]",
		 "The list of allowed repositories does not name PROJ/app."},
		{"target allowed, fork not named", "[" RULE("allow", "repository", "PROJ/app") "]", NULL},
		{"a kind we do not know", "[" RULE("deny", "planet", "PROJ") "]", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf why = {0};
		json_auto_t *rules = json_loads(rows[i].rules, 0, NULL);
		strbuf_init(&why, 500);
		CHECK(rows[i].name, access_permits(rules, &ann, &why) == !rows[i].why);
		CHECK_TEXT(rows[i].name, strbuf_text(&why), rows[i].why ? rows[i].why : "");
	}
}

static void test_access_when_not_all_is_known(void)
{
	static const struct {
		const char *name;
		const char *rules;
		const char *repository;
		bool may;
	} rows[] = {
		{"not known, allow list", "[" RULE("allow", "repository", "X/y") "]", NULL, true},
		{"not known, deny list", "[" RULE("deny", "repository", "X/y") "]", NULL, true},
		{"none, allow list", "[" RULE("allow", "repository", "X/y") "]", "", false},
		{"none, deny list", "[" RULE("deny", "repository", "X/y") "]", "", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(strbuf_done) struct strbuf why = {0};
		json_auto_t *rules = json_loads(rows[i].rules, 0, NULL);
		const struct access_subject subject = {.names = {[ACCESS_REPOSITORY] = {rows[i].repository}}};
		strbuf_init(&why, 500);
		CHECK(rows[i].name, access_permits(rules, &subject, &why) == rows[i].may);
	}
}

static void test_access_value_reads_what_people_type(void)
{
	static const struct {
		const char *kind;
		const char *typed;
		const char *value; /* NULL: refused */
	} rows[] = {
		{"project", "PROJ", "PROJ"},
		{"project", "  proj\n", "PROJ"},
		{"project", "~Alice", "~Alice"},
		{"project", "", NULL},
		{"project", "PROJ/app", NULL},
		{"project", "two words", NULL},
		{"project", "https://bb/projects/PROJ", NULL},
		{"repository", "PROJ/app", "PROJ/app"},
		{"repository", " PROJ/my.app ", "PROJ/my.app"},
		{"repository", "~alice/app", "~alice/app"},
		{"repository", "https://bb.example/projects/PROJ/repos/app/browse", "PROJ/app"},
		{"repository", "app", NULL},
		{"repository", "/app", NULL},
		{"repository", "PROJ/", NULL},
		{"repository", "a/b/c", NULL},
		{"repository", "https://bb.example/", NULL},
		{"user", "alice", "alice"},
		{"user", "@alice", "alice"},
		{"user", "@", NULL},
		{"user", "Alice Smith", NULL},
		{"user", "al\x01ice", NULL},
		{"user", "\xC3\xA4nne", "\xC3\xA4nne"},
		{"user", "\xC3", NULL},
		{"org", "00000000-0000-4000-8000-00000000000A", ORG},
		{"org", "acme", NULL},
		{"planet", "x", NULL},
		{NULL, "x", NULL},
		{"user", NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(mem_free_text) char *value = NULL;
		struct err err = {0};
		const char *row = rows[i].typed ? rows[i].typed : "(null)";
		CHECK(row, access_value(rows[i].kind, rows[i].typed, &value, &err) == (rows[i].value != NULL));
		CHECK_TEXT(row, value, rows[i].value);
		CHECK(row, rows[i].value || err.code == ERR_INPUT);
	}
}

static void test_access_value_has_a_ceiling(void)
{
	char longest[ACCESS_VALUE_BYTES + 2];
	char *value = NULL;
	memset(longest, 'a', sizeof(longest));
	longest[ACCESS_VALUE_BYTES + 1] = '\0';
	CU_ASSERT_FALSE(access_value("user", longest, &value, NULL));
	longest[ACCESS_VALUE_BYTES] = '\0';
	CU_ASSERT_TRUE(access_value("user", longest, &value, NULL));
	mem_free(value);
}

void suite_access_rule(void);

void suite_access_rule(void)
{
	CU_pSuite suite = CU_add_suite("access_rule", NULL, NULL);
	CU_ADD_TEST(suite, test_access_decides);
	CU_ADD_TEST(suite, test_access_when_not_all_is_known);
	CU_ADD_TEST(suite, test_access_value_reads_what_people_type);
	CU_ADD_TEST(suite, test_access_value_has_a_ceiling);
}
