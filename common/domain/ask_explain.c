/* The object that `ohdc explain` prints: every field is always there, null when the body has none. */

#include "common/base/json_field.h"
#include "common/domain/trigger.h"

#include "common/base/banned.h"

static void put(json_t *object, const char *key, const char *text)
{
	json_put_text(object, key, text);
	if (!text) (void)json_object_set_new(object, key, json_null());
}

static json_t *explain_actor(const struct person *actor)
{
	json_t *json = json_object();

	put(json, "id", actor->id);
	put(json, "key", actor->key);
	put(json, "name", actor->name);
	put(json, "email", actor->email);
	return json;
}

static json_t *explain_issue(const struct ask *ask)
{
	json_t *json = json_object();

	put(json, "id", ask->issue_id);
	put(json, "key", ask->issue_key);
	return json;
}

static json_t *explain_pull_request(const struct ask *ask)
{
	json_t *json = json_object();

	put(json, "id", ask->pull_request_id);
	put(json, "project_key", ask->project_key);
	put(json, "repo_slug", ask->repo_slug);
	put(json, "branch", ask->branch);
	return json;
}

static json_t *explain_repositories(const struct repo_refs *refs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < refs->count; i++)
		(void)json_array_append_new(list, json_string(refs->list[i].name));
	return list;
}

json_t *ask_explain(const struct trigger_context *context, const struct ask *ask)
{
	json_t *json = json_object();
	bool is_trigger = ask->verdict == REASON_TRIGGERED;

	put(json, "provider", provider_name(context->provider));
	put(json, "event", ask->event);
	put(json, "event_key", ask->event_key);
	put(json, "subject", ask->subject);
	put(json, "trigger", is_trigger ? trigger_kind_name(ask->kind) : NULL);
	put(json, "reason", is_trigger ? NULL : reason_name(ask->verdict));
	(void)json_object_set_new(json, "mention", json_boolean(ask->is_mention));
	(void)json_object_set_new(json, "actor", explain_actor(&ask->actor));
	if (context->provider == PROVIDER_JIRA)
		(void)json_object_set_new(json, "issue", explain_issue(ask));
	else
		(void)json_object_set_new(json, "pull_request", explain_pull_request(ask));
	put(json, "comment_id", ask->comment_id);
	(void)json_object_set_new(json, "repositories", explain_repositories(&ask->repositories));
	return json;
}
