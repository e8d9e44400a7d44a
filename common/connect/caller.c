/* Asks OHE who calls, and remembers for a while what it said. */

#include "common/connect/caller.h"

#include "common/base/crypto.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/io/lock.h"

#include <pthread.h>
#include <string.h>

#include "common/base/banned.h"

enum {
	KNOWN_MS = 20000,
	KNOWN_MAX = 1024,
	DEADLINE_MS = 10000,
	HEADER_BYTES = 32 * 1024,
	RETRY_S = 2,
};

/* What proves who somebody is, and last the organisation that is meant. */
static const char *const credentials[] = {"Cookie", "Authorization", "X-Session-API-Key", "X-Org-Id"};

enum { CREDENTIALS = ARRAY_LEN(credentials), PROOFS = CREDENTIALS - 1 };

static const char busy[] = "OpenHands could not be asked who you are. Try again in a moment.";

/* The credentials of one request, as headers. */
struct proof {
	struct strbuf lines[CREDENTIALS];
	bool is_there;
	uint8_t digest[CRYPTO_DIGEST_SIZE];
};

struct known {
	uint8_t digest[CRYPTO_DIGEST_SIZE];
	int64_t until_ms;
	json_t *me; /* of struct caller; NULL: free */
};

struct callers {
	struct http_client *client;
	const struct config *config;
	caller_clock *clock;
	pthread_mutex_t lock; /* guards known */
	struct known known[KNOWN_MAX];
};

void caller_done(struct caller *caller)
{
	if (!caller) return;
	json_decref(caller->me);
	*caller = (struct caller){0};
}

struct callers *callers_new(struct http_client *client, const struct config *config, caller_clock *clock)
{
	struct callers *callers = mem_zalloc(1, sizeof(*callers));
	callers->client = client;
	callers->config = config;
	callers->clock = clock;
	(void)pthread_mutex_init(&callers->lock, NULL);
	return callers;
}

void callers_free(struct callers *callers)
{
	if (!callers) return;
	for (size_t i = 0; i < KNOWN_MAX; i++)
		json_decref(callers->known[i].me);
	(void)pthread_mutex_destroy(&callers->lock);
	mem_free(callers);
}

/* --- credentials ------------------------------------------------------------------------------------------ */

static void proof_done(struct proof *proof)
{
	for (size_t i = 0; i < CREDENTIALS; i++)
		strbuf_wipe(&proof->lines[i]);
}

static void proof_read(const struct web_request *request, struct proof *ret)
{
	uint8_t digests[CREDENTIALS][CRYPTO_DIGEST_SIZE] = {0};
	for (size_t i = 0; i < CREDENTIALS; i++) {
		const char *value = web_header(request, credentials[i]);
		if (text_is_empty(value)) continue;
		strbuf_init(&ret->lines[i], HEADER_BYTES);
		strbuf_addf(&ret->lines[i], "%s: %s", credentials[i], value);
		crypto_sha256(bytes_text(value), digests[i]);
		if (i < PROOFS) ret->is_there = true;
	}
	crypto_sha256(bytes_of(digests, sizeof(digests)), ret->digest);
}

/* --- what is known ---------------------------------------------------------------------------------------- */

/* New reference; NULL: not known. */
static json_t *recall(struct callers *callers, const struct proof *proof)
{
	int64_t now_ms = callers->clock();
	LOCK_HOLD(&callers->lock);
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		const struct known *known = &callers->known[i];
		if (known->me && known->until_ms > now_ms &&
		    crypto_equal(known->digest, proof->digest, CRYPTO_DIGEST_SIZE))
			return json_incref(known->me);
	}
	return NULL;
}

/* In the place that is free, or else the oldest. */
static void remember(struct callers *callers, const struct proof *proof, json_t *me)
{
	struct known *place = &callers->known[0];
	LOCK_HOLD(&callers->lock);
	for (size_t i = 1; i < KNOWN_MAX && place->me; i++) {
		struct known *known = &callers->known[i];
		if (!known->me || known->until_ms < place->until_ms) place = known;
	}
	json_decref(place->me);
	memcpy(place->digest, proof->digest, CRYPTO_DIGEST_SIZE);
	place->until_ms = callers->clock() + KNOWN_MS;
	place->me = json_incref(me);
}

