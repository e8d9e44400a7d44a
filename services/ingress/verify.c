/* HMAC-SHA256 over the raw bytes, before anything of them is parsed; unknown ids cost the same work. */

#include "services/ingress/ingress.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

static const char dummy_secret[] = "no connection has this secret";

/* Whether a digest is the signature; if so it is noted whose. */
static bool is_signature(const uint8_t digest[CRYPTO_DIGEST_SIZE], struct request *request, size_t secret)
{
	bool is_same = crypto_equal(digest, request->signature, CRYPTO_DIGEST_SIZE);
	if (is_same) request->secret = secret;
	return is_same;
}

static bool fits(struct bytes secret, struct request *request, size_t number)
{
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	crypto_hmac(secret, bytes_of(request->body, request->body_len), digest);
	return is_signature(digest, request, number);
}

enum verdict_signature verify_body(const struct connection *connection, struct request *request)
{
	bool is_fitting = false;
	size_t tried = 0;
	/* Backwards: of two equal ones the current one counts. */
	for (size_t i = CONNECTION_SECRETS_MAX; connection && i-- > 0;) {
		if (!secret_is_set(&connection->secrets[i])) continue;
		is_fitting = fits(secret_bytes(&connection->secrets[i]), request, i) || is_fitting;
		tried++;
	}
	if (tried == 0) is_fitting = fits(bytes_text(dummy_secret), request, 0) && false;
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

bool passing_fits(struct passing *passing, struct request *request)
{
	bool is_fitting = false;
	for (size_t i = CONNECTION_SECRETS_MAX; i-- > 0;) {
		if (!passing->states[i]) continue;
		uint8_t digest[CRYPTO_DIGEST_SIZE];
		crypto_hmac_finish(passing->states[i], digest);
		is_fitting = is_signature(digest, request, i) || is_fitting;
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
