/* uuid: versions, name-based values of the RFC, and the text forms. */
#include "common/base/uuid.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define DNS "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define URL "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static void test_uuid_v4_sets_version_and_variant(void)
{
	static const struct {
		uint8_t fill;
		const char *text;
	} rows[] = {
		{0x00, "00000000-0000-4000-8000-000000000000"},
		{0xFF, "ffffffff-ffff-4fff-bfff-ffffffffffff"},
		{0x5A, "5a5a5a5a-5a5a-4a5a-9a5a-5a5a5a5a5a5a"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t random[16];
		char text[UUID_TEXT_SIZE];
		memset(random, rows[i].fill, sizeof(random));
		struct uuid uuid = uuid_v4(random);
		uuid_text(&uuid, text);
		CHECK_TEXT(rows[i].text, text, rows[i].text);
	}
}

static void test_uuid_v5_known_values(void)
{
	static const struct {
		const char *space;
		const char *name;
		const char *text;
	} rows[] = {
		{DNS, "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"},
		{DNS, "python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d"},
		{DNS, "", "4ebd0208-8328-5d69-8c44-ec50939c0967"},
		{URL, "www.example.com", "b63cdfa4-3df9-568e-97ae-006c5b8fd652"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct uuid space = {0};
		char text[UUID_TEXT_SIZE];
		CHECK(rows[i].name, uuid_parse(rows[i].space, &space));
		struct uuid uuid = uuid_v5(&space, bytes_text(rows[i].name));
		uuid_text(&uuid, text);
		CHECK_TEXT(rows[i].name, text, rows[i].text);
	}
}

static void test_uuid_parse_both_forms(void)
{
	struct uuid dashed = {0};
	struct uuid plain = {0};
	char hex[UUID_HEX_SIZE];
	CU_ASSERT_TRUE(uuid_parse("6BA7B810-9dad-11d1-80b4-00c04fd430c8", &dashed));
	CU_ASSERT_TRUE(uuid_parse("6ba7b8109dad11d180b400c04fd430c8", &plain));
	CU_ASSERT_EQUAL(memcmp(&dashed, &plain, sizeof(plain)), 0);
	uuid_hex(&dashed, hex);
	CU_ASSERT_STRING_EQUAL(hex, "6ba7b8109dad11d180b400c04fd430c8");
	plain.bytes[15] ^= 1;
	CU_ASSERT_NOT_EQUAL(memcmp(&dashed, &plain, sizeof(plain)), 0);
}

static void test_uuid_parse_refuses(void)
{
	static const char *const rows[] = {
		"",
		"6ba7b810",
		"6ba7b8109dad11d180b400c04fd430c",
		"6ba7b8109dad11d180b400c04fd430c88",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c88",
		"6ba7b810x9dad-11d1-80b4-00c04fd430c8",
		"6ba7b81-09dad-11d1-80b4-00c04fd430c8",
		"6ba7b8109dad-11d1-80b4-00c04fd430c8--",
		"{6ba7b8109dad11d180b400c04fd430c}",
		"6ba7b8109dad11d180b400c04fd430cg",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct uuid uuid = {0};
		CHECK(rows[i], !uuid_parse(rows[i], &uuid));
		CHECK(rows[i], memcmp(&uuid, &(struct uuid){0}, sizeof(uuid)) == 0);
	}
}

void suite_uuid(void)
{
	CU_pSuite suite = CU_add_suite("uuid", NULL, NULL);
	CU_ADD_TEST(suite, test_uuid_v4_sets_version_and_variant);
	CU_ADD_TEST(suite, test_uuid_v5_known_values);
	CU_ADD_TEST(suite, test_uuid_parse_both_forms);
	CU_ADD_TEST(suite, test_uuid_parse_refuses);
}
