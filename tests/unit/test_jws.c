/* jws: tokens as PyJWT with pybase62 writes them, and everything that must not pass. */
#include "common/base/json_field.h"
#include "common/base/jws.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

enum { NOW_S = 1700000000 };

#define HEAD                                                                                       \
	"eyJhbGciOiJIUzI1NiIsImtpZCI6IlE1eXFDR0V3QnF2WVNNUm5hU0xtbnhvYXpQR1ZyNWxqWUE1TXNRVHZTR3Mi" \
	"LC"                                                                                       \
	"J0eXAiOiJKV1QifQ"
#define CLAIMS                                                                                     \
	"eyJ1c2VyX2lkIjoidS0xIiwicHJvdmlkZXJfdHlwZSI6ImJpdGJ1Y2tldF9kYXRhX2NlbnRlciIsImlhdCI6MTcw" \
	"M"                                                                                        \
	"DAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ"
#define GOOD HEAD "." CLAIMS ".dArl7mOaebXEdnmx4Yrc92MTllThqHrceh965ElChmo"

static struct secret key_of(const char *text)
{
	struct secret key = {0};
	secret_set(&key, text, strlen(text));
	return key;
}

static void test_jws_key_id(void)
{
	static const struct {
		const char *key;
		const char *id;
	} rows[] = {
		{"test-jwt-secret", "Q5yqCGEwBqvYSMRnaSLmnxoazPGVr5ljYA5MsQTvSGs"},
		{"k78144", "022beliH59YDJX9qQqEzTMhg3oEOwk1Nybt3jUNAPvM"}, /* two leading zeros */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(secret_done) struct secret key = key_of(rows[i].key);
		char id[JWS_KEY_ID_SIZE];
		jws_key_id(&key, id);
		CHECK_TEXT(rows[i].key, id, rows[i].id);
	}
}

static void test_jws_make_is_what_pyjwt_makes(void)
{
	CLEANUP(secret_done) struct secret key = key_of("test-jwt-secret");
	CLEANUP(secret_done) struct secret token = {0};
	json_auto_t *claims = json_pack("{s:s, s:s}", "user_id", "u-1", "provider_type", "bitbucket_data_center");
	CU_ASSERT_TRUE(jws_make(&key, claims, NOW_S, 3600, &token, NULL));
	CU_ASSERT_STRING_EQUAL(token.text, GOOD);
	CU_ASSERT_EQUAL(json_object_size(claims), 2);
}

static void test_jws_make_has_a_ceiling(void)
{
	CLEANUP(secret_done) struct secret key = key_of("k");
	CLEANUP(secret_done) struct secret token = {0};
	char *long_text = calloc(JWS_BYTES + 1, 1);
	memset(long_text, 'a', JWS_BYTES);
	json_auto_t *claims = json_pack("{s:s}", "x", long_text);
	CU_ASSERT_FALSE(jws_make(&key, claims, NOW_S, 3600, &token, NULL));
	CU_ASSERT_FALSE(secret_is_set(&token));
	free(long_text);
}

static void test_jws_verify_reads_claims(void)
{
	CLEANUP(secret_done) struct secret key = key_of("test-jwt-secret");
	json_auto_t *claims = NULL;
	CU_ASSERT_TRUE_FATAL(jws_verify(&key, GOOD, NOW_S, &claims, NULL));
	CU_ASSERT_STRING_EQUAL(json_text_at(claims, "user_id"), "u-1");
	CU_ASSERT_EQUAL(json_int_at(claims, "exp", 0), NOW_S + 3600);
}

