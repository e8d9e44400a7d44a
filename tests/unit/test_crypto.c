/* crypto: published vectors, running HMAC, sealing and everything that must not open. */
#include "common/base/crypto.h"
#include "common/base/encode.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define PLACE "connection.secret:7"

/* The digest as hex in a buffer of the caller. */
static const char *hex_of(const uint8_t *bytes, size_t len, char *ret, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf hex;
	strbuf_init(&hex, size - 1);
	encode_hex(&hex, bytes_of(bytes, len));
	memcpy(ret, strbuf_text(&hex), hex.len + 1);
	return ret;
}

static void test_crypto_digests(void)
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	char hex[2 * CRYPTO_DIGEST_SIZE + 1];
	crypto_sha256(bytes_text(NULL), digest);
	CU_ASSERT_STRING_EQUAL(hex_of(digest, 32, hex, sizeof(hex)),
			       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_sha256(bytes_text("abc"), digest);
	CU_ASSERT_STRING_EQUAL(hex_of(digest, 32, hex, sizeof(hex)),
			       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha1(bytes_text("abc"), digest);
	CU_ASSERT_STRING_EQUAL(hex_of(digest, CRYPTO_SHA1_SIZE, hex, sizeof(hex)),
			       "a9993e364706816aba3e25717850c26c9cd0d89d");
}

struct hmac_row {
	const char *name;
	uint8_t key_fill; /* 0: `key` as it is */
	size_t key_len;
	const char *key;
	uint8_t data_fill;
	size_t data_len;
	const char *data;
	const char *hex;
};

/* RFC 4231 (case 5 is about cutting, which we do not do), the empty ones, and a webhook body. */
static const struct hmac_row hmac_rows[] = {
	{"1", 0x0B, 20, NULL, 0, 8, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{"2", 0, 4, "Jefe", 0, 28, "what do ya want for nothing?",
	 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{"3", 0xAA, 20, NULL, 0xDD, 50, NULL, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	{"4", 0, 25,
	 "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
	 "\x17\x18\x19",
	 0xCD, 50, NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
	{"6", 0xAA, 131, NULL, 0, 54, "Test Using Larger Than Block-Size Key - Hash Key First",
	 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{"7", 0xAA, 131, NULL, 0, 152,
	 "This is a test using a larger than block-size key and a larger than block-size data. "
	 "The key needs to be hashed before being used by the HMAC algorithm.",
	 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	{"empty", 0, 0, "", 0, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
	{"webhook", 0, 14, "webhook-secret", 0, 31, "{\"eventKey\":\"pr:comment:added\"}",
	 "5d37968f223590f6af5b47fe7645c9d2861d6d35ae4b6a2d40187c7125aa62c5"},
};

static struct bytes filled(uint8_t buffer[200], uint8_t fill, const char *text, size_t len)
{
	memset(buffer, fill, 200);
	return fill ? bytes_of(buffer, len) : bytes_of(text, len);
}

static void test_crypto_hmac_vectors(void)
{
	for (size_t i = 0; i < ARRAY_LEN(hmac_rows); i++) {
		const struct hmac_row *row = &hmac_rows[i];
		uint8_t key_buffer[200];
		uint8_t data_buffer[200];
		uint8_t digest[CRYPTO_DIGEST_SIZE];
		uint8_t in_pieces[CRYPTO_DIGEST_SIZE];
		char hex[2 * CRYPTO_DIGEST_SIZE + 1];
		struct bytes key = filled(key_buffer, row->key_fill, row->key, row->key_len);
		struct bytes data = filled(data_buffer, row->data_fill, row->data, row->data_len);
		crypto_hmac(key, data, digest);
		CHECK_TEXT(row->name, hex_of(digest, 32, hex, sizeof(hex)), row->hex);

		struct crypto_hmac_state *state = crypto_hmac_new(key);
		for (size_t at = 0; at < data.len; at++)
			crypto_hmac_add(state, bytes_of(data.ptr + at, 1));
		crypto_hmac_add(state, bytes_of(NULL, 0));
		crypto_hmac_finish(state, in_pieces);
		crypto_hmac_free(state);
		CHECK(row->name, crypto_equal(digest, in_pieces, sizeof(digest)));
	}
	crypto_hmac_free(NULL);
}

/* A sender's `sha256=HEX` header against the digest of the body it came with. */
static void test_crypto_hmac_fits_signature_header(void)
{
	static const char header[] = "sha256=5D37968f223590f6af5b47fe7645c9d2861d6d35ae4b6a2d40187c7125aa62c5";
	uint8_t sent[CRYPTO_DIGEST_SIZE];
	uint8_t ours[CRYPTO_DIGEST_SIZE];
	CU_ASSERT_TRUE(decode_hex(bytes_text(header + 7), sent, sizeof(sent)));
	crypto_hmac(bytes_text("webhook-secret"), bytes_text("{\"eventKey\":\"pr:comment:added\"}"), ours);
	CU_ASSERT_TRUE(crypto_equal(sent, ours, sizeof(ours)));
	crypto_hmac(bytes_text("webhook-secret"), bytes_text("{\"eventKey\":\"pr:comment:addee\"}"), ours);
	CU_ASSERT_FALSE(crypto_equal(sent, ours, sizeof(ours)));
}

static void test_crypto_equal_looks_at_every_byte(void)
{
	uint8_t a[32] = {0};
	for (size_t i = 0; i < sizeof(a); i++) {
		uint8_t b[32] = {0};
		CU_ASSERT_TRUE(crypto_equal(a, b, sizeof(a)));
		b[i] = 0x80;
		CU_ASSERT_FALSE(crypto_equal(a, b, sizeof(a)));
		CU_ASSERT_TRUE(crypto_equal(a, b, i));
	}
}

static struct crypto_keyring ring_of(const char *id, uint8_t first)
{
	struct crypto_keyring ring = {.count = 1};
	(void)snprintf(ring.keys[0].id, sizeof(ring.keys[0].id), "%s", id);
	for (size_t i = 0; i < CRYPTO_KEY_SIZE; i++)
		ring.keys[0].key[i] = (uint8_t)(first + i);
	return ring;
}

static const uint8_t nonce[CRYPTO_NONCE_SIZE] = {0x60, 0x61, 0x62, 0x63, 0x64, 0x65,
						 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B};

/* The bytes were computed with another implementation of AES-GCM: rows sealed once stay readable. */
static void test_crypto_seal_format_is_fixed(void)
{
	struct crypto_keyring ring = ring_of("k1", 0);
	CLEANUP(strbuf_done) struct strbuf sealed;
	char hex[200];
	strbuf_init(&sealed, 100);
	CU_ASSERT_TRUE(crypto_seal(&ring, PLACE, nonce, bytes_text("hook secret"), &sealed, NULL));
	CU_ASSERT_STRING_EQUAL(hex_of((const uint8_t *)sealed.text, sealed.len, hex, sizeof(hex)),
			       "01026b31606162636465666768696a6b82b4f43e9b33e60c0e738d2e6072f1f18d"
			       "eb03907794b1db12a298");
}

static void test_crypto_open_gives_back_what_was_sealed(void)
{
	static const size_t lens[] = {0, 1, 15, 16, 17, 4096, LIMIT_SETTING_BYTES};
	struct crypto_keyring ring = ring_of("2026-01.new_key_of_32_characters", 9);
	char *plain = mem_zalloc(LIMIT_SETTING_BYTES, 1);
	memset(plain, 'p', LIMIT_SETTING_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		CLEANUP(strbuf_done) struct strbuf sealed;
		CLEANUP(secret_done) struct secret secret = {0};
		struct err err = {0};
		struct bytes bytes = bytes_of(plain, lens[i]);
		strbuf_init(&sealed, 2 * LIMIT_SETTING_BYTES);
		CHECK("seal", crypto_seal(&ring, PLACE, nonce, bytes, &sealed, &err));
		CHECK(err.message, crypto_open(&ring, PLACE, bytes_of(sealed.text, sealed.len), &secret, &err));
		CHECK("same", bytes_equal(secret_bytes(&secret), bytes));
	}
	mem_free(plain);
}

static void test_crypto_open_finds_older_keys(void)
{
	struct crypto_keyring old = ring_of("k1", 1);
	struct crypto_keyring both = ring_of("k2", 2);
	CLEANUP(strbuf_done) struct strbuf sealed;
	CLEANUP(secret_done) struct secret secret = {0};
	strbuf_init(&sealed, 100);
	CU_ASSERT_TRUE(crypto_seal(&old, PLACE, nonce, bytes_text("s"), &sealed, NULL));
	both.keys[1] = old.keys[0];
	both.count = 2;
	CU_ASSERT_TRUE(crypto_open(&both, PLACE, bytes_of(sealed.text, sealed.len), &secret, NULL));
	CU_ASSERT_STRING_EQUAL(secret.text, "s");
}

static void test_crypto_open_refuses_other_place_and_keys(void)
{
	struct crypto_keyring ring = ring_of("k1", 1);
	struct crypto_keyring same_id = ring_of("k1", 2);
	struct crypto_keyring same_key = ring_of("k2", 1);
	struct crypto_keyring longer_id = ring_of("k1c", 1);
	struct crypto_keyring none = {0};
	const struct {
		const char *name;
		const struct crypto_keyring *ring;
		const char *place;
	} rows[] = {
		{"other row", &ring, "connection.secret:8"},
		{"longer place", &ring, PLACE "7"},
		{"no place", &ring, ""},
		{"other key, same id", &same_id, PLACE},
		{"same key, other id", &same_key, PLACE},
		{"id that took a letter of the place", &longer_id, "onnection.secret:7"},
		{"no keys", &none, PLACE},
	};
	CLEANUP(strbuf_done) struct strbuf sealed;
	strbuf_init(&sealed, 100);
	CU_ASSERT_TRUE(crypto_seal(&ring, PLACE, nonce, bytes_text("secret"), &sealed, NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(secret_done) struct secret secret = {0};
		struct err err = {0};
		CHECK(rows[i].name,
		      !crypto_open(rows[i].ring, rows[i].place, bytes_of(sealed.text, sealed.len), &secret, &err));
		CHECK(rows[i].name, err.code == ERR_AUTH && !secret.text);
	}
}

static void test_crypto_open_refuses_every_altered_bit(void)
{
	struct crypto_keyring ring = ring_of("k1", 1);
	CLEANUP(strbuf_done) struct strbuf sealed;
	strbuf_init(&sealed, 100);
	CU_ASSERT_TRUE(crypto_seal(&ring, PLACE, nonce, bytes_text("secret"), &sealed, NULL));
	for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
		CLEANUP(secret_done) struct secret secret = {0};
		struct err err = {0};
		sealed.text[bit / 8] = (char)(sealed.text[bit / 8] ^ (1 << bit % 8));
		CU_ASSERT_FALSE(crypto_open(&ring, PLACE, bytes_of(sealed.text, sealed.len), &secret, &err));
		if (bit < 8 || bit >= 16) /* format, or anything behind the length of the key id */
			CU_ASSERT_EQUAL(err.code, bit < 8 ? ERR_INPUT : ERR_AUTH);
		CU_ASSERT_PTR_NULL(secret.text);
		sealed.text[bit / 8] = (char)(sealed.text[bit / 8] ^ (1 << bit % 8));
	}
}

static void test_crypto_open_refuses_every_cut(void)
{
	struct crypto_keyring ring = ring_of("k1", 1);
	CLEANUP(strbuf_done) struct strbuf sealed;
	strbuf_init(&sealed, 100);
	CU_ASSERT_TRUE(crypto_seal(&ring, PLACE, nonce, bytes_text("secret"), &sealed, NULL));
	for (size_t len = 0; len < sealed.len; len++) {
		void *part = exact_copy(sealed.text, len);
		CLEANUP(secret_done) struct secret secret = {0};
		struct err err = {0};
		CU_ASSERT_FALSE(crypto_open(&ring, PLACE, bytes_of(part, len), &secret, &err));
		CU_ASSERT_EQUAL(err.code, len < 2 + 2 + 12 + 16 ? ERR_INPUT : ERR_AUTH);
		free(part);
	}
}

static void test_crypto_open_refuses_other_formats(void)
{
	static const struct {
		const char *name;
		uint8_t format;
		uint8_t id_len;
		size_t len;
	} rows[] = {
		{"no key id", 1, 0, 100},
		{"long key id", 1, CRYPTO_KEY_ID_MAX + 1, 100},
		{"key id up to the end", 1, 32, 34},
		{"tag cut", 1, 1, 2 + 1 + 12 + 15},
		{"later format", 2, 1, 100},
		{"too long", 1, 1, 2 + 1 + 12 + 16 + LIMIT_SETTING_BYTES + 1},
	};
	struct crypto_keyring ring = ring_of("k1", 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *sealed = mem_zalloc(rows[i].len, 1);
		struct secret secret = {0};
		struct err err = {0};
		sealed[0] = (char)rows[i].format;
		sealed[1] = (char)rows[i].id_len;
		CHECK(rows[i].name, !crypto_open(&ring, PLACE, bytes_of(sealed, rows[i].len), &secret, &err));
		CHECK(rows[i].name, err.code == ERR_INPUT && !secret.text);
		mem_free(sealed);
	}
}

static void test_crypto_seal_refuses(void)
{
	struct crypto_keyring ring = ring_of("k1", 1);
	struct crypto_keyring none = {0};
	struct bytes too_long = bytes_of(PLACE, LIMIT_SETTING_BYTES + 1); /* never read */
	struct err err = {0};
	CLEANUP(strbuf_done) struct strbuf small;
	strbuf_init(&small, 40);
	strbuf_add(&small, "before");
	CU_ASSERT_FALSE(crypto_seal(&none, PLACE, nonce, bytes_text("s"), &small, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INTERNAL);
	CU_ASSERT_FALSE(crypto_seal(&ring, PLACE, nonce, too_long, &small, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INPUT);
	CU_ASSERT_FALSE(crypto_seal(&ring, PLACE, nonce, bytes_text("abc"), &small, &err));
	CU_ASSERT_EQUAL(err.code, ERR_INTERNAL);
	CU_ASSERT_STRING_EQUAL(strbuf_text(&small), "before");
	CU_ASSERT_TRUE(crypto_seal(&ring, PLACE, nonce, bytes_text("ab"), &small, &err));
	CU_ASSERT_EQUAL(small.len, 40);
}

void suite_crypto(void)
{
	CU_pSuite suite = CU_add_suite("crypto", NULL, NULL);
	CU_ADD_TEST(suite, test_crypto_digests);
	CU_ADD_TEST(suite, test_crypto_hmac_vectors);
	CU_ADD_TEST(suite, test_crypto_hmac_fits_signature_header);
	CU_ADD_TEST(suite, test_crypto_equal_looks_at_every_byte);
	CU_ADD_TEST(suite, test_crypto_seal_format_is_fixed);
	CU_ADD_TEST(suite, test_crypto_open_gives_back_what_was_sealed);
	CU_ADD_TEST(suite, test_crypto_open_finds_older_keys);
	CU_ADD_TEST(suite, test_crypto_open_refuses_other_place_and_keys);
	CU_ADD_TEST(suite, test_crypto_open_refuses_every_altered_bit);
	CU_ADD_TEST(suite, test_crypto_open_refuses_every_cut);
	CU_ADD_TEST(suite, test_crypto_open_refuses_other_formats);
	CU_ADD_TEST(suite, test_crypto_seal_refuses);
}
