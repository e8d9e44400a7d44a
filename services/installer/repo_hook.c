/* Finds our webhook among others, and puts it right in rounds of writing and looking. */

#include "services/installer/repo_hook.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/url.h"
#include "common/io/api_call.h"

#include <string.h>

#include "common/base/banned.h"

#define PATH_START "/integration/bitbucket-dc/"

enum { ROUNDS = 3, RANK_HERE = 2 /* on our host */ };

json_t *repo_hook_events(void)
{
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
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		json_array_append_new(list, json_string(events[i]));
	return list;
}

/* ---- which is ours ------------------------------------------------------------------------------------------------ */

/* "connections/7/events" of any connection, or the path from before there were connections. */
static bool is_own_path(const char *path)
{
	const char *at = strstr(path, PATH_START);
	size_t digits;

	if (!at) return false;
	at += strlen(PATH_START);
	if (strcmp(at, "events") == 0) return true;
	if (!text_starts(at, "connections/")) return false;
	at += strlen("connections/");
	digits = strspn(at, "0123456789");
	return digits > 0 && strcmp(at + digits, "/events") == 0;
}

static bool has_text(const json_t *hook, const char *name, const char *wanted)
{
	char text[LIMIT_ID_BYTES];

	return wanted && json_id_at(hook, name, text, sizeof(text)) && strcmp(text, wanted) == 0;
}

/* How surely a webhook is ours; 0: it is not. */
static int rank_of(const json_t *hook, const struct repo_hook *wanted, const struct url *own)
{
	CLEANUP(url_done) struct url url = {0};
	bool is_named = has_text(hook, "name", REPO_HOOK_NAME);

	if (!url_parse(json_text_at(hook, "url"), NULL, &url, NULL)) return 0;
	bool is_own = is_own_path(url.path);
	bool is_path = strcmp(url.path, own->path) == 0;
	bool is_host = strcmp(url.host, own->host) == 0 && url.port == own->port;
	if ((is_named || is_own) && has_text(hook, "id", wanted->known_id)) return 4;
	if (is_host && is_path) return 3;
	if (is_host && is_own && is_named) return RANK_HERE;
	return is_path && is_named;
}

static int64_t number_of(const json_t *hooks, int place)
{
	return json_int_at(json_array_get(hooks, (size_t)place), "id", 0);
}

/* New id of a webhook; NULL: there is none at that place. */
static char *id_of(const json_t *hooks, int place)
{
	return place < 0 ? NULL : api_id(json_array_get(hooks, (size_t)place));
}

/* The place of the best with at least this rank; of equals the oldest, so that all who look choose the same. */
static int find(const json_t *hooks, const struct repo_hook *wanted, int least)
{
	CLEANUP(url_done) struct url own = {0};
	int best_rank = least - 1;
	int best = -1;

	if (!url_parse(wanted->url, NULL, &own, NULL)) return -1;
	for (int i = 0; i < (int)json_array_size(hooks); i++) {
		int rank = rank_of(json_array_get(hooks, (size_t)i), wanted, &own);
		bool is_older = best >= 0 && rank == best_rank &&
				number_of(hooks, i) < number_of(hooks, best);
		if (rank <= best_rank && !is_older) continue;
		best_rank = rank;
		best = i;
	}
	return best;
}

int repo_hook_find(const json_t *hooks, const struct repo_hook *wanted)
{
	return find(hooks, wanted, 1);
}

/* ---- as it should be ---------------------------------------------------------------------------------------------- */

static json_t *body_of(const struct repo_hook *wanted)
{
	return json_pack("{ss ss so sb s{ss%} sb}", "name", REPO_HOOK_NAME, "url", wanted->url,
			 "events", repo_hook_events(), "active", true, "configuration", "secret",
			 wanted->secret->text, wanted->secret->len, "sslVerificationRequired", true);
}