/* --- asking ----------------------------------------------------------------------------------------------- */

static bool refuse(struct web_reply *reply, int status, const char *detail)
{
	return web_reply_detail(reply, status, "%s", detail);
}

static bool refuse_nobody(struct web_reply *reply)
{
	web_reply_json(reply, 401, json_pack("{s:s}", "error", "NoCredentialsError"));
	return false;
}

/* OHE's no (wrong organisation, expired, suspended, too many) goes on as it is; what is no answer to the question becomes 502. */
static bool pass_on(const struct http_result *result, struct web_reply *reply)
{
	json_t *body = NULL;
	bool is_no = result->status == 400 || result->status == 401 || result->status == 403;
	if (result->status == 429) {
		reply->retry_after_s = (result->retry_after_ms + 999) / 1000;
		if (reply->retry_after_s == 0) reply->retry_after_s = RETRY_S;
		return refuse(reply, 429, busy);
	}
	if (!is_no) return refuse(reply, 502, busy);
	if (json_read(bytes_of(result->body, result->body_len), WEB_BODY_BYTES, LIMIT_JSON_DEPTH, &body, NULL)) {
		web_reply_json(reply, result->status, body);
		return false;
	}
	return result->status == 401 ? refuse_nobody(reply) : refuse(reply, result->status, "Forbidden");
}

/* Only what we use is kept: OHE's answer has a person's settings as well. NULL: it is no JSON. */
static json_t *read_me(const struct http_result *result)
{
	static const char *const texts[] = {"id", "email", "org_id", "role"};
	json_auto_t *all = NULL;
	if (!json_read(bytes_of(result->body, result->body_len), LIMIT_HTTP_RESPONSE_BYTES, LIMIT_JSON_DEPTH, &all, NULL))
		return NULL;
	json_t *me = json_object();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = json_text_at(all, texts[i]);
		json_put_text(me, texts[i], text ? text : "");
	}
	(void)json_object_set(me, "permissions", json_at(all, "permissions"));
	return me;
}

/* `ret` is a new reference; false: `reply` is set. */
static bool ask(struct callers *callers, const struct proof *proof, json_t **ret, struct web_reply *reply)
{
	CLEANUP(http_result_done) struct http_result result = {0};
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	size_t count = 1;
	strbuf_addf(&url, "%s/api/v1/users/me", config_text(callers->config, "OHDC_OPENHANDS_URL"));
	struct http_call call = {.method = "GET",
				 .url = strbuf_text(&url),
				 .headers = {"Accept: application/json"},
				 .deadline_ms = DEADLINE_MS,
				 .ceiling_bytes = LIMIT_HTTP_RESPONSE_BYTES};
	for (size_t i = 0; i < CREDENTIALS; i++) {
		if (proof->lines[i].len > 0) call.headers[count++] = strbuf_text(&proof->lines[i]);
	}
	if (!http_client_send(callers->client, &call, &result, NULL)) return refuse(reply, 502, busy);
	if (result.status != 200) return pass_on(&result, reply);
	*ret = read_me(&result);
	return *ret || refuse(reply, 502, busy);
}

bool callers_find(struct callers *callers, const struct web_request *request, struct caller *ret, struct web_reply *reply)
{
	CLEANUP(proof_done) struct proof proof = {0};
	proof_read(request, &proof);
	if (!proof.is_there) return refuse_nobody(reply);
	json_auto_t *me = recall(callers, &proof);
	if (!me) {
		if (!ask(callers, &proof, &me, reply)) return false;
		if (text_is_empty(json_text_at(me, "id"))) return refuse(reply, 401, "User not authenticated");
		remember(callers, &proof, me);
	}
	*ret = (struct caller){.me = json_incref(me),
			       .user_id = json_text_at(me, "id"),
			       .email = json_text_at(me, "email"),
			       .org_id = json_text_at(me, "org_id"),
			       .role = json_text_at(me, "role")};
	return true;
}

bool caller_may(const struct caller *caller, const char *permission)
{
	return json_has_text(json_at(caller->me, "permissions"), permission);
}

bool caller_must(const struct caller *caller, const char *permission, struct web_reply *reply)
{
	if (caller_may(caller, permission)) return true;
	return web_reply_detail(reply, 403, "Requires %s permission", permission);
}
