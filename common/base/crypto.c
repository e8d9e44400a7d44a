/* The only door to OpenSSL: digests, HMAC and sealing, through the EVP interface. */
#include "common/base/crypto.h"

#include "common/base/limits.h"
#include "common/base/mem.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "common/base/banned.h"

enum { SEAL_FORMAT = 1, TAG_SIZE = 16, HEADER_MAX = 2 + CRYPTO_KEY_ID_MAX };

/* The algorithms are always there and their arguments fixed, so that only memory can be missing. */
static void need(bool is_done)
{
	if (!is_done) mem_gone();
}

void crypto_sha256(struct bytes data, uint8_t ret[CRYPTO_DIGEST_SIZE])
{
	need(EVP_Digest(data.ptr, data.len, ret, NULL, EVP_sha256(), NULL) == 1);
}

void crypto_sha1(struct bytes data, uint8_t ret[CRYPTO_SHA1_SIZE])
{
	need(EVP_Digest(data.ptr, data.len, ret, NULL, EVP_sha1(), NULL) == 1);
}

struct crypto_hmac_state {
	EVP_MAC_CTX *mac;
};

struct crypto_hmac_state *crypto_hmac_new(struct bytes key)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct crypto_hmac_state *state = mem_zalloc(1, sizeof(*state));
	need(algorithm);
	state->mac = EVP_MAC_CTX_new(algorithm);
	EVP_MAC_free(algorithm); /* the context holds a reference of its own */
	need(state->mac);
	/* A NULL key would mean "the former key"; the empty key is a key too. */
	need(EVP_MAC_init(state->mac, key.len > 0 ? key.ptr : (const uint8_t *)"", key.len, params) == 1);
	return state;
}

void crypto_hmac_add(struct crypto_hmac_state *state, struct bytes piece)
{
	if (piece.len > 0) need(EVP_MAC_update(state->mac, piece.ptr, piece.len) == 1);
}

void crypto_hmac_finish(struct crypto_hmac_state *state, uint8_t ret[CRYPTO_DIGEST_SIZE])
{
	size_t len = 0;
	need(EVP_MAC_final(state->mac, ret, &len, CRYPTO_DIGEST_SIZE) == 1 && len == CRYPTO_DIGEST_SIZE);
}

void crypto_hmac_free(struct crypto_hmac_state *state)
{
	if (!state) return;
	EVP_MAC_CTX_free(state->mac);
	mem_free(state);
}

void crypto_hmac(struct bytes key, struct bytes data, uint8_t ret[CRYPTO_DIGEST_SIZE])
{
	struct crypto_hmac_state *state = crypto_hmac_new(key);
	crypto_hmac_add(state, data);
	crypto_hmac_finish(state, ret);
	crypto_hmac_free(state);
}

bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

CLEANUP_FUNCTION(free_cipher, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);

/*
 * What is authenticated beside the secret: format, key id with its length, and place. The length
 * keeps id and place apart; without the place a sealed value could be moved to another row.
 */
static bool add_associated(EVP_CIPHER_CTX *cipher, struct bytes header, const char *place)
{
	int len;
	struct bytes text = bytes_text(place);
	if (text.len > LIMIT_SETTING_BYTES) return false;
	return EVP_CipherUpdate(cipher, NULL, &len, header.ptr, (int)header.len) == 1 &&
	       EVP_CipherUpdate(cipher, NULL, &len, text.ptr, (int)text.len) == 1;
}

/* The bytes before the nonce: format, length of the key id, key id. */
static size_t write_header(const struct crypto_key *key, uint8_t ret[HEADER_MAX])
{
	size_t len = strnlen(key->id, CRYPTO_KEY_ID_MAX);
	ret[0] = SEAL_FORMAT;
	ret[1] = (uint8_t)len;
	memcpy(ret + 2, key->id, len);
	return 2 + len;
}

/* Encrypt (`seals`, the tag is written) or decrypt `text` to as many bytes at `ret`; decrypted only when the tag fits everything. */
static bool run_cipher(const struct crypto_key *key, struct bytes header, const char *place, const uint8_t *nonce,
		       bool seals, struct bytes text, uint8_t *ret, uint8_t tag[TAG_SIZE])
{
	CLEANUP(free_cipher) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int len = 0;
	int rest = 0;
	return cipher && EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->key, nonce, seals) == 1 &&
	       add_associated(cipher, header, place) &&
	       (text.len == 0 || EVP_CipherUpdate(cipher, ret, &len, text.ptr, (int)text.len) == 1) &&
	       (seals || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1) &&
	       EVP_CipherFinal_ex(cipher, ret + len, &rest) == 1 &&
	       (!seals || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1);
}

