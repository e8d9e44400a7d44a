/* The decision about a delivery: the product's reader, then what holds for both. */

#include "common/domain/trigger.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/url.h"
#include "common/domain/trigger_rules.h"

#include "common/base/banned.h"

static const char *const kind_names[] = {[TRIGGER_COMMENT] = "comment", [TRIGGER_LABEL] = "label"};

const char *trigger_kind_name(enum trigger_kind kind)
{
	return kind_names[kind];
}

bool trigger_kind_parse(const char *name, enum trigger_kind *ret)
{
	return text_among(kind_names, ARRAY_LEN(kind_names), name, ret);
}

/* A change is too old when it waited longer than the limit, or when an edit is older than the connection. */
static bool is_stale(const struct trigger_context *context, const struct ask *ask)
{
	if (ask->happened_at_ms == 0) return false;
	if (context->max_age_ms > 0 && ask->happened_at_ms < context->received_at_ms - context->max_age_ms) return true;
	return ask->is_edit && ask->happened_at_ms < context->activated_at_ms;
}

void trigger_decide(const struct trigger_context *context, const json_t *body, struct ask *ret)
{
	*ret = (struct ask){0};
	if (!json_is_object(body)) {
		ret->event = mem_dup(context->event ? context->event : "");
		(void)trigger_refuse(ret, REASON_MALFORMED, "the body is no JSON object");
		return;
	}
	ret->subject = trigger_subject(context->provider, context->instance_id, body);
	switch (context->provider) {
	case PROVIDER_JIRA: trigger_read_jira(context, body, ret); break;
	case PROVIDER_BITBUCKET: trigger_read_bitbucket(context, body, ret); break;
	}
	if (ret->verdict == REASON_TRIGGERED && is_stale(context, ret))
		(void)trigger_refuse(ret, REASON_STALE, "the change is too old");
}

char *trigger_subject(enum provider provider, int64_t instance_id, const json_t *body)
{
	return provider == PROVIDER_JIRA ? trigger_subject_jira(instance_id, body)
					 : trigger_subject_bitbucket(instance_id, body);
}

char *trigger_event_name(enum provider provider, const json_t *body)
{
	return trigger_text(body, provider == PROVIDER_JIRA ? "webhookEvent" : "eventKey", LIMIT_NAME_BYTES);
}

/* --- where a body comes from --------------------------------------------------------------------- */

static bool jira_origin_ok(const json_t *body, const char *host)
{
	static const char *const selves[] = {"comment.author.self", "user.self", "issue.self", "comment.self"};
	for (size_t i = 0; i < ARRAY_LEN(selves); i++) {
		const char *self = json_text_at(body, selves[i]);
		if (!text_is_empty(self) && !url_has_host(self, host)) return false;
	}
	return true;
}

static bool bitbucket_origin_ok(const json_t *body, const struct trigger_origin *origin)
{
	const json_t *repository = json_at(body, "pullRequest.toRef.repository");
	if (!repository) repository = json_at(body, "repository");
	if (!repository) return true;
	if (origin->repo_id > 0 && json_int_at(repository, "id", 0) == origin->repo_id) return true;
	const char *key = json_text_at(repository, "project.key");
	const char *slug = json_text_at(repository, "slug");
	return key && slug && text_equal_nocase(key, origin->project_key) && text_equal_nocase(slug, origin->repo_slug);
}

bool trigger_origin_ok(enum provider provider, const json_t *body, const struct trigger_origin *origin)
{
	return provider == PROVIDER_JIRA ? jira_origin_ok(body, origin->host) : bitbucket_origin_ok(body, origin);
}

/* --- whether a body is worth keeping -------------------------------------------------------------- */

bool trigger_may_ask(struct bytes body, const struct bot *bot)
{
	CLEANUP(mem_free_text) char *label = text_lower(bot->label);
	/* An escaped ASCII letter or a broken escape could hide the word. */
	if (text_bytes_contain_nocase(body, "\\u00") || text_bytes_contain_nocase(body, label)) return true;
	for (size_t i = 0; i < LIMIT_BOT_NAMES; i++) {
		/* A number (also an empty one) is an id: nobody is addressed by it. */
		if (!bot->names[i] || bot->names[i][strspn(bot->names[i], "0123456789")] == '\0') continue;
		CLEANUP(mem_free_text) char *name = text_lower(bot->names[i]);
		if (text_bytes_contain_nocase(body, name)) return true;
	}
	return false;
}
