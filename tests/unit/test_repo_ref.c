/* repo_ref: lines, URLs, bare names, and what only looks like one. */
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/domain/repo_ref.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

struct row {
	const char *text;
	const char *names; /* joined with spaces */
};

static void join_names(const struct repo_refs *refs, struct strbuf *ret)
{
	strbuf_init(ret, 4096);
	for (size_t i = 0; i < refs->count; i++) {
		strbuf_add(ret, i > 0 ? " " : "");
		strbuf_add(ret, refs->list[i].name);
	}
}

static void check_rows(enum repo_ref_kind kind, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(repo_refs_done) struct repo_refs refs = {0};
		CLEANUP(strbuf_done) struct strbuf names;
		repo_refs_add(&refs, kind, rows[i].text);
		join_names(&refs, &names);
		CHECK_TEXT(rows[i].text, strbuf_text(&names), rows[i].names);
	}
}

static void test_repo_ref_lines(void)
{
	static const struct row rows[] = {
		{"Repository: Acme/web-app", "Acme/web-app"},
		{"repository: acme/web", "acme/web"},
		{"REPOSITORY:acme/web", "acme/web"},
		{"Repository : acme/web", "acme/web"},
		{"text\r\nRepository: acme/web\r\nmore", "acme/web"},
		{"  Repository: acme/web.", "acme/web"},
		{"*Repository:* acme/web", "acme/web"},
		{"**Repository**: acme/web", "acme/web"},
		{"_Repository:_ acme/web", "acme/web"},
		{"* Repository: acme/web", "acme/web"},
		{"- Repository: `acme/web`", "acme/web"},
		{"h3. Repository: acme/web", "acme/web"},
		{"## Repository: acme/web", "acme/web"},
		{"|| Repository: | acme/web |", "acme/web"},
		{"Repository: {{acme/web}}", "acme/web"},
		{"Repository: [acme/web|https://github.com/acme/web]", "acme/web"},
		{"Repository: https://github.com/acme/web.git", "acme/web"},
		{"Repository: https://bb.example.com/projects/TEAM/repos/app/browse", "TEAM/app"},
		{"Repository: https://bb.example.com/users/ann/repos/app", "~ann/app"},
		{"Repository: ~ann/app", "~ann/app"},
		{"Repository: group/sub/project", "group/sub/project"},
		{"Repository: acme/next.js", "acme/next.js"},
		{"Repository: and/or", "and/or"},
		{"Repository: acme/web please", "acme/web"},
		{"Repository: acme/a, acme/b", "acme/a acme/b"},
		{"Repository: acme/a and/or acme/b", "acme/a"},
		{"Repository: acme/a\nRepository: acme/b", "acme/a acme/b"},
		{"Repository:", ""},
		{"Repository: web", ""},
		{"Repository: https://jira.example.com/browse/PROJ-1", ""},
		{"The Repository: acme/web", ""},
		{"Repositories: acme/web", ""},
		{"> Repository: acme/web", ""},
		{"acme/web", ""},
		{"Repository\n: acme/web", ""},
	};
	check_rows(REPO_REF_LINE, rows, ARRAY_LEN(rows));
}

