/* The OpenHands client itself: keys in memory, and one call as a person. */
#include "services/dispatcher/openhands.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/lock.h"
#include "services/dispatcher/openhands_call.h"

#include <pthread.h>
#include <string.h>

#include "common/base/banned.h"

enum {
	KEY_AGE_MAX_MS = 60 * 60 * 1000, /* a key deleted on the server is noticed within the hour */
	DEADLINE_MS = 30000,
};

/* One key in memory; `owner` is "{user}/{org}", NULL: the slot is free. */
struct key_slot {
	char *owner;
	struct secret key;
	int64_t minted_ms;
	int64_t used_ms;
};

struct openhands {
	struct openhands_options options;
	struct api_peer peer;
	char *base_url;
	pthread_mutex_t lock; /* guards `keys` */
	struct key_slot keys[OPENHANDS_KEYS_MAX];
};

struct openhands *openhands_new(const struct openhands_options *options)
{
	struct openhands *self = mem_zalloc(1, sizeof(*self));
	self->options = *options;
	self->base_url = mem_dup(options->base_url);
	self->peer = (struct api_peer){options->client, self->base_url, "OpenHands", DEADLINE_MS};
	(void)pthread_mutex_init(&self->lock, NULL);
	return self;
}

static void free_slot(struct key_slot *slot)
{
	mem_free(slot->owner);
	secret_done(&slot->key);
	*slot = (struct key_slot){0};
}

void openhands_free(struct openhands *self)
{
	if (!self) return;
	for (size_t i = 0; i < OPENHANDS_KEYS_MAX; i++)
		free_slot(&self->keys[i]);
	(void)pthread_mutex_destroy(&self->lock);
	MEM_FREE_ALL(self->base_url, self);
}

int64_t openhands_now_ms(const struct openhands *self)
{
	return self->options.now_ms();
}

/* --- keys in memory ------------------------------------------------------------------------------ */

static const char *org_of(const struct openhands_user *user)
{
	return user->org_id && user->org_id[0] ? user->org_id : user->user_id;
}

static char *owner_of(const struct openhands_user *user)
{
	CLEANUP(strbuf_done) struct strbuf owner = strbuf_of(2 * LIMIT_ID_BYTES);
	strbuf_addf(&owner, "%s/%s", user->user_id, org_of(user));
	return strbuf_take(&owner);
}

/* The slot of an owner, else NULL. The lock is held. */
static struct key_slot *find_slot(struct openhands *self, const char *owner)
{
	for (size_t i = 0; i < OPENHANDS_KEYS_MAX; i++) {
		if (self->keys[i].owner && strcmp(self->keys[i].owner, owner) == 0) return &self->keys[i];
	}
	return NULL;
}

/* A free slot, else the one that was not used for longest. The lock is held. */
static struct key_slot *oldest_slot(struct openhands *self)
{
	struct key_slot *oldest = &self->keys[0];
	for (size_t i = 0; i < OPENHANDS_KEYS_MAX; i++) {
		if (!self->keys[i].owner) return &self->keys[i];
		if (self->keys[i].used_ms < oldest->used_ms) oldest = &self->keys[i];
	}
	return oldest;
}

static bool recall(struct openhands *self, const char *owner, struct secret *ret)
{
	int64_t now_ms = self->options.now_ms();
	LOCK_HOLD(&self->lock);
	struct key_slot *slot = find_slot(self, owner);

	if (!slot || now_ms - slot->minted_ms >= KEY_AGE_MAX_MS) return false;
	slot->used_ms = now_ms;
	secret_set(ret, slot->key.text, slot->key.len);
	return true;
}

static void remember(struct openhands *self, const char *owner, const struct secret *key)
{
	int64_t now_ms = self->options.now_ms();
	LOCK_HOLD(&self->lock);
	struct key_slot *slot = find_slot(self, owner);

	if (!slot) slot = oldest_slot(self);
	free_slot(slot);
	*slot = (struct key_slot){.owner = mem_dup(owner), .minted_ms = now_ms, .used_ms = now_ms};
	secret_set(&slot->key, key->text, key->len);
}

static void forget(struct openhands *self, const char *owner)
{
	LOCK_HOLD(&self->lock);
	struct key_slot *slot = find_slot(self, owner);
	if (slot) free_slot(slot);
}

/* --- the service endpoint -------------------------------------------------------------------------- */

