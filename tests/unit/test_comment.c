/* comment: lists in the order of ids whatever order pages come in; the same account whatever changed its name. */
#include "common/base/mem.h"
#include "services/dispatcher/comment.h"
#include "tests/unit/check.h"

#include <stdio.h>

#include "common/base/banned.h"

static void add(struct comments *comments, int64_t id)
{
	char text[32];
	struct comment comment = {0};
	(void)snprintf(text, sizeof(text), "%lld", (long long)id);
	comment.id = mem_dup(text);
	comment.text = mem_dup("x");
	comments_add(comments, &comment, "13");
	CU_ASSERT(comment.id == NULL);
}

static void test_comment_list_keeps_the_newest_in_order(void)
{
	CLEANUP(comments_done) struct comments comments = {0};
	for (int64_t id = 40; id > 0; id -= 2)
		add(&comments, id);
	for (int64_t id = 1; id < 40; id += 2)
		add(&comments, id);
	add(&comments, 40);
	CU_ASSERT(comments.count == LIMIT_CONTEXT_COMMENTS);
	for (size_t i = 0; i < comments.count; i++)
		CHECK(comments.list[i].id, comment_id_number(comments.list[i].id) ==
						   (int64_t)(40 - LIMIT_CONTEXT_COMMENTS + 1 + (int64_t)i));
}

static void test_comment_hits_are_ordered_and_bounded(void)
{
	struct comment_hits hits = {0};
	static const char *const ids[] = {"30", "9", "100", "30", "9", "7", "200", "300", "400", "500"};
	static char text[] = "Done.\n\n{anchor:ohdc-0123456789abcdef}";
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		CLEANUP(comment_done) struct comment comment = {.id = mem_dup(ids[i])};
		comment.text = mem_dup(text);
		comment_hits_add(&hits, PROVIDER_JIRA, "ohdc-0123456789abcdef", NULL, &comment);
		comment_hits_add(&hits, PROVIDER_JIRA, "ohdc-0000000000000000", NULL, &comment);
	}
	CU_ASSERT(hits.count == COMMENT_HITS_MAX);
	CHECK_TEXT("oldest", hits.ids[0], "7");
	CHECK_TEXT("then", hits.ids[1], "9");
	CHECK_TEXT("numbers, not letters", hits.ids[3], "100");
}

static void test_person_same_by_what_never_changes(void)
{
	static char k1[] = "JIRAUSER1", k2[] = "JIRAUSER2", n1[] = "ann", n2[] = "bob", i1[] = "7", i2[] = "8",
		    empty[] = "";
	static const struct {
		const char *name;
		struct person a;
		struct person b;
		bool is_same;
	} rows[] = {
		{"same key, renamed", {.key = k1, .name = n1}, {.key = k1, .name = n2}, true},
		{"other key, same name", {.key = k1, .name = n1}, {.key = k2, .name = n1}, false},
		{"id decides over slug", {.id = i1, .key = n1}, {.id = i1, .key = n2}, true},
		{"other id, same slug", {.id = i1, .key = n1}, {.id = i2, .key = n1}, false},
		{"only names", {.name = n1}, {.name = n1}, true},
		{"nothing in common", {.key = k1}, {.name = n1}, false},
		{"nobody", {0}, {0}, false},
		{"empty is nobody", {.key = empty}, {.key = empty}, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(rows[i].name, person_same(&rows[i].a, &rows[i].b) == rows[i].is_same);
}

static void test_person_is_read_from_both_products(void)
{
	json_auto_t *user = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "name", "ann", "key", "K1", "id", 7, "slug",
				      "ann_x", "emailAddress", "a@e.com", "displayName", "Ann");
	CLEANUP(person_done) struct person jira = person_read(PROVIDER_JIRA, user);
	CLEANUP(person_done) struct person bitbucket = person_read(PROVIDER_BITBUCKET, user);
	CLEANUP(person_done) struct person nobody = person_read(PROVIDER_JIRA, NULL);
	CHECK_TEXT("jira key", jira.key, "K1");
	CHECK_TEXT("jira id", jira.id, NULL);
	CHECK_TEXT("slug", bitbucket.key, "ann_x");
	CHECK_TEXT("id", bitbucket.id, "7");
	CHECK_TEXT("e-mail", bitbucket.email, "a@e.com");
	CHECK_TEXT("nobody", nobody.name, NULL);
}

void suite_comment(void)
{
	CU_pSuite suite = CU_add_suite("comment", NULL, NULL);
	CU_ADD_TEST(suite, test_comment_list_keeps_the_newest_in_order);
	CU_ADD_TEST(suite, test_comment_hits_are_ordered_and_bounded);
	CU_ADD_TEST(suite, test_person_same_by_what_never_changes);
	CU_ADD_TEST(suite, test_person_is_read_from_both_products);
}
