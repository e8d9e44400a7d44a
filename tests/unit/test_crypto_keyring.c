/* crypto_keyring: the key file and fingerprints. */
#include "common/base/crypto.h"
#include "common/base/strbuf.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "FFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfFfF"
#define ID_32 "abcdefghijklmnopqrstuvwxyz012345"

static void test_crypto_keyring_parse_reads_newest_first(void)
{
	static const char text[] = "# sealing keys\n\n  " ID_32 "\t" HEX_B " \r\n"
				   "   # older\nk.1_-  " HEX_A;
	CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0};
	struct err err = {0};
	CU_ASSERT_TRUE(crypto_keyring_parse(text, &ring, &err));
	CU_ASSERT_EQUAL(ring.count, 2);
	CU_ASSERT_STRING_EQUAL(ring.keys[0].id, ID_32);
	CU_ASSERT_STRING_EQUAL(ring.keys[1].id, "k.1_-");
	for (size_t i = 0; i < CRYPTO_KEY_SIZE; i++)
		CU_ASSERT_TRUE(ring.keys[0].key[i] == 0xFF && ring.keys[1].key[i] == i);
}

static void test_crypto_keyring_parse_refuses(void)
{
	static const struct {
		const char *name;
		const char *text;
		const char *message; /* its start */
	} rows[] = {
		{"empty", "", "there is no key"},
		{"comments alone", "#\n\n#", "there is no key"},
		{"no key", "k1\n", "line 1: expected"},
		{"no key, blank behind", "\n\nk1 \n", "line 3: expected"},
		{"no id", HEX_A "\n", "line 1: expected"},
		{"key on the next line", "k1\n" HEX_A, "line 1: expected"},
		{"short key", "k1 " HEX_A "\nk2 00ff\n", "line 2: expected"},
		{"long key", "k1 " HEX_A "00", "line 1: expected"},
		{"no hex", "k1 g" HEX_A, "line 1: expected"},
		{"long id", ID_32 "6 " HEX_A, "line 1: expected"},
		{"bad id", "k/1 " HEX_A, "line 1: expected"},
		{"three words", "k1 " HEX_A " x", "line 1: expected"},
		{"twice", "k1 " HEX_A "\n\nk1 " HEX_B, "line 3: key id 'k1' is there twice"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0};
		struct err err = {0};
		CHECK(rows[i].name, !crypto_keyring_parse(rows[i].text, &ring, &err));
		CHECK(rows[i].name, err.code == ERR_INPUT && ring.count == 0);
		CHECK(err.message, strncmp(err.message, rows[i].message, strlen(rows[i].message)) == 0);
		CHECK(rows[i].name, strstr(err.message, "000102") == NULL);
	}
}

/* What was sealed with an older key opens as before; only the first of the new list seals. */
static void test_crypto_keyring_add_changes_what_seals(void)
{
	static const uint8_t nonce[CRYPTO_NONCE_SIZE] = {0};
	CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0}, next = {0}, back = {0};
	CLEANUP(strbuf_done) struct strbuf old = strbuf_of(256), fresh = strbuf_of(256);
	CLEANUP(secret_done) struct secret opened = {0};
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse("a " HEX_A, &ring, &err));
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse("b " HEX_B "\na " HEX_A, &next, &err));
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse("a " HEX_A, &back, &err));
	CU_ASSERT_TRUE(crypto_seal(&ring, "here", nonce, bytes_text("old"), &old, &err));
	CU_ASSERT_TRUE(crypto_keyring_add(&ring, &next, &err));
	CU_ASSERT_TRUE(ring.count == 2 && ring.newest == 1 && strcmp(ring.keys[1].id, "b") == 0);
	CU_ASSERT_TRUE(crypto_seal(&ring, "here", nonce, bytes_text("fresh"), &fresh, &err));
	CU_ASSERT_TRUE(crypto_open(&ring, "here", bytes_of(old.text, old.len), &opened, &err));
	CU_ASSERT_TRUE(crypto_open(&next, "here", bytes_of(fresh.text, fresh.len), &opened, &err));
	CU_ASSERT_TRUE(crypto_keyring_add(&ring, &next, &err) && ring.count == 2 && ring.newest == 1);
	CU_ASSERT_TRUE(crypto_keyring_add(&ring, &back, &err) && ring.count == 2 && ring.newest == 0);
	CU_ASSERT_TRUE(crypto_open(&ring, "here", bytes_of(fresh.text, fresh.len), &opened, &err));
	CU_ASSERT_STRING_EQUAL(opened.text, "fresh");
}