/* A refused service key is the operator's matter: the person's request stays alive. */
static void explain_service(UNUSED const json_t *body, UNUSED void *context, struct err *err)
{
	if (err->http_status == 401) err->code = ERR_INTERNAL;
}

/* Mint a key and keep it. */
static bool mint(struct openhands *self, const struct openhands_user *user, const char *owner, struct secret *ret,
		 struct err *err)
{
	CLEANUP(secret_done) struct secret service_key = {0};
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = json_pack("{s:s}", "name", "ohdc");
	if (!self->options.service_key(self->options.context, &service_key))
		return err_set(err, ERR_INTERNAL, "mint a key: no service key for OpenHands is configured");
	api_path(&path, "/api/service/users/%s/orgs/%s/api-keys", user->user_id, org_of(user));
	struct api_call call = {.method = "POST",
				.path = strbuf_text(&path),
				.auth_name = "X-Service-API-Key",
				.auth_prefix = "",
				.auth = &service_key,
				.body = body,
				.explain = explain_service};
	if (!api_call_send(&self->peer, &call, true, &answer, err)) return err_wrap(err, "mint a key");
	const char *key = json_text_at(answer.json, "key");
	if (!key || !key[0] || strlen(key) > LIMIT_NAME_BYTES)
		return err_set(err, ERR_INTERNAL, "OpenHands minted no usable key");
	secret_set(ret, key, strlen(key));
	remember(self, owner, ret);
	return true;
}

/* --- one call as a person -------------------------------------------------------------------------- */

bool openhands_call(struct openhands *self, const struct openhands_user *user, const struct api_call *call,
		    bool need_json, struct api_answer *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *owner = owner_of(user);
	struct err failure = {0};
	/* A 401 did nothing, so that with a new key even a start may be sent once more. */
	for (int round = 0; round < 2 && (round == 0 || failure.http_status == 401); round++) {
		CLEANUP(secret_done) struct secret key = {0};
		struct api_call keyed = *call;
		if (round > 0) forget(self, owner);
		if (!recall(self, owner, &key) && !mint(self, user, owner, &key, err)) return false;
		keyed.auth_name = "Authorization";
		keyed.auth_prefix = "Bearer ";
		keyed.auth = &key;
		keyed.explain = openhands_explain_limit;
		keyed.context = self;
		failure = (struct err){0};
		if (api_call_send(&self->peer, &keyed, need_json, ret, &failure)) return true;
	}
	if (failure.http_status == 401) forget(self, owner);
	if (err) *err = failure;
	return false;
}

bool openhands_get(struct openhands *self, const struct openhands_user *user, const char *path, struct api_answer *ret,
		   struct err *err)
{
	struct api_call call = {.method = "GET", .path = path};
	return openhands_call(self, user, &call, true, ret, err);
}

/* --- small readers --------------------------------------------------------------------------------- */

void openhands_plain_id(const char *id, char *ret, size_t size)
{
	struct uuid uuid;
	char hex[UUID_HEX_SIZE];
	bool is_uuid = id && uuid_parse(id, &uuid);
	if (is_uuid) uuid_hex(&uuid, hex);
	text_copy(is_uuid ? hex : id, ret, size);
}

const json_t *openhands_find(const json_t *array, const char *key, const char *id)
{
	char wanted[OPENHANDS_ID_SIZE];
	char found[OPENHANDS_ID_SIZE];
	openhands_plain_id(id, wanted, sizeof(wanted));
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		openhands_plain_id(json_text_at(item, key), found, sizeof(found));
		if (found[0] && strcmp(found, wanted) == 0) return item;
	}
	return NULL;
}

bool openhands_get_item(struct openhands *self, const struct openhands_user *user, const char *path, const char *name,
			const char *id, struct api_answer *ret, const json_t **ret_item, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf whole = strbuf_of(LIMIT_URL_BYTES);
	char plain[OPENHANDS_ID_SIZE];
	openhands_plain_id(id, plain, sizeof(plain));
	strbuf_addf(&whole, "%s?%s=", path, name);
	api_path_add(&whole, "%s", plain);
	if (!openhands_get(self, user, strbuf_text(&whole), ret, err)) return err_wrap(err, "read '%s'", path);
	*ret_item = openhands_find(ret->json, "id", id);
	return json_is_array(ret->json) || err_set(err, ERR_INTERNAL, "OpenHands sent no list of '%s'", path);
}
