/* Before and at a start: organisations, repositories, start tasks, limits. */
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/text.h"
#include "common/io/sysclock.h"
#include "services/dispatcher/openhands_call.h"

#include <string.h>
#include <time.h>

#include "common/base/banned.h"

#define CONVERSATIONS "/api/v1/app-conversations"

enum {
	TASK_PAGES_MAX = 10, /* of 100: more starts of one person since a job began are no plausible list */
	RATE_WAIT_MS = 2000,
	CONCURRENCY_WAIT_MS = 60 * 1000,
	DAILY_WAIT_MS = 60 * 60 * 1000, /* when the server does not say when the day ends */
	DAILY_WAIT_MAX_MS = 26 * 60 * 60 * 1000,
};

bool openhands_list_orgs(struct openhands *self, const struct openhands_user *user, struct openhands_orgs *ret,
			 struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct openhands_orgs orgs = {0};
	if (!openhands_get(self, user, "/api/organizations?limit=100", &answer, err)) return false;
	const json_t *items = json_at(answer.json, "items");
	if (!json_is_array(items)) return err_set(err, ERR_INTERNAL, "OpenHands sent no list of organisations");
	for (size_t i = 0; i < json_array_size(items) && orgs.count < OPENHANDS_ORGS_MAX; i++) {
		const json_t *item = json_array_get(items, i);
		struct openhands_org *org = &orgs.list[orgs.count];
		if (!json_id_at(item, "id", org->id, sizeof(org->id))) continue;
		text_copy(json_text_at(item, "name"), org->name, sizeof(org->name));
		org->is_personal = json_bool_at(item, "is_personal", false);
		orgs.count++;
	}
	*ret = orgs;
	return true;
}

/* --- repositories --------------------------------------------------------------------------------- */

/* A provider that the person has not connected, or the server does not know, is no failure of the search. */
static bool is_not_connected(const struct err *failure)
{
	return text_find_nocase(failure->message, "provider token required") || failure->http_status == 400 ||
	       failure->http_status == 404 || failure->http_status == 422;
}

static void take_repository(const json_t *items, const char *provider, const char *full_name,
			    struct openhands_repository *ret)
{
	for (size_t i = 0; i < json_array_size(items) && !ret->is_found; i++) {
		const json_t *item = json_array_get(items, i);
		const char *name = json_text_at(item, "full_name");
		const char *found_at = json_text_at(item, "git_provider");
		if (!name || !text_equal_nocase(name, full_name) || strlen(name) >= sizeof(ret->full_name)) continue;
		text_copy(name, ret->full_name, sizeof(ret->full_name));
		text_copy(found_at ? found_at : provider, ret->git_provider, sizeof(ret->git_provider));
		ret->is_found = true;
	}
}

/* One page only: the server takes no page_id with a query, and an exact name is among the first. */
static bool search_provider(struct openhands *self, const struct openhands_user *user, const char *provider,
			    const char *full_name, struct openhands_repository *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct err failure = {0};
	api_path(&path, "/api/v1/git/repositories/search?provider=%s&query=%s&limit=100", provider, full_name);
	if (openhands_get(self, user, strbuf_text(&path), &answer, &failure)) {
		ret->has_provider = true;
		take_repository(json_at(answer.json, "items"), provider, full_name, ret);
		return true;
	}
	return api_call_settle(is_not_connected(&failure), &failure, err);
}

bool openhands_find_repository(struct openhands *self, const struct openhands_user *user, const char *const *providers,
			       size_t count, const char *full_name, struct openhands_repository *ret, struct err *err)
{
	struct openhands_repository found = {0};
	for (size_t i = 0; i < count && !found.is_found; i++) {
		if (!search_provider(self, user, providers[i], full_name, &found, err))
			return err_wrap(err, "look for repository '%s'", full_name);
	}
	*ret = found;
	return true;
}

/* --- start tasks ----------------------------------------------------------------------------------- */

static enum openhands_task_status task_status(const char *word)
{
	if (word && strcmp(word, "READY") == 0) return OPENHANDS_TASK_READY;
	if (word && strcmp(word, "ERROR") == 0) return OPENHANDS_TASK_ERROR;
	return OPENHANDS_TASK_WORKING;
}

static struct openhands_task read_task(const json_t *item)
{
	struct openhands_task task = {0};
	const char *phase = json_text_at(item, "status");
	if (!json_is_object(item)) return task;
	task.status = task_status(phase);
	openhands_plain_id(json_text_at(item, "id"), task.id, sizeof(task.id));
	text_copy(phase, task.phase, sizeof(task.phase));
	text_copy(json_text_at(item, "detail"), task.detail, sizeof(task.detail));
	return task;
}

static json_t *message_of(const char *text)
{
	json_t *part = json_pack("{s:s}", "type", "text");
	json_put_text(part, "text", text);
	return json_pack("{s:s, s:[o], s:b}", "role", "user", "content", part, "run", 1);
}

