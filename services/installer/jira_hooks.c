/* /rest/jira-webhook/1.0/webhooks: a bare list; PUT replaces a webhook as a whole. Answers may hold secrets: never logged. */

#include "services/installer/jira_hooks.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/url.h"

#include <string.h>

#include "common/base/banned.h"

#define HOOKS "/rest/jira-webhook/1.0/webhooks"
#define HOOK_NAME "OpenHands"

enum { NOTE_BYTES = 512 };

static const char *const events[] = {"jira:issue_created", "jira:issue_updated",
				     "jira:issue_deleted", "comment_created",
				     "comment_updated",    "comment_deleted"};

/* How sure it is that a webhook is ours; the larger wins. */
enum match { MATCH_NONE, MATCH_NAMESAKE, MATCH_NAME, MATCH_URL, MATCH_ID };

void jira_hook_done_free(struct jira_hook_done *done)
{
	MEM_FREE_ALL(done->id, done->note);
	*done = (struct jira_hook_done){0};
}

bool jira_hooks_may(const struct bot_server *server, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	if (!bot_server_get(server, "/rest/api/2/mypermissions", &answer, err)) return false;
	if (json_bool_at(answer.json, "permissions.ADMINISTER.havePermission", false) ||
	    json_bool_at(answer.json, "permissions.SYSTEM_ADMIN.havePermission", false))
		return true;
	return err_set(err, ERR_AUTH,
		       "the token belongs to %s, who is no Jira administrator: create it as a user "
		       "with the global permission Jira Administrators",
		       text_is_empty(answer.user_name) ? "a user" : answer.user_name);
}

/* ---- which is ours? ----------------------------------------------------------------------------------------------- */

/* Whether two paths are the same but for the number in them; the path of older versions has none. */
static bool is_our_path(const char *path, const char *ours)
{
	const char *number = strrchr(ours, '/');
	while (number > ours && number[-1] != '/')
		number--;
	size_t prefix = (size_t)(number - ours);
	size_t stem = prefix - strlen("connections/");
	if (strncmp(path, ours, stem) != 0) return false;
	if (strcmp(path + stem, "events") == 0) return true;
	if (strncmp(path, ours, prefix) != 0) return false;
	size_t digits = strspn(path + prefix, "0123456789");
	return digits > 0 && strcmp(path + prefix + digits, "/events") == 0;
}

/* What its URL alone says: ours in any spelling, one like ours on our host, or another. A query does not count. */
static enum match match_url(const json_t *item, const char *events_url)
{
	const char *text = json_text_at(item, "url");
	CLEANUP(mem_free_text) char *plain = text ? mem_dup_n(text, strcspn(text, "?#")) : NULL;
	CLEANUP(url_done) struct url url = {0};
	CLEANUP(url_done) struct url ours = {0};
	if (!plain || !url_parse(plain, NULL, &url, NULL) ||
	    !url_parse(events_url, NULL, &ours, NULL) || strcmp(url.host, ours.host) != 0 ||
	    url.port != ours.port)
		return MATCH_NONE;
	if (strcmp(url.path, ours.path) == 0) return MATCH_URL;
	return is_our_path(url.path, ours.path) ? MATCH_NAME : MATCH_NONE;
}

static enum match match(const json_t *item, const struct jira_hook *hook)
{
	char id[LIMIT_ID_BYTES];
	const char *name = json_text_at(item, "name");
	bool has_name = name && text_equal_nocase(name, HOOK_NAME);
	enum match found = match_url(item, hook->events_url);
	if (!json_id_at(item, "id", id, sizeof(id))) return MATCH_NONE;
	if (hook->known_id && strcmp(hook->known_id, id) == 0) return MATCH_ID;
	if (found == MATCH_URL || (found == MATCH_NAME && has_name)) return found;
	return found == MATCH_NAME || has_name ? MATCH_NAMESAKE : MATCH_NONE;
}

static bool is_newer(const json_t *item, const json_t *other)
{
	return !other || json_int_at(item, "id", 0) > json_int_at(other, "id", 0);
}

/* The webhook to be brought up to date, borrowed from the list; NULL: there is none. */
static const json_t *find_ours(const json_t *list, const struct jira_hook *hook, enum match least)
{
	const json_t *best = NULL;
	enum match best_match = least;
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		enum match found = match(item, hook);
		if (found < best_match || (found == best_match && !is_newer(item, best))) continue;
		best = item;
		best_match = found;
	}
	return best;
}