bool crypto_seal(const struct crypto_keyring *ring, const char *place, const uint8_t nonce[CRYPTO_NONCE_SIZE],
		 struct bytes plain, struct strbuf *ret, struct err *err)
{
	uint8_t header[HEADER_MAX];
	if (ring->count == 0) return err_set(err, ERR_INTERNAL, "there is no sealing key");
	if (plain.len > LIMIT_SETTING_BYTES)
		return err_set(err, ERR_INPUT, "secret is longer than %d bytes", LIMIT_SETTING_BYTES);

	const struct crypto_key *key = &ring->keys[ring->newest];
	size_t header_len = write_header(key, header);
	size_t body_len = plain.len + TAG_SIZE;
	if (header_len + CRYPTO_NONCE_SIZE + body_len > ret->ceiling - ret->len)
		return err_set(err, ERR_INTERNAL, "sealed secret does not fit its buffer");

	uint8_t *body = mem_zalloc(body_len, 1);
	bool is_done = run_cipher(key, bytes_of(header, header_len), place, nonce, true, plain, body, body + plain.len);
	if (is_done) {
		strbuf_add_bytes(ret, bytes_of(header, header_len));
		strbuf_add_bytes(ret, bytes_of(nonce, CRYPTO_NONCE_SIZE));
		strbuf_add_bytes(ret, bytes_of(body, body_len));
	}
	mem_free(body);
	return is_done || err_set(err, ERR_INTERNAL, "secret could not be sealed");
}

/* The parts of a sealed secret; slices of it. */
struct sealed {
	struct bytes header;
	struct bytes key_id;
	struct bytes nonce;
	struct bytes body; /* ciphertext and tag */
};

static struct bytes take(struct bytes *rest, size_t len)
{
	struct bytes front = bytes_of(rest->ptr, len);
	*rest = bytes_of(rest->ptr + len, rest->len - len);
	return front;
}

static bool split(struct bytes bytes, struct sealed *ret)
{
	if (bytes.len < 2 || bytes.ptr[0] != SEAL_FORMAT) return false;

	size_t id_len = bytes.ptr[1];
	size_t fixed = 2 + id_len + CRYPTO_NONCE_SIZE + TAG_SIZE;
	if (id_len < 1 || id_len > CRYPTO_KEY_ID_MAX || bytes.len < fixed || bytes.len - fixed > LIMIT_SETTING_BYTES)
		return false;
	ret->header = take(&bytes, 2 + id_len);
	ret->key_id = bytes_of(ret->header.ptr + 2, id_len);
	ret->nonce = take(&bytes, CRYPTO_NONCE_SIZE);
	ret->body = bytes;
	return true;
}

static const struct crypto_key *find_key(const struct crypto_keyring *ring, struct bytes id)
{
	for (size_t i = 0; i < ring->count; i++) {
		if (bytes_equal(bytes_text(ring->keys[i].id), id)) return &ring->keys[i];
	}
	return NULL;
}

bool crypto_open(const struct crypto_keyring *ring, const char *place, struct bytes sealed, struct secret *ret,
		 struct err *err)
{
	struct sealed parts;
	if (!split(sealed, &parts)) return err_set(err, ERR_INPUT, "not a sealed secret");
	const struct crypto_key *key = find_key(ring, parts.key_id);
	if (!key) return err_set(err, ERR_AUTH, "sealed with a key that is not in the key file");

	size_t len = parts.body.len - TAG_SIZE;
	uint8_t tag[TAG_SIZE];
	memcpy(tag, parts.body.ptr + len, TAG_SIZE);
	CLEANUP(secret_done) struct secret plain = {.text = mem_zalloc(len + 1, 1), .len = len};
	if (!run_cipher(key, parts.header, place, parts.nonce.ptr, false, bytes_of(parts.body.ptr, len),
			(uint8_t *)plain.text, tag))
		return err_set(err, ERR_AUTH, "sealed secret was altered or belongs elsewhere");
	secret_done(ret);
	return MOVE(ret, plain);
}