static json_t *start_body(const struct openhands_start *start)
{
	json_t *body = json_object();
	json_put_text(body, "conversation_id", start->conversation_id);
	if (start->message) (void)json_object_set_new(body, "initial_message", message_of(start->message));
	json_put_text(body, "system_message_suffix", start->suffix);
	json_put_text(body, "selected_repository", start->repository);
	json_put_text(body, "selected_branch", start->branch);
	json_put_text(body, "git_provider", start->git_provider);
	json_put_text(body, "trigger", start->trigger);
	json_put_text(body, "title", start->title);
	if (start->secrets) (void)json_object_set(body, "secrets", start->secrets);
	if (start->pr_number > 0)
		(void)json_object_set_new(body, "pr_number", json_pack("[I]", (json_int_t)start->pr_number));
	return body;
}

bool openhands_start(struct openhands *self, const struct openhands_user *user, const struct openhands_start *start,
		     const struct call_gate *gate, struct openhands_task *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = start_body(start);
	struct api_call call = {.method = "POST", .path = CONVERSATIONS, .body = body, .gate = gate};
	if (!openhands_call(self, user, &call, true, &answer, err)) return err_wrap(err, "start");
	struct openhands_task task = read_task(answer.json);
	if (!task.id[0]) return err_set(err, ERR_UNCERTAIN, "OpenHands answered a start without a task id");
	*ret = task;
	return true;
}

bool openhands_read_task(struct openhands *self, const struct openhands_user *user, const char *id,
			 struct openhands_task *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const json_t *item;
	if (!openhands_get_item(self, user, CONVERSATIONS "/start-tasks", "ids", id, &answer, &item, err)) return false;
	*ret = read_task(item);
	return true;
}

bool openhands_find_task(struct openhands *self, const struct openhands_user *user, const char *conversation_id,
			 int64_t since_ms, struct openhands_task *ret, struct err *err)
{
	char since[SYSCLOCK_TEXT_SIZE];
	char page[OPENHANDS_PAGE_SIZE] = "";
	sysclock_text(since_ms, since);
	for (int i = 0; i < TASK_PAGES_MAX; i++) {
		CLEANUP(strbuf_done) struct strbuf path = {0};
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		api_path(&path,
			 CONVERSATIONS "/start-tasks/search?created_at__gte=%s&sort_order=CREATED_AT_DESC&limit=100",
			 since);
		if (page[0]) api_path_add(&path, "&page_id=%s", page);
		if (!openhands_get(self, user, strbuf_text(&path), &answer, err))
			return err_wrap(err, "search start tasks");
		/* Newest first. */
		const json_t *found = openhands_find(json_at(answer.json, "items"), "request.conversation_id",
						     conversation_id);
		if (found || !json_id_at(answer.json, "next_page_id", page, sizeof(page))) {
			*ret = read_task(found);
			return true;
		}
	}
	/* Not having seen all is no clean miss. */
	return err_set(err, ERR_INTERNAL, "more than %d pages of start tasks", TASK_PAGES_MAX);
}

/* --- limits ---------------------------------------------------------------------------------------- */

enum openhands_limit openhands_limit_of(const char *text)
{
	if (!text) return OPENHANDS_LIMIT_NONE;
	if (text_find_nocase(text, "CONCURRENCY_LIMIT_REACHED")) return OPENHANDS_LIMIT_CONCURRENCY;
	if (text_find_nocase(text, "daily_conversation_limit_reached")) return OPENHANDS_LIMIT_DAILY;
	if (text_find_nocase(text, "too many requests") || text_find_nocase(text, " 429")) return OPENHANDS_LIMIT_RATE;
	return OPENHANDS_LIMIT_NONE;
}

/* Time from now until `reset_at` (ISO, UTC with or without Z), within bounds. */
static int64_t until_reset_ms(const char *reset_at, int64_t now_ms)
{
	struct tm parts = {0};
	if (!reset_at || !strptime(reset_at, "%Y-%m-%dT%H:%M:%S", &parts)) return DAILY_WAIT_MS;
	int64_t wait_ms = (int64_t)timegm(&parts) * 1000 - now_ms;
	if (wait_ms < CONCURRENCY_WAIT_MS) return CONCURRENCY_WAIT_MS;
	return wait_ms < DAILY_WAIT_MAX_MS ? wait_ms : DAILY_WAIT_MAX_MS;
}

void openhands_explain_limit(const json_t *body, void *context, struct err *err)
{
	const struct openhands *self = context;
	const char *code = json_text_at(body, "detail.code");
	if (err->code != ERR_LIMIT) return;
	if (!code) code = json_text_at(body, "detail.error");
	if (code) (void)err_wrap(err, "%s", code);
	enum openhands_limit limit = openhands_limit_of(code);
	if (limit == OPENHANDS_LIMIT_DAILY)
		err->retry_after_ms = until_reset_ms(json_text_at(body, "detail.reset_at"), openhands_now_ms(self));
	else if (limit == OPENHANDS_LIMIT_CONCURRENCY && err->retry_after_ms < CONCURRENCY_WAIT_MS)
		err->retry_after_ms = CONCURRENCY_WAIT_MS;
	else if (err->retry_after_ms <= 0)
		err->retry_after_ms = RATE_WAIT_MS;
}