/* What an administrator should know about the other webhooks; new, NULL: nothing. */
static char *note_others(const json_t *list, const json_t *ours, const struct jira_hook *hook)
{
	CLEANUP(strbuf_done) struct strbuf note = strbuf_of(NOTE_BYTES);
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		const char *url = json_text_at(item, "url");
		if (item == ours || match(item, hook) == MATCH_NONE) continue;
		strbuf_addf(&note, "%s%lld (%.120s)", note.len > 0 ? ", " : "",
			    (long long)json_int_at(item, "id", 0), url ? url : "no URL");
	}
	if (note.len == 0) return NULL;
	CLEANUP(mem_free_text) char *others = strbuf_take(&note);
	strbuf_addf(
		&note,
		"Jira has further webhooks named " HOOK_NAME
		" or sent to this host, which were left as they are: %s. Delete them in Jira if "
		"nothing else needs them.",
		others);
	return strbuf_take(&note);
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

static bool list_hooks(const struct bot_server *server, struct api_answer *ret, struct err *err)
{
	if (!bot_server_get(server, HOOKS, ret, err)) return err_wrap(err, "list of webhooks");
	if (json_is_array(ret->json)) return true;
	return err_set(err, ERR_INTERNAL, "Jira's list of webhooks is no list");
}

/* A filter that an administrator has set on the webhook stays. */
static json_t *make_body(const json_t *found, const struct jira_hook *hook)
{
	json_t *list = json_array();
	json_t *filter = json_at(found, "configuration.FILTERS");
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		(void)json_array_append_new(list, json_string(events[i]));
	return json_pack("{s:O?, s:s, s:s, s:o, s:b, s:s, s:b, s:{s:s#, s:s, s:O*}}", "id",
			 json_at(found, "id"), "name", HOOK_NAME, "url", hook->events_url, "events",
			 list, "active", 1, "scopeType", "global", "sslVerificationRequired", 1,
			 "configuration", "SECRET", hook->secret->text, (int)hook->secret->len,
			 "EXCLUDE_BODY", "false", "FILTERS", filter);
}

/* A list of texts without its order. */
static json_t *set_of(const json_t *list)
{
	json_t *set = json_object();
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		if (json_is_string(item))
			(void)json_object_set_new(set, json_string_value(item), json_null());
	}
	return set;
}

/* Jira's answer to a change is not trusted: what counts is what is stored. */
static bool check(const struct bot_server *server, const char *id, const struct jira_hook *hook,
		  struct err *err)
{
	static const char *const members[] = {"name", "url", "active", "events"};
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer stored = {0};
	json_auto_t *wanted = make_body(NULL, hook);
	api_path(&path, HOOKS "/%s", id);
	if (!bot_server_get(server, strbuf_text(&path), &stored, err))
		return err_wrap(err, "read the webhook back");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *is = json_object_get(stored.json, members[i]);
		const json_t *should = json_object_get(wanted, members[i]);
		json_auto_t *is_set = set_of(is);
		json_auto_t *should_set = set_of(should);
		if (json_is_array(should) ? !json_equal(is_set, should_set) : !json_equal(is, should))
			return err_set(err, ERR_INTERNAL,
				       "Jira stored webhook %s with another '%s' than it was given",
				       id, members[i]);
	}
	return true;
}

static bool send(const struct bot_server *server, const json_t *found, const struct jira_hook *hook,
		 char **ret_id, struct err *err)
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

bool jira_hooks_install(const struct bot_server *server, const struct jira_hook *hook,
			struct jira_hook_done *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer list = {0};
	CLEANUP(mem_free_text) char *id = NULL;
	if (!list_hooks(server, &list, err)) return false;
	const json_t *found = find_ours(list.json, hook, MATCH_NAME);
	if (!send(server, found, hook, &id, err) || !check(server, id, hook, err)) return false;
	*ret = (struct jira_hook_done){.id = id, .note = note_others(list.json, found, hook)};
	id = NULL;
	return true;
}

static bool delete_one(const struct bot_server *server, const json_t *item, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer gone = {0};
	CLEANUP(mem_free_text) char *id = api_id(item);
	CLEANUP(strbuf_done) struct strbuf path = {0};
	api_path(&path, HOOKS "/%s", id);
	const struct api_call call = {.method = "DELETE", .path = strbuf_text(&path)};
	return bot_server_call(server, &call, false, &gone, err) || err->code == ERR_NOT_FOUND ||
	       err_wrap(err, "delete the webhook");
}

bool jira_hooks_remove(const struct bot_server *server, const char *events_url, struct err *err)
{
	const struct jira_hook hook = {.events_url = events_url};
	CLEANUP(api_answer_done) struct api_answer list = {0};
	const json_t *item;
	size_t i;
	int count = 0;
	if (!list_hooks(server, &list, err)) return false;
	json_array_foreach(list.json, i, item)
	{
		if (match(item, &hook) != MATCH_URL) continue;
		if (!delete_one(server, item, err)) return false;
		count++;
	}
	return count > 0 ||
	       err_set(err, ERR_NOT_FOUND, "Jira has no webhook with the URL of this connection");
}
