/* The file of sealing keys, what may be said about a key, and whether a file of certificates is one. */
#include "common/base/crypto.h"
#include "common/base/encode.h"
#include "common/base/mem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/base/banned.h"

static const char id_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789._-";
static const char blanks[] = " \t\r";

/* Read `KEYID 64hex`; the key is never quoted in a message. */
static bool read_key(const char *line, size_t len, struct crypto_key *ret)
{
	size_t id_len = strspn(line, id_chars);
	size_t gap = strspn(line + id_len, blanks);
	if (id_len == 0 || id_len > CRYPTO_KEY_ID_MAX || gap == 0) return false;
	while (len > 0 && strchr(blanks, line[len - 1]))
		len--;
	if (len < id_len + gap ||
	    !decode_hex(bytes_of(line + id_len + gap, len - id_len - gap), ret->key, CRYPTO_KEY_SIZE))
		return false;
	memcpy(ret->id, line, id_len);
	ret->id[id_len] = '\0';
	return true;
}

/* The place of a key; behind the last one where there is none. */
static size_t find_id(const struct crypto_keyring *ring, const char *id)
{
	size_t i = 0;
	while (i < ring->count && strcmp(ring->keys[i].id, id) != 0)
		i++;
	return i;
}

/* Add the key of one line to the ring. */
static bool add_line(struct crypto_keyring *ring, const char *line, size_t len, int number, struct err *err)
{
	struct crypto_key *key = &ring->keys[ring->count];
	if (ring->count == CRYPTO_SEAL_KEYS_MAX)
		return err_set(err, ERR_INPUT, "line %d: more than %d keys", number, CRYPTO_SEAL_KEYS_MAX);
	if (!read_key(line, len, key))
		return err_set(err, ERR_INPUT, "line %d: expected a key id, a blank and %d hex digits", number,
			       2 * CRYPTO_KEY_SIZE);
	if (find_id(ring, key->id) < ring->count)
		return err_set(err, ERR_INPUT, "line %d: key id '%s' is there twice", number, key->id);
	ring->count++;
	return true;
}

bool crypto_keyring_parse(const char *text, struct crypto_keyring *ret, struct err *err)
{
	CLEANUP(crypto_keyring_done) struct crypto_keyring ring = {0};
	int number = 1;
	for (; *text != '\0'; number++) {
		text += strspn(text, blanks);
		size_t len = strcspn(text, "\n");

		if (len > 0 && *text != '#' && !add_line(&ring, text, len, number, err)) return false;
		text += len;
		text += *text == '\n';
	}
	if (ring.count == 0) return err_set(err, ERR_INPUT, "there is no key in it");
	*ret = ring;
	return true;
}

bool crypto_keyring_add(struct crypto_keyring *ring, const struct crypto_keyring *list, struct err *err)
{
	size_t at = 0;
	for (size_t i = list->count; i-- > 0;) {
		const struct crypto_key *key = &list->keys[i];
		at = find_id(ring, key->id);
		if (at == CRYPTO_SEAL_KEYS_MAX)
			return err_set(err, ERR_INPUT, "more than %d keys since the start", CRYPTO_SEAL_KEYS_MAX);
		if (at < ring->count && memcmp(ring->keys[at].key, key->key, CRYPTO_KEY_SIZE) != 0)
			return err_set(err, ERR_INPUT, "key '%s' is not the one it was", key->id);
		if (at < ring->count) continue;
		ring->keys[at] = *key;
		ring->count = at + 1; /* readers look no further than this */
	}
	ring->newest = at;
	return true;
}

void crypto_keyring_done(struct crypto_keyring *ring)
{
	if (ring) mem_wipe(ring, sizeof(*ring));
}

void crypto_sha256_text(struct bytes data, char ret[CRYPTO_DIGEST_TEXT_SIZE])
{
	CLEANUP(strbuf_done) struct strbuf hex = strbuf_of(CRYPTO_DIGEST_TEXT_SIZE);
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	crypto_sha256(data, digest);
	encode_hex(&hex, bytes_of(digest, sizeof(digest)));
	memcpy(ret, strbuf_text(&hex), CRYPTO_DIGEST_TEXT_SIZE);
}

void crypto_key_fingerprint(const struct crypto_key *key, char ret[17])
{
	static const char label[] = "ohdc sealing key";
	uint8_t data[sizeof(label) + CRYPTO_KEY_SIZE];
	char digest[CRYPTO_DIGEST_TEXT_SIZE];
	memcpy(data, label, sizeof(label));
	memcpy(data + sizeof(label), key->key, CRYPTO_KEY_SIZE);
	crypto_sha256_text(bytes_of(data, sizeof(data)), digest);
	mem_wipe(data, sizeof(data));
	memcpy(ret, digest, 16);
	ret[16] = '\0';
}

size_t crypto_count_certificates(const char *pem)
{
	char none[] = ""; /* no question for a password */
	size_t count = 0;
	BIO *bio = BIO_new_mem_buf(pem, -1);
	for (X509 *one; bio && (one = PEM_read_bio_X509_AUX(bio, NULL, NULL, none)); count++)
		X509_free(one);
	bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	return is_end ? count : 0;
}
