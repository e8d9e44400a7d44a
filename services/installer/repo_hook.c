/* Puts our webhook right in rounds of writing and looking. */

#include "services/installer/repo_hook.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/api_call.h"

#include <string.h>

#include "common/base/banned.h"

enum { ROUNDS = 3 };

static const char *const events[] = {"repo:refs_changed",
				     "repo:comment:added",
				     "repo:comment:edited",
				     "repo:comment:deleted",
				     "pr:opened",
				     "pr:from_ref_updated",
				     "pr:modified",
				     "pr:reviewer:approved",
				     "pr:reviewer:unapproved",
				     "pr:reviewer:needs_work",
				     "pr:merged",
				     "pr:declined",
				     "pr:deleted",
				     "pr:comment:added",
				     "pr:comment:edited",
				     "pr:comment:deleted"};

struct own_hook repo_hook_own(const char *url, const char *known_id)
{
	return (struct own_hook){.name = REPO_HOOK_NAME,
				 .url = url,
				 .known_id = known_id,
				 .events = events,
				 .event_count = ARRAY_LEN(events)};
}

static json_t *body_of(const struct own_hook *own, const struct secret *secret)
{
	return json_pack("{ss ss so sb s{ss%} sb}", "name", own->name, "url", own->url, "events", own_hook_events(own),
			 "active", true, "configuration", "secret", secret->text, secret->len,
			 "sslVerificationRequired", true);
}

/* Bitbucket may hide the secret: then it is what was sent last. */
static bool is_right(const json_t *hook, const struct own_hook *own, const struct secret *secret)
{
	const char *shown = json_text_at(hook, "configuration.secret");
	bool is_hidden = text_is_empty(shown) || shown[strspn(shown, "*")] == '\0';
	return !own_hook_wrong(hook, own) && (is_hidden || strcmp(shown, secret->text) == 0);
}

/* New id of a webhook; NULL: there is none at that place. */
static char *id_of(const json_t *hooks, int place)
{
	return place < 0 ? NULL : api_id(json_array_get(hooks, (size_t)place));
}

/*
 * Delete all of ours on our host but the one at `best`: two people may have installed at the same time. Takes them out of `hooks`.
 * On another host is perhaps another installation's.
 */
static bool remove_doubles(const struct bot_server *server, const struct bot_repository *name,
			   const struct own_hook *own, json_t *hooks, int best, struct err *err)
{
	for (int place = best; place >= 0; place = own_hook_find(hooks, own, OWN_HOOK_LIKE)) {
		CLEANUP(mem_free_text) char *id = id_of(hooks, place);
		if (place != best && id && !repo_api_delete_hook(server, name, id, err)) return false;
		best = -1;
		json_array_remove(hooks, (size_t)place);
	}
	return true;
}

/* Write, and see what is there then; `hooks` is replaced. */
static bool write_once(const struct bot_server *server, const struct bot_repository *name, const struct own_hook *own,
		       const struct secret *secret, json_t **hooks, struct err *err)
{
	json_auto_t *body = body_of(own, secret);
	json_t *after = NULL;
	struct err failure = {0};
	CLEANUP(mem_free_text) char *id = id_of(*hooks, own_hook_find(*hooks, own, OWN_HOOK_MOVED));
	bool is_sent = repo_api_put_hook(server, name, id, body, &failure);
	/* Nobody knows what happened, or somebody deleted it meanwhile: the list knows. */
	bool may_look = is_sent || failure.code == ERR_UNCERTAIN || (id && failure.code == ERR_NOT_FOUND);
	if (!api_call_settle(may_look, &failure, err) || !repo_api_hooks(server, name, &after, err)) return false;
	json_decref(*hooks);
	*hooks = after;
	return true;
}

bool repo_hook_install(const struct bot_server *server, const struct bot_repository *name, const struct own_hook *own,
		       const struct secret *secret, json_t *hooks, char **ret_id, struct err *err)
{
	json_auto_t *now = json_copy(hooks);
	for (int i = 0; i < ROUNDS; i++) {
		if (!write_once(server, name, own, secret, &now, err)) return false;
		int place = own_hook_find(now, own, OWN_HOOK_MOVED);
		if (place < 0 || !is_right(json_array_get(now, (size_t)place), own, secret)) continue;
		*ret_id = id_of(now, place);
		return remove_doubles(server, name, own, now, place, err);
	}
	return err_set(err, ERR_INTERNAL, "Bitbucket shows another webhook than was written");
}

bool repo_hook_remove(const struct bot_server *server, const struct bot_repository *name, const struct own_hook *own,
		      json_t *hooks, char **ret_id, struct err *err)
{
	json_auto_t *now = json_copy(hooks);
	int place = own_hook_find(now, own, OWN_HOOK_MOVED);
	CLEANUP(mem_free_text) char *id = id_of(now, place);
	if (id && (!repo_api_delete_hook(server, name, id, err) || !remove_doubles(server, name, own, now, place, err)))
		return false;
	return MOVE(ret_id, id);
}
