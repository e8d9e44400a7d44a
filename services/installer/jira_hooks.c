/* /rest/jira-webhook/1.0/webhooks: a bare list; PUT replaces a webhook as a whole. Answers may hold secrets: never logged. */

#include "services/installer/jira_hooks.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/domain/own_hook.h"

#include <string.h>

#include "common/base/banned.h"

#define HOOKS "/rest/jira-webhook/1.0/webhooks"
#define HOOK_NAME "OpenHands"
#define OTHERS "Jira has further webhooks named " HOOK_NAME " or sent to this host, which were left as they are: "

enum { NOTE_BYTES = 512 };

static const char *const events[] = {"jira:issue_created", "jira:issue_updated", "jira:issue_deleted",
				     "comment_created",    "comment_updated",    "comment_deleted"};

static struct own_hook own_of(const struct jira_hook *hook)
{
	return (struct own_hook){.name = HOOK_NAME,
				 .url = hook->events_url,
				 .known_id = hook->known_id,
				 .events = events,
				 .event_count = ARRAY_LEN(events),
				 .prefers_newest = true};
}

void jira_hook_done_free(struct jira_hook_done *done)
{
	MEM_FREE_ALL(done->id, done->note);
	*done = (struct jira_hook_done){0};
}

bool jira_hooks_may(const struct bot_server *server, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	if (!bot_server_get(server, "/rest/api/2/mypermissions", &answer, err))
		return err->code == ERR_AUTH ? err_wrap(err, "the Jira admin PAT is refused, create a new one") : false;
	if (json_bool_at(answer.json, "permissions.ADMINISTER.havePermission", false) ||
	    json_bool_at(answer.json, "permissions.SYSTEM_ADMIN.havePermission", false))
		return true;
	return err_set(err, ERR_AUTH,
		       "the Jira admin PAT belongs to %s, who is no Jira administrator: create it as a user "
		       "with the global permission Jira Administrators",
		       text_is_empty(answer.user_name) ? "a user" : answer.user_name);
}

/* What an administrator should know about the other webhooks; new, NULL: nothing. */
static char *note_others(const json_t *list, const json_t *ours, const struct jira_hook *hook)
{
	CLEANUP(strbuf_done) struct strbuf note = strbuf_of(NOTE_BYTES);
	const struct own_hook own = own_of(hook);
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		const char *url = json_text_at(item, "url");
		if (item == ours || own_hook_match(item, &own) == OWN_HOOK_NOT) continue;
		strbuf_addf(&note, "%s%lld (%.120s)", note.len > 0 ? ", " : OTHERS,
			    (long long)json_int_at(item, "id", 0), url ? url : "no URL");
	}
	if (note.len == 0) return NULL;
	strbuf_add(&note, ". Delete them in Jira if nothing else needs them.");
	return strbuf_take(&note);
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

static bool list_hooks(const struct bot_server *server, struct api_answer *ret, struct err *err)
{
	if (!bot_server_get(server, HOOKS, ret, err)) return err_wrap(err, "list of webhooks, with the Jira admin PAT");
	return json_is_array(ret->json) || err_set(err, ERR_INTERNAL, "Jira's list of webhooks is no list");
}

/* A filter that an administrator has set on the webhook stays. */
static json_t *make_body(const json_t *found, const struct jira_hook *hook)
{
	const struct own_hook own = own_of(hook);
	json_t *filter = json_at(found, "configuration.FILTERS");
	return json_pack("{s:O?, s:s, s:s, s:o, s:b, s:s, s:b, s:{s:s#, s:s, s:O*}}", "id", json_at(found, "id"),
			 "name", HOOK_NAME, "url", hook->events_url, "events", own_hook_events(&own), "active", 1,
			 "scopeType", "global", "sslVerificationRequired", 1, "configuration", "SECRET",
			 hook->secret->text, (int)hook->secret->len, "EXCLUDE_BODY", "false", "FILTERS", filter);
}

/* Jira's answer to a change is not trusted: what counts is what is stored. */
static bool check(const struct bot_server *server, const char *id, const struct jira_hook *hook, struct err *err)
{
	const struct own_hook own = own_of(hook);
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer stored = {0};
	api_path(&path, HOOKS "/%s", id);
	if (!bot_server_get(server, strbuf_text(&path), &stored, err)) return err_wrap(err, "read the webhook back");
	const char *wrong = own_hook_wrong(stored.json, &own);
	return !wrong ||
	       err_set(err, ERR_INTERNAL, "Jira stored webhook %s with another '%s' than it was given", id, wrong);
}

static bool send(const struct bot_server *server, const json_t *found, const struct jira_hook *hook, char **ret_id,
		 struct err *err)
{
	static const struct call_gate once = {0};
	char id[LIMIT_ID_BYTES];
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = make_body(found, hook);
	bool is_new = !found || !json_id_at(found, "id", id, sizeof(id));
	api_path(&path, HOOKS);
	if (!is_new) api_path_add(&path, "/%s", id);
	const struct api_call call = {.method = is_new ? "POST" : "PUT",
				      .path = strbuf_text(&path),
				      .body = body,
				      .gate = is_new ? &once : NULL};
	if (!bot_server_call(server, &call, is_new, &answer, err))
		return err_wrap(err, is_new ? "create the webhook" : "update the webhook");
	*ret_id = is_new ? api_id(answer.json) : mem_dup(id);
	return *ret_id || err_set(err, ERR_INTERNAL, "Jira does not say the webhook's id");
}

bool jira_hooks_install(const struct bot_server *server, const struct jira_hook *hook, struct jira_hook_done *ret,
			struct err *err)
{
	const struct own_hook own = own_of(hook);
	CLEANUP(api_answer_done) struct api_answer list = {0};
	CLEANUP(mem_free_text) char *id = NULL;
	if (!list_hooks(server, &list, err)) return false;
	int place = own_hook_find(list.json, &own, OWN_HOOK_LIKE);
	const json_t *found = place < 0 ? NULL : json_array_get(list.json, (size_t)place);
	if (!send(server, found, hook, &id, err) || !check(server, id, hook, err)) return false;
	*ret = (struct jira_hook_done){.id = id, .note = note_others(list.json, found, hook)};
	id = NULL;
	return true;
}

bool jira_hooks_remove(const struct bot_server *server, const char *events_url, struct err *err)
{
	const struct own_hook own = own_of(&(struct jira_hook){.events_url = events_url});
	CLEANUP(api_answer_done) struct api_answer list = {0};
	const json_t *item;
	size_t i;
	int count = 0;
	if (!list_hooks(server, &list, err)) return false;
	json_array_foreach(list.json, i, item)
	{
		CLEANUP(api_answer_done) struct api_answer gone = {0};
		CLEANUP(mem_free_text) char *id = api_id(item);
		CLEANUP(strbuf_done) struct strbuf path = {0};
		if (own_hook_match(item, &own) != OWN_HOOK_URL) continue;
		api_path(&path, HOOKS "/%s", id);
		const struct api_call call = {.method = "DELETE", .path = strbuf_text(&path)};
		if (!bot_server_call(server, &call, false, &gone, err) && err->code != ERR_NOT_FOUND)
			return err_wrap(err, "delete the webhook");
		count++;
	}
	return count > 0 || err_set(err, ERR_NOT_FOUND, "Jira has no webhook with the URL of this connection");
}