/* Bitbucket may hide the secret: then it is what was sent last. */
static bool is_secret_right(const json_t *hook, const struct repo_hook *wanted)
{
	const char *shown = json_text_at(hook, "configuration.secret");

	return text_is_empty(shown) || shown[strspn(shown, "*")] == '\0' ||
	       strcmp(shown, wanted->secret->text) == 0;
}

static bool has_events(const json_t *hook)
{
	json_auto_t *wanted = repo_hook_events();
	const json_t *events = json_at(hook, "events");
	size_t found = 0;

	for (size_t i = 0; i < json_array_size(wanted); i++) {
		for (size_t j = 0; j < json_array_size(events); j++)
			found += (size_t)json_equal(json_array_get(wanted, i),
						    json_array_get(events, j));
	}
	return found == json_array_size(wanted);
}

static bool is_right(const json_t *hook, const struct repo_hook *wanted)
{
	const char *url = json_text_at(hook, "url");

	return url && strcmp(url, wanted->url) == 0 && json_bool_at(hook, "active", false) &&
	       has_events(hook) && is_secret_right(hook, wanted);
}

/*
 * Delete all of ours on our host but the one at `best`: two people may have installed at the same time. Takes them out of `hooks`.
 * On another host is perhaps another installation's.
 */
static bool remove_doubles(const struct bot_server *server, const struct bot_repository *name,
			   const struct repo_hook *wanted, json_t *hooks, int best, struct err *err)
{
	for (int place = best; place >= 0; place = find(hooks, wanted, RANK_HERE)) {
		CLEANUP(mem_free_text) char *id = id_of(hooks, place);
		if (place != best && !repo_api_delete_hook(server, name, id, err)) return false;
		best = -1;
		json_array_remove(hooks, (size_t)place);
	}
	return true;
}

/* Write, and see what is there then; `hooks` is replaced. */
static bool write_once(const struct bot_server *server, const struct bot_repository *name,
		       const struct repo_hook *wanted, json_t **hooks, struct err *err)
{
	json_auto_t *body = body_of(wanted);
	json_t *after = NULL;
	struct err failure = {0};
	CLEANUP(mem_free_text) char *id = id_of(*hooks, repo_hook_find(*hooks, wanted));
	bool is_sent = repo_api_put_hook(server, name, id, body, &failure);

	/* Nobody knows what happened, or somebody deleted it meanwhile: the list knows. */
	bool may_look = is_sent || failure.code == ERR_UNCERTAIN ||
			(id && failure.code == ERR_NOT_FOUND);
	if (!api_call_settle(may_look, &failure, err) || !repo_api_hooks(server, name, &after, err))
		return false;
	json_decref(*hooks);
	*hooks = after;
	return true;
}

bool repo_hook_install(const struct bot_server *server, const struct bot_repository *name,
		       const struct repo_hook *wanted, json_t *hooks, char **ret_id, struct err *err)
{
	json_auto_t *now = json_copy(hooks);

	for (int i = 0; i < ROUNDS; i++) {
		if (!write_once(server, name, wanted, &now, err)) return false;
		int place = repo_hook_find(now, wanted);
		if (place < 0 || !is_right(json_array_get(now, (size_t)place), wanted)) continue;
		*ret_id = id_of(now, place);
		return remove_doubles(server, name, wanted, now, place, err);
	}
	return err_set(err, ERR_INTERNAL, "Bitbucket shows another webhook than was written");
}

bool repo_hook_remove(const struct bot_server *server, const struct bot_repository *name,
		      const struct repo_hook *wanted, json_t *hooks, char **ret_id, struct err *err)
{
	json_auto_t *now = json_copy(hooks);
	int place = repo_hook_find(now, wanted);
	CLEANUP(mem_free_text) char *id = id_of(now, place);

	if (id && (!repo_api_delete_hook(server, name, id, err) ||
		   !remove_doubles(server, name, wanted, now, place, err)))
		return false;
	return MOVE(ret_id, id);
}
