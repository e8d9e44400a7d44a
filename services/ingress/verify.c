/* HMAC-SHA256 over the raw bytes, before anything of them is parsed; unknown ids cost the same work. */

#include "services/ingress/ingress.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

static const char dummy_secret[] = "no connection has this secret";

static bool fits(struct bytes secret, const struct request *request)
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	crypto_hmac(secret, bytes_of(request->body, request->body_len), digest);
	return crypto_equal(digest, request->signature, sizeof(digest));
}

enum verdict_signature verify_body(const struct connection *connection, const struct request *request)
{
	bool is_fitting = false;
	size_t tried = 0;
	for (size_t i = 0; connection && i < CONNECTION_SECRETS_MAX; i++) {
		if (!secret_is_set(&connection->secrets[i])) continue;
		is_fitting = fits(secret_bytes(&connection->secrets[i]), request) || is_fitting;
		tried++;
	}
	if (tried == 0) is_fitting = fits(bytes_text(dummy_secret), request) && false;
	if (!connection) return SIGNATURE_NO_CONNECTION;
	return is_fitting && request->is_signed ? SIGNATURE_FITS : SIGNATURE_WRONG;
}

/* ---- bodies over the cap ------------------------------------------------------------------------------------- */

struct passing {
	struct crypto_hmac_state *states[CONNECTION_SECRETS_MAX];
	bool is_known;
};

struct passing *passing_new(const struct connection *connection)
{
	struct passing *passing = mem_zalloc(1, sizeof(*passing));
	for (size_t i = 0; connection && i < CONNECTION_SECRETS_MAX; i++) {
		if (!secret_is_set(&connection->secrets[i])) continue;
		passing->states[i] = crypto_hmac_new(secret_bytes(&connection->secrets[i]));
		passing->is_known = true;
	}
	if (!passing->is_known) passing->states[0] = crypto_hmac_new(bytes_text(dummy_secret));
	return passing;
}

void passing_add(struct passing *passing, struct bytes piece)
{
	for (size_t i = 0; i < CONNECTION_SECRETS_MAX; i++) {
		if (passing->states[i]) crypto_hmac_add(passing->states[i], piece);
	}
}

bool passing_fits(struct passing *passing, const struct request *request)
{
	bool is_fitting = false;
	for (size_t i = 0; i < CONNECTION_SECRETS_MAX; i++) {
		if (!passing->states[i]) continue;
		uint8_t digest[CRYPTO_DIGEST_SIZE];
		crypto_hmac_finish(passing->states[i], digest);
		is_fitting = crypto_equal(digest, request->signature, sizeof(digest)) || is_fitting;
	}
	return is_fitting && passing->is_known && request->is_signed;
}

void passing_free(struct passing *passing)
{
	if (!passing) return;
	for (size_t i = 0; i < CONNECTION_SECRETS_MAX; i++)
		crypto_hmac_free(passing->states[i]);
	mem_free(passing);
}
