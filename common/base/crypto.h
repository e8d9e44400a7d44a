#ifndef OHDC_BASE_CRYPTO_H
#define OHDC_BASE_CRYPTO_H

/* HMAC, digests, constant-time comparison, and sealing of secrets at rest. Randomness is an argument. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CRYPTO_DIGEST_SIZE = 32,
	CRYPTO_DIGEST_TEXT_SIZE = 65,
	CRYPTO_SHA1_SIZE = 20,
	CRYPTO_KEY_SIZE = 32,
	CRYPTO_NONCE_SIZE = 12,
	CRYPTO_KEY_ID_MAX = 32,
	CRYPTO_SEAL_KEYS_MAX = 16,
};

/** SHA-256. */
void crypto_sha256(struct bytes data, uint8_t ret[CRYPTO_DIGEST_SIZE]);

/** SHA-256 as 64 lower-case hex digits. */
void crypto_sha256_text(struct bytes data, char ret[CRYPTO_DIGEST_TEXT_SIZE]);

/** SHA-1, for name-based UUIDs alone. */
void crypto_sha1(struct bytes data, uint8_t ret[CRYPTO_SHA1_SIZE]);

/** HMAC-SHA256. */
void crypto_hmac(struct bytes key, struct bytes data, uint8_t ret[CRYPTO_DIGEST_SIZE]);

/** A running HMAC-SHA256 for bodies that come in pieces. */
struct crypto_hmac_state;

/** New running HMAC. */
NODISCARD struct crypto_hmac_state *crypto_hmac_new(struct bytes key);

/** Add a piece. */
void crypto_hmac_add(struct crypto_hmac_state *state, struct bytes piece);

/** Finish; the state may only be freed afterwards. */
void crypto_hmac_finish(struct crypto_hmac_state *state, uint8_t ret[CRYPTO_DIGEST_SIZE]);

/** Free; NULL is fine. */
void crypto_hmac_free(struct crypto_hmac_state *state);

/** Compare in time that depends on `len` alone. */
NODISCARD bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t len);

/** One sealing key. */
struct crypto_key {
	char id[CRYPTO_KEY_ID_MAX + 1]; /**< 1–32 characters [A-Za-z0-9._-] */
	uint8_t key[CRYPTO_KEY_SIZE];
};

/** The sealing keys; zeroed means none. One thread may add keys while others use it. */
struct crypto_keyring {
	struct crypto_key keys[CRYPTO_SEAL_KEYS_MAX]; /**< as read: newest first; added ones behind */
	_Atomic size_t count;
	_Atomic size_t newest; /**< index of the one that seals */
};

/** Read lines `KEYID 64hex`, newest first; blank lines and lines starting with # are skipped. ERR_INPUT names the line number. */
NODISCARD bool crypto_keyring_parse(const char *text, struct crypto_keyring *ret, struct err *err);

/**
 * Take the keys of a list that was read later, and its first one to seal with. Keys that are gone from the list still open. ERR_INPUT:
 * a known id with another key, or too many in all; then the ring seals as before.
 */
NODISCARD bool crypto_keyring_add(struct crypto_keyring *ring, const struct crypto_keyring *list, struct err *err);

/** Number of certificates in a PEM text; 0 when one of them cannot be read. */
NODISCARD size_t crypto_count_certificates(const char *pem);

/** Wipe. */
void crypto_keyring_done(struct crypto_keyring *ring);

/** A fingerprint of a key that says nothing about it: the first 16 hex digits of SHA-256 over a fixed label and the key. */
void crypto_key_fingerprint(const struct crypto_key *key, char ret[17]);

/**
 * Seal `plain` with the newest key: AES-256-GCM with the given random nonce; `place` ("table.column:row") and the key id are
 * associated data. Appends the sealed bytes (format byte 1, key id length, key id, nonce, ciphertext, tag) to `ret`.
 */
NODISCARD bool crypto_seal(const struct crypto_keyring *ring, const char *place, const uint8_t nonce[CRYPTO_NONCE_SIZE],
			   struct bytes plain, struct strbuf *ret, struct err *err);

/** Open what crypto_seal() made for the same place. ERR_INPUT: not that format; ERR_AUTH: unknown key, other place, or altered. */
NODISCARD bool crypto_open(const struct crypto_keyring *ring, const char *place, struct bytes sealed,
			   struct secret *ret, struct err *err);

#endif