static void test_crypto_keyring_add_refuses(void)
{
	CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0}, other = {0};
	char line[CRYPTO_KEY_ID_MAX + sizeof(HEX_A) + 2];
	struct err err = {0};
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse("a " HEX_A, &ring, &err));
	CU_ASSERT_TRUE_FATAL(crypto_keyring_parse("c " HEX_B "\na " HEX_B, &other, &err));
	CU_ASSERT_FALSE(crypto_keyring_add(&ring, &other, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "key 'a' is not the one it was");
	CU_ASSERT_TRUE(ring.count == 1 && ring.newest == 0);
	for (int i = 0; i <= CRYPTO_SEAL_KEYS_MAX; i++) {
		CLEANUP(crypto_keyring_done) struct crypto_keyring one = {0};
		(void)snprintf(line, sizeof(line), "k%d " HEX_B, i);
		CU_ASSERT_TRUE_FATAL(crypto_keyring_parse(line, &one, &err));
		err = (struct err){0};
		CHECK(line, crypto_keyring_add(&ring, &one, &err) == (i < CRYPTO_SEAL_KEYS_MAX - 1));
	}
	CU_ASSERT_TRUE(ring.count == CRYPTO_SEAL_KEYS_MAX && ring.newest == CRYPTO_SEAL_KEYS_MAX - 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "more than 16 keys"));
}

static void test_crypto_keyring_parse_has_a_ceiling(void)
{
	CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0};
	CLEANUP(strbuf_done) struct strbuf text;
	struct err err = {0};
	strbuf_init(&text, 4096);
	for (int i = 1; i <= CRYPTO_SEAL_KEYS_MAX; i++)
		strbuf_addf(&text, "k%d %s\n", i, HEX_A);
	CU_ASSERT_TRUE(crypto_keyring_parse(strbuf_text(&text), &ring, &err));
	CU_ASSERT_EQUAL(ring.count, CRYPTO_SEAL_KEYS_MAX);
	strbuf_add(&text, "k17 " HEX_A);
	CU_ASSERT_FALSE(crypto_keyring_parse(strbuf_text(&text), &ring, &err));
	CU_ASSERT_STRING_EQUAL(err.message, "line 17: more than 16 keys");
}

static void test_crypto_keyring_done_wipes(void)
{
	static const struct crypto_keyring nothing;
	struct crypto_keyring ring = {0};
	CU_ASSERT_TRUE(crypto_keyring_parse("k1 " HEX_A, &ring, NULL));
	crypto_keyring_done(&ring);
	CU_ASSERT_EQUAL(memcmp(&ring, &nothing, sizeof(ring)), 0);
	crypto_keyring_done(NULL);
}

static void test_crypto_key_fingerprint_depends_on_key_alone(void)
{
	CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0};
	char print[17];
	CU_ASSERT_TRUE(crypto_keyring_parse("a " HEX_A "\nb " HEX_A "\nc " HEX_B, &ring, NULL));
	crypto_key_fingerprint(&ring.keys[0], print);
	CU_ASSERT_STRING_EQUAL(print, "87e41456c0cd652a");
	crypto_key_fingerprint(&ring.keys[1], print);
	CU_ASSERT_STRING_EQUAL(print, "87e41456c0cd652a");
	crypto_key_fingerprint(&ring.keys[2], print);
	CU_ASSERT_STRING_NOT_EQUAL(print, "87e41456c0cd652a");
}

void suite_crypto_keyring(void)
{
	CU_pSuite suite = CU_add_suite("crypto_keyring", NULL, NULL);
	CU_ADD_TEST(suite, test_crypto_keyring_parse_reads_newest_first);
	CU_ADD_TEST(suite, test_crypto_keyring_parse_refuses);
	CU_ADD_TEST(suite, test_crypto_keyring_add_changes_what_seals);
	CU_ADD_TEST(suite, test_crypto_keyring_add_refuses);
	CU_ADD_TEST(suite, test_crypto_keyring_parse_has_a_ceiling);
	CU_ADD_TEST(suite, test_crypto_keyring_done_wipes);
	CU_ADD_TEST(suite, test_crypto_key_fingerprint_depends_on_key_alone);
}