static void test_jws_verify_refuses_what_is_altered(void)
{
	static const struct {
		const char *name;
		const char *token;
	} rows[] = {
		{"empty", ""},
		{"no dots", "abc"},
		{"one dot", HEAD "." CLAIMS},
		{"no signature", HEAD "." CLAIMS "."},
		{"four parts", GOOD ".x"},
		{"another last digit", HEAD "." CLAIMS ".dArl7mOaebXEdnmx4Yrc92MTllThqHrceh965ElChmp"},
		{"spare bits set", HEAD "." CLAIMS ".dArl7mOaebXEdnmx4Yrc92MTllThqHrceh965ElChmr"},
		{"signature padded", GOOD "="},
		{"signature cut", HEAD "." CLAIMS ".dArl7mOaebXEdnmx4Yrc92MTllThqHrceh965ElCh"},
		{"signature longer", GOOD "AAAA"},
		{"another first digit", "fyJ" GOOD},
		{"blank before", " " GOOD},
		{"blank behind", GOOD "\n"},
		{"claims of another", HEAD ".eyJ1c2VyX2lkIjoidS0yIn0.dArl7mOaebXEdnmx4Yrc92MTllThqHrceh965ElChmo"},
	};
	CLEANUP(secret_done) struct secret key = key_of("test-jwt-secret");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *claims = NULL;
		struct err err = {0};
		CHECK(rows[i].name, !jws_verify(&key, rows[i].token, NOW_S, &claims, &err));
		CHECK(rows[i].name, err.code == ERR_AUTH && !claims);
	}
}

static void test_jws_verify_needs_the_key(void)
{
	CLEANUP(secret_done) struct secret other = key_of("test-jwt-secrey");
	CLEANUP(secret_done) struct secret none = {0};
	/* Signed with the empty key, as somebody would who hopes that ours is not set. */
	static const char empty_key[] = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE4MDAwMDAwMDB9."
					"wRjzh3VHyIxWisbuuZZnRYqZ_j4u1STwzMV-L1hg7Yw";
	json_t *claims = NULL;
	CU_ASSERT_FALSE(jws_verify(&other, GOOD, NOW_S, &claims, NULL));
	CU_ASSERT_FALSE(jws_verify(&none, empty_key, NOW_S, &claims, NULL));
	CU_ASSERT_PTR_NULL(claims);
}

