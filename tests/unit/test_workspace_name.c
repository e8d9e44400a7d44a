/* workspace_name: what people type into a host field, and which server it is. */
#include "common/domain/workspace_name.h"

#include "common/base/mem.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define OWN "https://jira.example.com/jira"
#define OWN_PORT "http://jira.example.com:8080"

static void test_workspace_name_read(void)
{
	static const struct {
		const char *name; /* of the row: what is typed */
		const char *own;
		const char *host;
		const char *base_url;
	} rows[] = {
		{"jira.example.com", NULL, "jira.example.com", "https://jira.example.com"},
		{"  Jira.Example.COM \t", NULL, "jira.example.com", "https://jira.example.com"},
		{"https://jira.example.com", NULL, "jira.example.com", "https://jira.example.com"},
		{"https://https://jira.example.com/", NULL, "jira.example.com", "https://jira.example.com"},
		{"http://https:// jira.example.com", NULL, "jira.example.com", "https://jira.example.com"},
		{"http://jira.example.com//", NULL, "jira.example.com", "https://jira.example.com"},
		{"jira.example.com:8443", NULL, "jira.example.com:8443", "https://jira.example.com:8443"},
		{"jira.example.com:443", NULL, "jira.example.com", "https://jira.example.com"},
		{"jira.example.com/jira/", NULL, "jira.example.com", "https://jira.example.com/jira"},
		{"jira.example.com", OWN, "jira.example.com", OWN},
		{"https://https://JIRA.example.com/jira", OWN, "jira.example.com", OWN},
		{"jira.example.com/other", OWN, "jira.example.com", OWN},
		{"jira.example.com", OWN_PORT, "jira.example.com:8080", OWN_PORT},
		{"jira.example.com:8080", OWN_PORT, "jira.example.com:8080", OWN_PORT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(workspace_name_done) struct workspace_name name = {0};
		struct err err = {0};
		CHECK(rows[i].name, workspace_name_read(rows[i].name, rows[i].own, &name, &err));
		CHECK_TEXT(rows[i].name, err.message, "");
		CHECK_TEXT(rows[i].name, name.name, rows[i].host);
		CHECK_TEXT(rows[i].name, name.base_url, rows[i].base_url);
	}
}

static void test_workspace_name_refused(void)
{
	static const struct {
		const char *name;
		const char *own;
		enum err_code code;
		const char *part; /* of the message */
	} rows[] = {
		{"", NULL, ERR_INPUT, "no host was entered"},
		{" https:// ", NULL, ERR_INPUT, "no host was entered"},
		{"jira example.com", NULL, ERR_INPUT, "enter Jira's host name alone"},
		{"admin:pw@jira.example.com", NULL, ERR_INPUT, "user name or password"},
		{"jira.example.com@evil.example", OWN, ERR_INPUT, "user name or password"},
		{"jira.example.com#x", NULL, ERR_INPUT, "enter Jira's host name alone"},
		{"jira.example.com?x=y", NULL, ERR_INPUT, "enter Jira's host name alone"},
		{"ftp://jira.example.com", NULL, ERR_INPUT, "http"},
		{"jira.example.com:99999", NULL, ERR_INPUT, "port"},
		{"other.example.com", OWN, ERR_CONFLICT, "the Jira at " OWN},
		{"jira.example.com:8443", OWN, ERR_CONFLICT, "the Jira at " OWN},
		{"jira.example.com.evil.example", OWN, ERR_CONFLICT, "the Jira at " OWN},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(workspace_name_done) struct workspace_name name = {0};
		struct err err = {0};
		CHECK(rows[i].name, !workspace_name_read(rows[i].name, rows[i].own, &name, &err));
		CHECK(rows[i].name, err.code == rows[i].code);
		CHECK(err.message, strstr(err.message, rows[i].part) != NULL);
		CHECK(rows[i].name, !name.name && !name.base_url);
	}
}

static void test_workspace_name_of_url(void)
{
	CLEANUP(mem_free_text) char *plain = workspace_name_of("https://jira.example.com/jira");
	CLEANUP(mem_free_text) char *port = workspace_name_of("http://jira.example.com:8080");
	CLEANUP(mem_free_text) char *none = workspace_name_of("://");
	CHECK_TEXT("plain", plain, "jira.example.com");
	CHECK_TEXT("port", port, "jira.example.com:8080");
	CHECK_TEXT("none", none, "");
}

void suite_workspace_name(void)
{
	CU_pSuite suite = CU_add_suite("workspace_name", NULL, NULL);
	CU_ADD_TEST(suite, test_workspace_name_read);
	CU_ADD_TEST(suite, test_workspace_name_refused);
	CU_ADD_TEST(suite, test_workspace_name_of_url);
}
