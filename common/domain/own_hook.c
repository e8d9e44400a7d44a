/* Compares a webhook with what ours looks like, by a table of facts. */
#include "common/domain/own_hook.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/url.h"

#include <string.h>

#include "common/base/banned.h"

enum fact { NAMED = 1, HERE = 2, LIKE = 4, SAME = 8, KNOWN = 16 };

/* Whether two paths are the same but for the number in them; the path of older versions has none. */
static bool is_like(const char *path, const char *own)
{
	size_t stem = strlen(own);
	stem = stem > strlen("/events") ? stem - strlen("/events") : 0;
	while (stem > 0 && own[stem - 1] != '/')
		stem--;
	size_t older = stem > strlen("connections/") ? stem - strlen("connections/") : 0;
	if (strncmp(path, own, older) == 0 && strcmp(path + older, "events") == 0) return true;
	if (strncmp(path, own, stem) != 0) return false;
	size_t digits = strspn(path + stem, "0123456789");
	return digits > 0 && strcmp(path + stem + digits, "/events") == 0;
}

/* What is true of a webhook's URL, its query left aside. */
static int url_facts(const char *text, const char *own_text)
{
	CLEANUP(url_done) struct url url = {0};
	CLEANUP(url_done) struct url own = {0};
	CLEANUP(mem_free_text) char *plain = text ? mem_dup_n(text, strcspn(text, "?#")) : NULL;
	if (!url_parse(plain, NULL, &url, NULL) || !url_parse(own_text, NULL, &own, NULL)) return 0;
	bool is_here = strcmp(url.host, own.host) == 0 && url.port == own.port;
	return (is_here ? HERE : 0) | (is_like(url.path, own.path) ? LIKE : 0) |
	       (strcmp(url.path, own.path) == 0 ? SAME : 0);
}

enum own_hook_match own_hook_match(const json_t *hook, const struct own_hook *own)
{
	static const struct {
		int facts;
		enum own_hook_match match;
	} rules[] = {
		{KNOWN, OWN_HOOK_ID},           {HERE | SAME, OWN_HOOK_URL},      {HERE | LIKE | NAMED, OWN_HOOK_LIKE},
		{SAME | NAMED, OWN_HOOK_MOVED}, {HERE | LIKE, OWN_HOOK_NAMESAKE}, {NAMED, OWN_HOOK_NAMESAKE},
	};
	const char *name = json_text_at(hook, "name");
	char id[LIMIT_ID_BYTES] = "";
	int facts = url_facts(json_text_at(hook, "url"), own->url);
	if (name && text_equal_nocase(name, own->name)) facts |= NAMED;
	if (own->known_id && json_id_at(hook, "id", id, sizeof(id)) && strcmp(id, own->known_id) == 0) facts |= KNOWN;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if ((facts & rules[i].facts) == rules[i].facts) return rules[i].match;
	}
	return OWN_HOOK_NOT;
}

static bool is_before(const json_t *hook, const json_t *other, bool prefers_newest)
{
	int64_t id = json_int_at(hook, "id", 0);
	int64_t other_id = json_int_at(other, "id", 0);
	return prefers_newest ? id > other_id : id < other_id;
}

int own_hook_find(const json_t *hooks, const struct own_hook *own, enum own_hook_match least)
{
	enum own_hook_match best_match = least;
	int best = -1;
	for (int i = 0; i < (int)json_array_size(hooks); i++) {
		const json_t *hook = json_array_get(hooks, (size_t)i);
		enum own_hook_match match = own_hook_match(hook, own);
		if (match < best_match || (best >= 0 && match == best_match &&
					   !is_before(hook, json_array_get(hooks, (size_t)best), own->prefers_newest)))
			continue;
		best_match = match;
		best = i;
	}
	return best;
}

json_t *own_hook_events(const struct own_hook *own)
{
	json_t *list = json_array();
	for (size_t i = 0; i < own->event_count; i++)
		(void)json_array_append_new(list, json_string(own->events[i]));
	return list;
}

/* Whether a list has all events and no other. */
static bool has_events(const json_t *list, const struct own_hook *own)
{
	bool is_complete = json_array_size(list) == own->event_count;
	for (size_t i = 0; i < own->event_count && is_complete; i++) {
		is_complete = false;
		for (size_t j = 0; j < own->event_count; j++) {
			const char *event = json_string_value(json_array_get(list, j));
			if (event && strcmp(event, own->events[i]) == 0) is_complete = true;
		}
	}
	return is_complete;
}

const char *own_hook_wrong(const json_t *hook, const struct own_hook *own)
{
	const char *name = json_text_at(hook, "name");
	const char *url = json_text_at(hook, "url");
	if (!name || strcmp(name, own->name) != 0) return "name";
	if (!url || strcmp(url, own->url) != 0) return "url";
	if (!has_events(json_at(hook, "events"), own)) return "events";
	return json_bool_at(hook, "active", false) ? NULL : "active";
}
