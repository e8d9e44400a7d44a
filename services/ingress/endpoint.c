/* HTTP glue: collect the body, verify, accept; or refuse. */

#include "services/ingress/ingress.h"

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/domain/delivery.h"
#include "common/domain/signature.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

enum {
	BODY_FREE_BYTES = 16 * 1024,        /* room that every request has: deliveries are seldom larger */
	LARGE_BYTES_MAX = 48 * 1024 * 1024, /* all larger bodies together; whoever sends them need not be authentic */
};

/* One request on the HTTP thread. */
struct exchange {
	struct request *request;
	size_t size;             /* allocated for the body */
	struct passing *passing; /* set once the body is over the cap */
};

static const struct http_reply reply_not_found = {.status = 404, .body = "{\"detail\":\"Not Found\"}"};
static const struct http_reply reply_bad_id = {
	.status = 422, .body = "{\"detail\":\"The connection id in the path is not an integer.\"}"};
static const struct http_reply reply_oversize = {
	.status = 413, .body = "{\"detail\":\"The request body is larger than 64 MiB.\"}", .closes = true};
static const struct http_reply reply_busy = {
	.status = 503, .body = "{\"detail\":\"Too many requests are waiting.\"}", .retry_after_s = 5};
static const struct http_reply reply_late = {
	.status = 503,
	.body = "{\"detail\":\"The event could not be stored in time. Please send it again.\"}",
	.retry_after_s = 5};
static const struct http_reply reply_webhooks_off = {.status = 200,
						     .body = "{\"message\":\"Jira DC webhooks are disabled.\"}"};
static const struct http_reply reply_ping = {.status = 200, .body = "{\"message\":\"Bitbucket DC ping acknowledged.\"}"};

/* ---- headers ------------------------------------------------------------------------------------------------- */

/* What is answered without looking at the body; NULL: go on. */
static const struct http_reply *answer_early(const struct ingress *ingress, enum provider provider,
					     const struct http_request *http)
{
	const char *event = http_request_header(http, "X-Event-Key");
	if (provider == PROVIDER_JIRA && !ingress->is_jira_enabled) return &reply_not_found;
	if (provider == PROVIDER_JIRA && !ingress->are_jira_webhooks_on) return &reply_webhooks_off;
	if (provider == PROVIDER_BITBUCKET && event && strcmp(event, "diagnostics:ping") == 0) return &reply_ping;
	if (http_request_declared_length(http) > LIMIT_BODY_VERIFY_BYTES) return &reply_oversize;
	return NULL;
}

/* What is no text would make the record unreadable. */
static char *short_header(const struct http_request *http, const char *name)
{
	const char *value = http_request_header(http, name);
	bool is_good = value && strlen(value) <= LIMIT_ID_BYTES && text_is_utf8(bytes_text(value));
	return is_good ? mem_dup(value) : NULL;
}

static struct request *read_headers(enum provider provider, int64_t id, const struct http_request *http)
{
	const char *traceparent = http_request_header(http, "traceparent");
	struct request *request = mem_zalloc(1, sizeof(*request));
	*request = (struct request){
		.provider = provider,
		.connection_id = id,
		.event = provider == PROVIDER_BITBUCKET ? short_header(http, "X-Event-Key") : NULL,
		.request_id = short_header(http, "X-Request-Id"),
		.traceparent = traceparent_is_valid(traceparent) ? mem_dup(traceparent) : NULL,
		.received_at_ms = sysclock_now_ms(),
		.began_us = sysclock_monotonic_us(),
	};
	request->is_signed = http_request_header_count(http, "X-Hub-Signature") == 1 &&
			     signature_parse(http_request_header(http, "X-Hub-Signature"), request->signature);
	if (!request->request_id) request->request_id = short_header(http, "X-Atlassian-Webhook-Identifier");
	return request;
}

static struct exchange *begin(struct ingress *ingress, enum provider provider, struct http_request *http)
{
	int64_t id;
	struct err err = {0};
	const struct http_reply *early = answer_early(ingress, provider, http);
	if (!early && !number_parse(http_request_piece(http), 0, INT64_MAX, &id, &err)) early = &reply_bad_id;
	if (early) {
		http_reply_now(http, early);
		if (early == &reply_oversize) ingress_count(ingress, provider, REASON_OVERSIZE);
		return NULL;
	}
	struct exchange *exchange = mem_zalloc(1, sizeof(*exchange));
	exchange->request = read_headers(provider, id, http);
	exchange->request->budget = &ingress->large_bytes;
	int64_t declared = http_request_declared_length(http);
	exchange->size = declared > 0 && declared < BODY_FREE_BYTES ? (size_t)declared : BODY_FREE_BYTES;
	exchange->request->body = mem_zalloc(1, exchange->size);
	return exchange;
}

static void *begin_jira(void *context, struct http_request *http)
{
	return begin(context, PROVIDER_JIRA, http);
}

static void *begin_bitbucket(void *context, struct http_request *http)
{
	return begin(context, PROVIDER_BITBUCKET, http);
}

/* ---- body ---------------------------------------------------------------------------------------------------- */