static void test_repo_ref_urls(void)
{
	static const struct row rows[] = {
		{"see https://bb.example.com/projects/TEAM/repos/app", "TEAM/app"},
		{"https://bb.example.com/bitbucket/projects/TEAM/repos/app/pull-requests/7/"
		 "overview",
		 "TEAM/app"},
		{"http://bb:7990/users/ann/repos/app/browse/README.md", "~ann/app"},
		{"https://bb.example.com/scm/TEAM/app.git", "TEAM/app"},
		{"https://bb.example.com/bitbucket/scm/~ann/app.git", "~ann/app"},
		{"ssh://git@bb.example.com:7999/team/app.git", "team/app"},
		{"https://github.com/acme/web", "acme/web"},
		{"HTTPS://GitHub.com/acme/web", "acme/web"},
		{"https://github.com/acme/web/issues/3", "acme/web"},
		{"https://github.com/acme/web/blob/main/a/b.c#L3", "acme/web"},
		{"https://github.com/acme/next.js", "acme/next.js"},
		{"https://user:token@github.com/acme/web.git", "acme/web"},
		{"https://gitlab.example.com/group/sub/project", "group/sub/project"},
		{"https://gitlab.example.com/group/sub/project/-/merge_requests/4", "group/sub/project"},
		{"https://gitlab.example.com/group/project.git", "group/project"},
		{"(https://github.com/acme/web)", "acme/web"},
		{"[web|https://github.com/acme/web]", "acme/web"},
		{"[web](https://github.com/acme/web).", "acme/web"},
		{"<https://github.com/acme/web>", "acme/web"},
		{"https://github.com/acme/web?tab=readme", "acme/web"},
		{"https://github.com/acme/web/", "acme/web"},
		{"https://github.com/a/b, https://github.com/c/d", "a/b c/d"},
		{"https://github.com/a/b https://github.com/A/B", "a/b"},
		{"https://jira.example.com/browse/PROJ-1", ""},
		{"https://jira.example.com/jira/browse/PROJ-1", ""},
		{"https://jira.example.com/secure/attachment/1/a.png", ""},
		{"https://jira.example.com/rest/api/2/issue/1", ""},
		{"https://bb.example.com/projects/TEAM", ""},
		{"https://example.com/docs/page.html", ""},
		{"https://example.com/acme", ""},
		{"https://example.com", ""},
		{"https://", ""},
		{"https:///a/b", ""},
		{"ftp://example.com/a/b", ""},
		{"https://example.com/../..", ""},
		{"https://example.com/%2e/b", ""},
		{"acme/web", ""},
	};
	check_rows(REPO_REF_URL, rows, ARRAY_LEN(rows));
}

static void test_repo_ref_bare_names(void)
{
	static const struct row rows[] = {
		{"acme/web", "acme/web"},
		{"fix acme/web please", "acme/web"},
		{"in acme/web.", "acme/web"},
		{"(acme/web)", "acme/web"},
		{"`acme/web`", "acme/web"},
		{"*acme/web*", "acme/web"},
		{"{{acme/web}}", "acme/web"},
		{"{code}acme/web{code}", "acme/web"},
		{"\"acme/web\", 'acme/api'", "acme/web acme/api"},
		{"repo:acme/web", "acme/web"},
		{"acme/web.git", "acme/web"},
		{"git@github.com:acme/web.git", "acme/web"},
		{"Acme-Corp/web_app.v2", "Acme-Corp/web_app.v2"},
		{"~ann/app", "~ann/app"},
		{"acme/web acme/WEB", "acme/web"},
		{"and/or", ""},
		{"Yes/No", ""},
		{"TCP/IP", ""},
		{"CI/CD", ""},
		{"A/B", ""},
		{"w/o", ""},
		{"n/a", ""},
		{"w/website", ""},
		{"1/2", ""},
		{"24/7", ""},
		{"2024/05", ""},
		{"12/24/2025", ""},
		{"v1.2/v1.3", "v1.2/v1.3"},
		{"1.2/1.3", ""},
		{"src/utils", ""},
		{"src/main.c", ""},
		{"docs/README.md", ""},
		{"config/app.yml", ""},
		{"a/b/c", ""},
		{"path/to/file", ""},
		{"/usr/bin", ""},
		{"./run", ""},
		{"../up", ""},
		{"application/json", ""},
		{"@acme/web", ""},
		{"x@acme/web", ""},
		{"acme/a.b.c", ""},
		{"acme/", ""},
		{"/web", ""},
		{"https://github.com/acme/web", ""},
		{"https://jira.example.com/browse/PROJ-1", ""},
		{"acme//web", ""},
		{"", ""},
	};
	check_rows(REPO_REF_BARE, rows, ARRAY_LEN(rows));
}

