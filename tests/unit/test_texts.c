/* texts: every text is there, and a file replaces single ones. */
#include "services/dispatcher/texts.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_texts_all_exist_with_a_name(void)
{
	for (enum text_id id = TEXT_ACK; id < TEXT_COUNT; id++) {
		const char *name = texts_name(id);
		CU_ASSERT_FATAL(name != NULL);
		CHECK(name, texts_template(NULL, PROVIDER_JIRA, id)[0] != '\0');
		CHECK(name, texts_template(NULL, PROVIDER_BITBUCKET, id)[0] != '\0');
		for (enum text_id other = TEXT_ACK; other < id; other++)
			CHECK(name, strcmp(name, texts_name(other)) != 0);
	}
}

static void test_texts_explain_reasons_that_people_are_told(void)
{
	static const struct {
		enum reason reason;
		bool is_told;
		enum text_id text;
	} rows[] = {
		{REASON_USER_UNKNOWN, true, TEXT_USER_UNKNOWN},
		{REASON_USER_NOT_LINKED, true, TEXT_USER_NOT_LINKED},
		{REASON_LOGIN_NEEDED, true, TEXT_LOGIN_NEEDED},
		{REASON_NO_REPOSITORY, true, TEXT_NO_REPOSITORY},
		{REASON_REPOSITORY_AMBIGUOUS, true, TEXT_REPOSITORY_AMBIGUOUS},
		{REASON_REPOSITORY_DENIED, true, TEXT_REPOSITORY_DENIED},
		{REASON_LIMITED, true, TEXT_LIMIT_PERSON},
		{REASON_UPSTREAM_FAILED, true, TEXT_UPSTREAM_FAILED},
		{REASON_WITHDRAWN, false, TEXT_ACK},
		{REASON_CANNOT_ANSWER, false, TEXT_ACK},
		{REASON_BOT_AUTHOR, false, TEXT_ACK},
		{REASON_NONE, false, TEXT_ACK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum text_id found = TEXT_ACK;
		CHECK(reason_name(rows[i].reason),
		      texts_for_reason(rows[i].reason, &found) == rows[i].is_told);
		CHECK(reason_name(rows[i].reason), found == rows[i].text);
	}
}

static void test_texts_are_replaced_by_a_file(void)
{
	CLEANUP(texts_done) struct texts texts = {0};

	CU_ASSERT_FATAL(texts_parse("# ours\n\nack = Los! {link}\r\n"
				    "  waiting=a\\nb \\* c = d  \n"
				    "ack = Nochmal {link}",
				    &texts, NULL));
	CHECK_TEXT("last wins", texts_template(&texts, PROVIDER_JIRA, TEXT_ACK), "Nochmal {link}");
	CHECK_TEXT("both products", texts_template(&texts, PROVIDER_BITBUCKET, TEXT_ACK),
		   "Nochmal {link}");
	CHECK_TEXT("line break", texts_template(&texts, PROVIDER_JIRA, TEXT_WAITING),
		   "a\nb \\* c = d");
	CHECK_TEXT("others stay", texts_template(&texts, PROVIDER_JIRA, TEXT_RESULT),
		   texts_template(NULL, PROVIDER_JIRA, TEXT_RESULT));
}

static void test_texts_refuse_a_bad_file(void)
{
	static const struct {
		const char *file;
		const char *message;
	} rows[] = {
		{"ack", "line 1: no '='"},
		{"\n\nack=x\nnope = y", "line 4: unknown text 'nope '"},
		{"ack = ", "line 1: the text must be UTF-8 of 1 to 4096 bytes"},
		{"ack = \xFF", "line 1: the text must be UTF-8 of 1 to 4096 bytes"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct texts texts = {0};
		struct err err = {0};
		CHECK(rows[i].file, !texts_parse(rows[i].file, &texts, &err));
		CHECK(rows[i].file, err.code == ERR_INPUT && !texts.replaced[TEXT_ACK]);
		CHECK_TEXT(rows[i].file, err.message, rows[i].message);
	}
}

void suite_texts(void)
{
	CU_pSuite suite = CU_add_suite("texts", NULL, NULL);

	CU_ADD_TEST(suite, test_texts_all_exist_with_a_name);
	CU_ADD_TEST(suite, test_texts_explain_reasons_that_people_are_told);
	CU_ADD_TEST(suite, test_texts_are_replaced_by_a_file);
	CU_ADD_TEST(suite, test_texts_refuse_a_bad_file);
}
