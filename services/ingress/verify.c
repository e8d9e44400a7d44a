/* HMAC-SHA256 over the raw bytes, before anything of them is parsed; unknown ids cost the same work. */

#include "services/ingress/ingress.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

static const char dummy_secret[] = "no connection has this secret";

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

enum reason passing_verdict(struct passing *passing, const struct connection *connection, struct request *request)
{
	bool is_fitting = false;
	/* Backwards: of two equal ones the current one counts. */
	for (size_t i = CONNECTION_SECRETS_MAX; i-- > 0;) {
		uint8_t digest[CRYPTO_DIGEST_SIZE];
		if (!passing->states[i]) continue;
		crypto_hmac_finish(passing->states[i], digest);
		if (!crypto_equal(digest, request->signature, sizeof(digest))) continue;
		request->secret = i;
		is_fitting = true;
	}
	if (!connection) return REASON_UNKNOWN_CONNECTION;
	return is_fitting && passing->is_known && request->is_signed ? REASON_NONE : REASON_BAD_SIGNATURE;
}

void passing_free(struct passing *passing)
{
	if (!passing) return;
	for (size_t i = 0; i < CONNECTION_SECRETS_MAX; i++)
		crypto_hmac_free(passing->states[i]);
	mem_free(passing);
}

enum reason verify_body(const struct connection *connection, struct request *request)
{
	struct passing *passing = passing_new(connection);
	passing_add(passing, bytes_of(request->body, request->body_len));
	enum reason verdict = passing_verdict(passing, connection, request);
	passing_free(passing);
	return verdict;
}