/* All of them signed with the right key. */
static const struct {
	const char *name;
	const char *token;
	bool is_good;
} signed_rows[] = {
	{"without a kid", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDF9.M2KNk2pgASeSSbticFhERTng0er5ovKT2BcV216jFb4",
	 true},
	{"an unknown kid",
	 "eyJhbGciOiJIUzI1NiIsImtpZCI6Im90aGVyIn0.eyJleHAiOjE3MDAwMDAwMDF9.1jNi2wZZMqXinQSAfuJwtAAwp6rtgCnAUOIo9MCdK44",
	 true},
	{"no algorithm", "eyJraWQiOiJrIn0.eyJleHAiOjE3MDAwMDAwMDF9.tldG8luCfClFQIAbHfUNOZ_f2LkjbjTNIJkhBFdM8OU", false},
	{"algorithm none", "eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDF9.ucpqw2zNsYg7iXOM47u_L3YG1cUiNjKE6PwdDWcqxxY",
	 false},
	{"algorithm in another case",
	 "eyJhbGciOiJoczI1NiJ9.eyJleHAiOjE3MDAwMDAwMDF9.NLUTqyPT3UYljCvfncsuDV88r6PMvr60n_DqCWJZd2o", false},
	{"algorithm HS512", "eyJhbGciOiJIUzUxMiJ9.eyJleHAiOjE3MDAwMDAwMDF9.DGlT_88j-cTEs5dqQgoQ1G08503BpsB02CkqMkqUq9w",
	 false},
	{"algorithm as a list",
	 "eyJhbGciOlsiSFMyNTYiXX0.eyJleHAiOjE3MDAwMDAwMDF9.98wDgx-riLhp5QoiSOVuvCMWiEXGj0gjDJQO3oKAAd4", false},
	{"algorithm twice",
	 "eyJhbGciOiJub25lIiwiYWxnIjoiSFMyNTYifQ.eyJleHAiOjE3MDAwMDAwMDF9.4BdbmrHjT8FfBtmSIrnxaCIa6JmjjMz7DEtuu2N_l7U",
	 false},
	{"critical extension",
	 "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.eyJleHAiOjE3MDAwMDAwMDF9."
	 "hHNvY1PlaVTVqjPuaUZ41ojqTRjqt0xGx_3s2VNMmSM",
	 false},
	{"header is no object", "WyJIUzI1NiJd.eyJleHAiOjE3MDAwMDAwMDF9.DvN6dmjjh7_-9KQuxP8_UlnCrj_AJn1qeNPB5RvBf7c",
	 false},
	{"no claims object", "eyJhbGciOiJIUzI1NiJ9.WzFd.fO8vUf3xRKmH-k0lG3lI0HmJywZnrQGm5c16GPIPRsk", false},
	{"claims are no JSON", "eyJhbGciOiJIUzI1NiJ9.ZXhw.Ur0hzf7EtxkpaOFEJdHkOL8dbfJXTGNS4gjI_TchY_k", false},
	{"never expires", "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3MDAwMDAwMDB9.G75w6cDTrng2k5tXIrKwV13BrgrlBdfctMr5p2HHd78",
	 false},
	{"expires now", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.TyMiVpzS8A58b5cicFNzHAdLU5KkuvjB_yfYbqojR9E",
	 false},
	{"expired", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE2OTk5OTk5OTl9.50Vkf8D7UW6QLG0Ka6gdOEn8e676_j8UikcpXt4tQTY", false},
	{"expiry as text",
	 "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiIxNzAwMDAwMDA5In0.nLoeCIGN2ypXZVR_1kRi5JEGG9xrn1gop5cR1st4XLE", false},
	{"expiry as a fraction",
	 "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDkuNX0.lIR04bWDFU223okp7daXa7c2SwPzJHqyje-4t34XiRo", false},
	{"issued a minute ahead", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwOTksImlhdCI6MTcwMDAwMDA2MH0.oeAU97zOnCusHmFc0A-tmdBIk8Z6eNxXW3TE7dh4YBo",
	 true},
	{"issued further ahead", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwOTksImlhdCI6MTcwMDAwMDA2MX0.KHc8HgV0mRC_uPqGvrE-A8mm68PG5Z4hFAz8U5CqcIE",
	 false},
	{"valid from a minute ahead", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwOTksIm5iZiI6MTcwMDAwMDA2MH0.pLXZX3cE2fV4-mQq5ncJ8RpMzY00hcsyn2DkvA3c4cc",
	 true},
	{"not valid yet", "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwOTksIm5iZiI6MTcwMDAwMDA2MX0.P_IGQKIX8dkbnx6cjFEjAVPKoKif3wdWC3ary_5KoZc",
	 false},
};

static void test_jws_verify_looks_at_algorithm_and_time(void)
{
	CLEANUP(secret_done) struct secret key = key_of("test-jwt-secret");
	for (size_t i = 0; i < ARRAY_LEN(signed_rows); i++) {
		json_auto_t *claims = NULL;
		CHECK(signed_rows[i].name,
		      jws_verify(&key, signed_rows[i].token, NOW_S, &claims, NULL) == signed_rows[i].is_good);
	}
}

void suite_jws(void);

void suite_jws(void)
{
	CU_pSuite suite = CU_add_suite("jws", NULL, NULL);
	CU_ADD_TEST(suite, test_jws_key_id);
	CU_ADD_TEST(suite, test_jws_make_is_what_pyjwt_makes);
	CU_ADD_TEST(suite, test_jws_make_has_a_ceiling);
	CU_ADD_TEST(suite, test_jws_verify_reads_claims);
	CU_ADD_TEST(suite, test_jws_verify_refuses_what_is_altered);
	CU_ADD_TEST(suite, test_jws_verify_needs_the_key);
	CU_ADD_TEST(suite, test_jws_verify_looks_at_algorithm_and_time);
}
