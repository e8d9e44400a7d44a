/* The object that `ohdc explain` prints: every field is always there, null when the body has none. */

#include "common/base/json_field.h"
#include "common/domain/trigger.h"

#include "common/base/banned.h"

/* Every text was read by the JSON parser, so it is valid UTF-8. */
static json_t *explain_actor(const struct person *actor)
{
	return json_pack("{s:s?, s:s?, s:s?, s:s?}", "id", actor->id, "key", actor->key, "name", actor->name, "email",
			 actor->email);
}

static json_t *explain_place(enum provider provider, const struct ask *ask)
{
	if (provider == PROVIDER_JIRA) return json_pack("{s:s?, s:s?}", "id", ask->issue_id, "key", ask->issue_key);
	return json_pack("{s:s?, s:s?, s:s?, s:s?}", "id", ask->pull_request_id, "project_key", ask->project_key,
			 "repo_slug", ask->repo_slug, "branch", ask->branch);
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
	bool is_trigger = ask->verdict == REASON_TRIGGERED;
	json_t *json = json_pack("{s:s, s:n, s:s?, s:s?, s:s?, s:s?, s:b, s:o, s:o, s:s?, s:o}", "provider",
				 provider_name(context->provider), "event", "event_key", ask->event_key, "subject",
				 ask->subject, "trigger", is_trigger ? trigger_kind_name(ask->kind) : NULL, "reason",
				 is_trigger ? NULL : reason_name(ask->verdict), "mention", ask->is_mention, "actor",
				 explain_actor(&ask->actor),
				 context->provider == PROVIDER_JIRA ? "issue" : "pull_request",
				 explain_place(context->provider, ask), "comment_id", ask->comment_id, "repositories",
				 explain_repositories(&ask->repositories));
	json_put_text(json, "event", ask->event); /* may come from elsewhere */
	return json;
}
