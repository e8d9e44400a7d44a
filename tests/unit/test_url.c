/* url: normalisation, refusals, and whether a URL lies under a base. */
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/url.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_url_parse_normalises(void)
{
	static const struct {
		const char *text;
		const char *scheme;
		const char *normal;
	} rows[] = {
		{"https://jira.example.com", NULL, "https://jira.example.com"},
		{"https://jira.example.com/", NULL, "https://jira.example.com"},
		{"HTTPS://Jira.Example.COM//", NULL, "https://jira.example.com"},
		{"https://jira.example.com:443/jira/", NULL, "https://jira.example.com/jira"},
		{"http://jira.example.com:80", NULL, "http://jira.example.com"},
		{"http://jira.example.com:443", NULL, "http://jira.example.com:443"},
		{"https://h:8443/a/B.c~1/", NULL, "https://h:8443/a/B.c~1"},
		{"bitbucket.example.com", "https", "https://bitbucket.example.com"},
		{"bitbucket.example.com:7990/bb/", "https", "https://bitbucket.example.com:7990/bb"},
		{"localhost:7990", "http", "http://localhost:7990"},
		{"http://localhost:7990", "https", "http://localhost:7990"},
		{"http://10.1.2.3", NULL, "http://10.1.2.3"},
		{"http://[2001:DB8::1]:8080/x", NULL, "http://[2001:db8::1]:8080/x"},
		{"http://[::1]", NULL, "http://[::1]"},
		{"http://AZaz09-_", NULL, "http://azaz09-_"},
		{"http://my_host-1/%20x", NULL, "http://my_host-1/%20x"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(url_done) struct url url = {0};
		struct err err = {0};
		CHECK(rows[i].text, url_parse(rows[i].text, rows[i].scheme, &url, &err));
		CHECK_TEXT(rows[i].text, err.message, "");
		CLEANUP(mem_free_text) char *normal = url.host ? url_text(&url) : NULL;
		CHECK_TEXT(rows[i].text, normal, rows[i].normal);
	}
}

static void test_url_parse_refuses(void)
{
	static const struct {
		const char *text;
		const char *scheme;
		const char *message; /* its start */
	} rows[] = {
		{"", "https", "the URL is empty"},
		{NULL, "https", "the URL is empty"},
		{"jira.example.com", NULL, "the URL must start with"},
		{"ftp://jira.example.com", "https", "the URL must start with"},
		{"//jira.example.com", NULL, "the URL must start with"},
		{"//jira.example.com", "https", "the URL has no host"},
		{"https://", NULL, "the URL has no host"},
		{"https:///x", NULL, "the URL has no host"},
		{"https://:80", NULL, "the URL has no host"},
		{"https://user:pass@host", NULL, "the URL must not hold a user"},
		{"https://host?x=1", NULL, "the URL must not have a query"},
		{"https://host/#x", NULL, "the URL must not have a query"},
		{"https://host:", NULL, "the port must"},
		{"https://host:0", NULL, "the port must"},
		{"https://host:65536", NULL, "the port must"},
		{"https://host:+80", NULL, "the port must"},
		{"https://[::1]8080", NULL, "the port must"},
		{"https://a..b", NULL, "the host"},
		{"https://.a", NULL, "the host"},
		{"https://a.", NULL, "the host"},
		{"https://a b", NULL, "the host"},
		{" https://a", NULL, "the URL must start with"},
		{"https://a\\b", NULL, "the host"},
		{"https://b\xC3\xBC"
		 "cher.example",
		 NULL, "the host"},
		{"https://[::1", NULL, "the host"},
		{"https://[]", NULL, "the host"},
		{"https://[12]", NULL, "the host"},
		{"https://[::1%eth0]", NULL, "the host"},
		{"https://a/b//c", NULL, "the path"},
		{"https://a/./c", NULL, "the path"},
		{"https://a/b/..", NULL, "the path"},
		{"https://a/b/%2E%2e/c", NULL, "the path"},
		{"https://a/b%2fc", NULL, "the path"},
		{"https://a/b\\c", NULL, "the path"},
		{"https://a/b c", NULL, "the path"},
		{"https://a/b\n", NULL, "the path"},
		{"https://a/b\x7F", NULL, "the path"},
		{"https://a/\xC3\xBC", NULL, "the path"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = rows[i].text ? rows[i].text : "(null)";
		struct url url = {0};
		struct err err = {0};
		CHECK(name, !url_parse(rows[i].text, rows[i].scheme, &url, &err));
		CHECK(name, err.code == ERR_INPUT && !url.host && !url.path);
		CHECK(err.message, strncmp(err.message, rows[i].message, strlen(rows[i].message)) == 0);
		CHECK(name, strstr(err.message, "pass@") == NULL);
	}
}

static void test_url_parse_has_a_ceiling(void)
{
	CLEANUP(url_done) struct url url = {0};
	struct err err = {0};
	char text[LIMIT_URL_BYTES + 2];
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://host/", 13);
	text[LIMIT_URL_BYTES + 1] = '\0';
	CU_ASSERT_FALSE(url_parse(text, NULL, &url, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "the URL is longer than 4096 bytes");
	text[LIMIT_URL_BYTES] = '\0';
	CU_ASSERT_TRUE_FATAL(url_parse(text, NULL, &url, &err));
	CLEANUP(mem_free_text) char *normal = url_text(&url);
	CU_ASSERT_STRING_EQUAL(normal, text);
}

static void test_url_has_host(void)
{
	static const struct {
		const char *text;
		const char *host;
		bool is_same;
	} rows[] = {
		{"https://jira.example.com/browse/A-1?x=1#y", "Jira.example.com", true},
		{"http://JIRA.example.com:8080", "jira.example.com", true},
		{"https://jira.example.com?x", "jira.example.com", true},
		{"https://[::1]:80/x", "[::1]", true},
		{"https://jira.example.com.evil.example", "jira.example.com", false},
		{"https://jira.example.com@evil.example/", "jira.example.com", false},
		{"https://evil.example/jira.example.com", "jira.example.com", false},
		{"https://evil.example\\.jira.example.com", "jira.example.com", false},
		{"https://jira.example.com:x/", "jira.example.com", false},
		{"ftp://jira.example.com", "jira.example.com", false},
		{"jira.example.com", "jira.example.com", false},
		{"", "", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].text, url_has_host(rows[i].text, rows[i].host) == rows[i].is_same);
}

void suite_url(void)
{
	CU_pSuite suite = CU_add_suite("url", NULL, NULL);
	CU_ADD_TEST(suite, test_url_parse_normalises);
	CU_ADD_TEST(suite, test_url_parse_refuses);
	CU_ADD_TEST(suite, test_url_parse_has_a_ceiling);
	CU_ADD_TEST(suite, test_url_has_host);
}
