/* provider, topics, reasons and time: the words of the product. */
#include "common/base/text.h"
#include "common/domain/iso_time.h"
#include "common/domain/provider.h"
#include "common/domain/reason.h"
#include "common/domain/record.h"
#include "common/domain/topics.h"
#include "tests/unit/check.h"

#include <jansson.h>

#include "common/base/banned.h"

static void test_provider_connection_ref_is_read_strictly(void)
{
	static const struct {
		const char *text;
		bool is_ok;
		enum provider provider;
		int64_t id;
	} rows[] = {
		{"jira/7", true, PROVIDER_JIRA, 7},
		{"bitbucket/1000000", true, PROVIDER_BITBUCKET, 1000000},
		{"jira/0", true, PROVIDER_JIRA, 0},
		{"jira/", false, 0, 0},
		{"jira/-1", false, 0, 0},
		{"jira/7 ", false, 0, 0},
		{"Jira/7", false, 0, 0},
		{"gitlab/7", false, 0, 0},
		{"a-very-long-provider-name/7", false, 0, 0},
		{"7", false, 0, 0},
		{"", false, 0, 0},
		{"jira/9223372036854775808", false, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct connection_ref ref = {0};
		struct err err = {0};
		char text[CONNECTION_REF_SIZE];
		CHECK(rows[i].text, connection_ref_parse(rows[i].text, &ref, &err) == rows[i].is_ok);
		if (!rows[i].is_ok) {
			CHECK(rows[i].text, err.code == ERR_INPUT);
			continue;
		}
		CHECK(rows[i].text, ref.provider == rows[i].provider && ref.id == rows[i].id);
		connection_ref_text(&ref, text);
		CHECK_TEXT(rows[i].text, text, rows[i].text);
	}
}

static void test_reason_names_are_read_back(void)
{
	enum reason found;
	for (enum reason reason = REASON_TRIGGERED; reason <= REASON_OVERSIZE; reason++) {
		const char *name = reason_name(reason);
		size_t help_len = strlen(reason_help(reason));
		CHECK(name, name[0] != '\0' && reason_parse(name, &found) && found == reason);
		CHECK(name, help_len > 10 && reason_help(reason)[help_len - 1] == '.');
	}
	CU_ASSERT(!reason_parse("", &found) && found == REASON_NONE);
	CU_ASSERT(!reason_parse("triggered", &found));
	CU_ASSERT_STRING_EQUAL(reason_name(REASON_NONE), "");
}

static void test_topics_take_the_prefix(void)
{
	char name[TOPIC_NAME_SIZE];
	topic_name(TOPIC_WEBHOOK, "ohdc.", name);
	CU_ASSERT_STRING_EQUAL(name, "ohdc.webhook.v1");
	topic_name(TOPIC_JOB, "", name);
	CU_ASSERT_STRING_EQUAL(name, "job.v1");
	topic_name(TOPIC_STATUS, "x-", name);
	CU_ASSERT_STRING_EQUAL(name, "x-status.v1");
	topic_name(TOPIC_DLQ, "ohdc.", name);
	CU_ASSERT_STRING_EQUAL(name, "ohdc.dlq.v1");
	group_name(GROUP_LINKER, "ohdc.", name);
	CU_ASSERT_STRING_EQUAL(name, "ohdc.linker");
}

static void test_record_schema_knows_its_major(void)
{
	static const struct {
		const char *schema;
		enum err_code code;
	} rows[] = {
		{"1", ERR_NONE},      {"1.0", ERR_NONE},     {"1.27", ERR_NONE},   {"2", ERR_CONFLICT},
		{"10", ERR_CONFLICT}, {"0.9", ERR_CONFLICT}, {"", ERR_INPUT},      {"v1", ERR_INPUT},
		{"1.", ERR_INPUT},    {"1x", ERR_INPUT},     {"1.2.3", ERR_INPUT}, {" 1", ERR_INPUT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};
		CHECK(rows[i].schema, record_schema_ok(rows[i].schema, &err) == (rows[i].code == ERR_NONE));
		CHECK(rows[i].schema, err.code == rows[i].code);
	}
}

static void test_iso_time_reads_what_products_write(void)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2021-01-10T10:12:47.824+0100", 1610269967824},
		{"2021-01-10T09:12:47.824+00:00", 1610269967824},
		{"2019-02-15T19:11:18.321-0800", 1550286678321},
		{"2025-10-27T15:54:08+0000", 1761580448000},
		{"2025-10-27 15:54:08Z", 1761580448000},
		{"2024-02-29T12:00:00Z", 1709208000000},
		{"2024-03-01T00:00:00Z", 1709251200000},
		{"2000-03-01T00:00:00Z", 951868800000},
		{"2020-11-11T18:55:21.425999+0530", 1605101121425},
		{"2021-01-10T10:12:47.8+01", 1610269967800},
		{"2021-01-10T10:12:47", -1},
		{"2021-01-10", -1},
		{"2021-13-10T10:12:47Z", -1},
		{"2021-01-32T10:12:47Z", -1},
		{"2021-01-10T24:12:47Z", -1},
		{"2021-01-10T10:12:47.Z", -1},
		{"2021-01-10T10:12:47Zx", -1},
		{"2021-01-10T10:12:47+1", -1},
		{"1610269967824", -1},
		{"", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ms = -1;
		CHECK(rows[i].text, iso_time_parse(rows[i].text, &ms) == (rows[i].ms >= 0));
		CHECK(rows[i].text, ms == rows[i].ms);
	}
}

static void test_iso_time_at_takes_numbers_and_texts(void)
{
	json_auto_t *body = json_pack("{s:I, s:s, s:s, s:b, s:I}", "number", (json_int_t)1761580448905, "text",
				      "2025-10-27T15:54:08Z", "bad", "soon", "flag", 1, "negative", (json_int_t)-5);
	CU_ASSERT(iso_time_at(body, "number") == 1761580448905);
	CU_ASSERT(iso_time_at(body, "text") == 1761580448000);
	CU_ASSERT(iso_time_at(body, "bad") == 0);
	CU_ASSERT(iso_time_at(body, "flag") == 0);
	CU_ASSERT(iso_time_at(body, "negative") == 0);
	CU_ASSERT(iso_time_at(body, "absent") == 0);
}

void suite_provider(void)
{
	CU_pSuite suite = CU_add_suite("provider", NULL, NULL);
	CU_ADD_TEST(suite, test_provider_connection_ref_is_read_strictly);
	CU_ADD_TEST(suite, test_reason_names_are_read_back);
	CU_ADD_TEST(suite, test_topics_take_the_prefix);
	CU_ADD_TEST(suite, test_record_schema_knows_its_major);
	CU_ADD_TEST(suite, test_iso_time_reads_what_products_write);
	CU_ADD_TEST(suite, test_iso_time_at_takes_numbers_and_texts);
}