/* Over the cap: from here on the bytes only pass by, and are still authenticated. */
static void let_pass(struct ingress *ingress, struct exchange *exchange, struct bytes piece)
{
	struct request *request = exchange->request;
	if (!exchange->passing) {
		const struct connection *connection = connection_acquire(ingress->cache, request->provider,
									 request->connection_id);
		exchange->passing = passing_new(connection);
		table_cache_release(ingress->cache);
		passing_add(exchange->passing, bytes_of(request->body, request->body_len));
		request_forget_body(request);
	}
	passing_add(exchange->passing, piece);
}

/* Reserved as the bytes come, not as they are announced: a promise costs a stranger nothing. */
static bool reserve(struct request *request, size_t bytes)
{
	request->reserved += bytes;
	return atomic_fetch_add(request->budget, bytes) + bytes <= LARGE_BYTES_MAX;
}

static bool keep(struct exchange *exchange, struct bytes piece, size_t cap)
{
	struct request *request = exchange->request;
	size_t needed = request->body_len + piece.len;
	if (needed > exchange->size) {
		size_t doubled = exchange->size * 2 < cap ? exchange->size * 2 : cap;
		size_t size = needed > doubled ? needed : doubled;
		if (!reserve(request, size - exchange->size)) return false;
		exchange->size = size;
		request->body = mem_resize(request->body, 1, size);
	}
	memcpy(request->body + request->body_len, piece.ptr, piece.len);
	return true;
}

static void refuse(const struct ingress *ingress, const struct request *request, struct http_request *http,
		   const struct http_reply *reply, enum reason reason)
{
	http_reply_now(http, reply);
	ingress_count(ingress, request->provider, reason);
}

static void body(void *context, void *state, struct http_request *http, struct bytes piece)
{
	struct ingress *ingress = context;
	struct exchange *exchange = state;
	if (!exchange || piece.len == 0) return;
	struct request *request = exchange->request;
	if (request->body_len + piece.len > LIMIT_BODY_VERIFY_BYTES) {
		refuse(ingress, request, http, &reply_oversize, REASON_OVERSIZE);
		return;
	}
	if (exchange->passing || request->body_len + piece.len > ingress->body_cap)
		let_pass(ingress, exchange, piece);
	else if (!keep(exchange, piece, ingress->body_cap)) {
		request_forget_body(request);
		refuse(ingress, request, http, &reply_busy, REASON_LIMITED);
		return;
	}
	request->body_len += piece.len;
}

/* ---- end ----------------------------------------------------------------------------------------------------- */

static bool suspend(struct ingress *ingress, const struct request *request, struct http_request *http,
		    struct http_ticket *ret)
{
	if (http_suspend(http, ingress->deadline_ms, &reply_late, ret)) return true;
	refuse(ingress, request, http, &reply_busy, REASON_LIMITED);
	return false;
}

/* Refused only after the connection was read anew; a body over the cap is gone by then: too large, whoever sent it. */
static void refuse_or_reread(struct ingress *ingress, struct exchange *exchange, struct http_request *http,
			     enum reason reason)
{
	struct request *request = exchange->request;
	struct http_ticket ticket;
	if (exchange->passing)
		refuse(ingress, request, http, &reply_oversize, REASON_OVERSIZE);
	else if (!request->is_signed || !reread_may(ingress->reread, request->provider, request->connection_id))
		refuse(ingress, request, http, refusal_of(request->provider), reason);
	else if (!suspend(ingress, request, http, &ticket))
		return;
	else if (reread_submit(ingress->reread, request, ticket))
		exchange->request = NULL;
	else
		ingress_answer(ingress, request->provider, ticket, refusal_of(request->provider), reason);
}

static void decide(struct ingress *ingress, struct exchange *exchange, struct http_request *http,
		   const struct connection *connection)
{
	struct request *request = exchange->request;
	struct http_ticket ticket;
	/* The connection may have gone while a large body passed by. */
	enum reason verdict = exchange->passing ? passing_verdict(exchange->passing, connection, request)
						: verify_body(connection, request);
	if (verdict != REASON_NONE)
		refuse_or_reread(ingress, exchange, http, verdict);
	else if (suspend(ingress, request, http, &ticket))
		accept_delivery(ingress, connection, request, ticket);
}

static void end(void *context, void *state, struct http_request *http)
{
	struct ingress *ingress = context;
	struct exchange *exchange = state;
	if (!exchange) return;
	struct request *request = exchange->request;
	crypto_sha256_text(bytes_of(request->body, request->body ? request->body_len : 0), request->digest);
	const struct connection *connection = connection_acquire(ingress->cache, request->provider,
								 request->connection_id);
	/* Asked under the cache's lock: who closes waits for the lock, and then nobody is on the way to the producer. */
	if (atomic_load(&ingress->is_open))
		decide(ingress, exchange, http, connection);
	else
		http_reply_now(http, &reply_busy);
	table_cache_release(ingress->cache);
}

static void done(UNUSED void *context, void *state)
{
	struct exchange *exchange = state;
	if (!exchange) return;
	passing_free(exchange->passing);
	request_free(exchange->request);
	mem_free(exchange);
}

void endpoint_routes(struct ingress *ingress, struct http_route ret[ENDPOINT_ROUTES])
{
	ret[0] = (struct http_route){.method = "POST",
				     .pattern = "/integration/jira-dc/connections/{}/events",
				     .begin = begin_jira,
				     .body = body,
				     .end = end,
				     .done = done,
				     .context = ingress};
	ret[1] = ret[0];
	ret[1].pattern = "/integration/bitbucket-dc/connections/{}/events";
	ret[1].begin = begin_bitbucket;
}