static void test_repo_ref_collects_in_decision_order(void)
{
	static const struct {
		const char *name;
		const char *comment;
		const char *description;
		const char *names;
	} rows[] = {
		{"line of the comment", "Repository: a1/b1", "Repository: a2/b2", "a1/b1 a2/b2"},
		{"line of the description", "acme/web", "Repository: a2/b2", "a2/b2 acme/web"},
		{"urls before bare", "acme/bare", "https://h.example/acme/url", "acme/url acme/bare"},
		{"comment before description", "https://h.example/aa/bb", "https://h.example/cc/dd", "aa/bb cc/dd"},
		{"bare of both", "aa/bb", "cc/dd", "aa/bb cc/dd"},
		{"no doubles", "Repository: aa/bb", "https://h.example/AA/bb aa/bb", "aa/bb"},
		{"only a description", NULL, "cc/dd", "cc/dd"},
		{"nothing", NULL, NULL, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(repo_refs_done) struct repo_refs refs = {0};
		CLEANUP(strbuf_done) struct strbuf names;
		repo_refs_collect(&refs, rows[i].comment, rows[i].description);
		join_names(&refs, &names);
		CHECK_TEXT(rows[i].name, strbuf_text(&names), rows[i].names);
	}
}

static void test_repo_ref_keeps_hosts_apart(void)
{
	CLEANUP(repo_refs_done) struct repo_refs refs = {0};
	repo_refs_add(&refs, REPO_REF_URL,
		      "https://github.com/a/b https://GitHub.com:443/A/b https://gitlab.example.com/a/b");
	CU_ASSERT_FATAL(refs.count == 2);
	CU_ASSERT_STRING_EQUAL(refs.list[0].host, "github.com");
	CU_ASSERT_STRING_EQUAL(refs.list[1].host, "gitlab.example.com");
	CU_ASSERT(refs.list[1].kind == REPO_REF_URL);
}

static void test_repo_ref_stops_at_the_limit(void)
{
	CLEANUP(repo_refs_done) struct repo_refs refs = {0};
	CLEANUP(strbuf_done) struct strbuf text;
	strbuf_init(&text, 65536);
	for (int i = 0; i < 100; i++)
		strbuf_addf(&text, "acme/repo-%d ", i);
	repo_refs_add(&refs, REPO_REF_BARE, strbuf_text(&text));
	CU_ASSERT(refs.count == LIMIT_REPOSITORIES);
}

static void test_repo_ref_takes_hostile_texts(void)
{
	static const char *const units[] = {"http://a ", "https://",    "a/", "Repository: ",    "/",
					    "~",         "http://a/b?", "a-", "Repository: a/b,"};
	enum { COPIES = 20000 };
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		CLEANUP(repo_refs_done) struct repo_refs refs = {0};
		CLEANUP(strbuf_done) struct strbuf text;
		strbuf_init(&text, 1024 * 1024);
		for (size_t k = 0; k < COPIES; k++)
			strbuf_add(&text, units[i]);
		repo_refs_collect(&refs, strbuf_text(&text), strbuf_text(&text));
		CHECK(units[i], refs.count <= 2);
	}
}

void suite_repo_ref(void)
{
	CU_pSuite suite = CU_add_suite("repo_ref", NULL, NULL);
	CU_ADD_TEST(suite, test_repo_ref_lines);
	CU_ADD_TEST(suite, test_repo_ref_urls);
	CU_ADD_TEST(suite, test_repo_ref_bare_names);
	CU_ADD_TEST(suite, test_repo_ref_collects_in_decision_order);
	CU_ADD_TEST(suite, test_repo_ref_keeps_hosts_apart);
	CU_ADD_TEST(suite, test_repo_ref_stops_at_the_limit);
	CU_ADD_TEST(suite, test_repo_ref_takes_hostile_texts);
}
