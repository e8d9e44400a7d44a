/* texts: every text is there, and reasons have theirs. */
#include "services/dispatcher/texts.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static void test_texts_all_exist(void)
{
	for (enum text_id id = TEXT_ACK; id < TEXT_COUNT; id++) {
		CU_ASSERT_FATAL(texts_template(PROVIDER_JIRA, id) != NULL);
		CU_ASSERT(texts_template(PROVIDER_JIRA, id)[0] != '\0');
		CU_ASSERT(texts_template(PROVIDER_BITBUCKET, id)[0] != '\0');
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
		CHECK(reason_name(rows[i].reason), texts_for_reason(rows[i].reason, &found) == rows[i].is_told);
		CHECK(reason_name(rows[i].reason), found == rows[i].text);
	}
}

void suite_texts(void)
{
	CU_pSuite suite = CU_add_suite("texts", NULL, NULL);
	CU_ADD_TEST(suite, test_texts_all_exist);
	CU_ADD_TEST(suite, test_texts_explain_reasons_that_people_are_told);
}
