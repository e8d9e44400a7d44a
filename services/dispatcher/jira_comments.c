/* Comments of Jira issues: read, search, add, change, delete. */
#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "services/dispatcher/jira_api.h"

#include <string.h>

#include "common/base/banned.h"

enum {
	PAGE = 100,
	PAGES_MAX = 200,
};

static struct comment read_comment(const json_t *json)
{
	return (struct comment){
		.id = api_id(json),
		.author = person_read(PROVIDER_JIRA, json_at(json, "author")),
		.editor = person_read(PROVIDER_JIRA, json_at(json, "updateAuthor")),
		.text = api_text(json, "body", LIMIT_COMMENT_BYTES, NULL),
		.created = api_text(json, "created", LIMIT_ID_BYTES, NULL),
		.visibility_type = api_text(json, "visibility.type", LIMIT_NAME_BYTES, NULL),
		.visibility_value = api_text(json, "visibility.value", LIMIT_NAME_BYTES, NULL),
	};
}

static void comments_path(const char *issue, const char *comment_id, struct strbuf *path)
{
	api_path(path, "/rest/api/2/issue/%s/comment", issue);
	if (comment_id) api_path_add(path, "/%s", comment_id);
}

bool jira_api_read_comment(const struct bot_server *api, const char *issue, const char *comment_id, struct comment *ret,
			   struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	CLEANUP(comment_done) struct comment read = {0};
	comments_path(issue, comment_id, &path);
	if (!bot_server_get(api, strbuf_text(&path), &answer, err)) return err_wrap(err, "read comment %s", comment_id);
	read = read_comment(answer.json);
	if (!read.id || !read.text) return err_set(err, ERR_INTERNAL, "Jira sent a comment without id or body");
	return MOVE(ret, read);
}

/* One page, newest first where Jira sorts; `ret` has `comments` and `total`. */
static bool get_page(const struct bot_server *api, const char *issue, int64_t start, int64_t count,
		     struct api_answer *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	comments_path(issue, NULL, &path);
	strbuf_addf(&path, "?startAt=%lld&maxResults=%lld&orderBy=-created", (long long)start, (long long)count);
	if (!bot_server_get(api, strbuf_text(&path), ret, err)) return err_wrap(err, "read comments");
	if (!json_is_array(json_at(ret->json, "comments")))
		return err_set(err, ERR_INTERNAL, "Jira sent no list of comments");
	return true;
}

/* A Jira that ignores orderBy sent the oldest: then the end of the list is asked for. */
static int64_t start_of_newest(const json_t *answer, int64_t count)
{
	const json_t *page = json_at(answer, "comments");
	size_t size = json_array_size(page);
	int64_t total = json_int_at(answer, "total", 0);
	char first[LIMIT_ID_BYTES] = "";
	char last[LIMIT_ID_BYTES] = "";
	if (size < 2 || total <= (int64_t)size || !json_id_at(json_array_get(page, 0), "id", first, sizeof(first)) ||
	    !json_id_at(json_array_get(page, size - 1), "id", last, sizeof(last)))
		return 0;
	if (comment_id_number(first) > comment_id_number(last)) return 0;
	return total > count ? total - count : 0;
}

bool jira_api_recent_comments(const struct bot_server *api, const char *issue, const char *skip_id,
			      struct comments *ret, struct err *err)
{
	CLEANUP(comments_done) struct comments comments = {0};
	int64_t count = LIMIT_CONTEXT_COMMENTS + 1;
	int64_t start = 0;
	for (int round = 0; round < 2; round++) {
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		if (!get_page(api, issue, start, count, &answer, err)) return false;
		const json_t *page = json_at(answer.json, "comments");
		for (size_t i = 0; i < json_array_size(page); i++) {
			struct comment read = read_comment(json_array_get(page, i));
			comments_add(&comments, &read, skip_id);
		}
		start = round == 0 ? start_of_newest(answer.json, count) : 0;
		if (start == 0) break;
	}
	return MOVE(ret, comments);
}

bool jira_api_find_comments(const struct bot_server *api, const char *issue, const char *marker, const struct bot *bot,
			    struct comment_hits *ret, struct err *err)
{
	struct comment_hits hits = {0};
	int64_t start = 0;
	for (int i = 0; i < PAGES_MAX; i++) {
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		if (!get_page(api, issue, start, PAGE, &answer, err)) return false;
		const json_t *page = json_at(answer.json, "comments");
		size_t size = json_array_size(page);
		for (size_t at = 0; at < size; at++) {
			CLEANUP(comment_done) struct comment read = read_comment(json_array_get(page, at));
			comment_hits_add(&hits, PROVIDER_JIRA, marker, bot, &read);
		}
		start += (int64_t)size;
		if (size == 0 || start >= json_int_at(answer.json, "total", 0)) {
			*ret = hits;
			return true;
		}
	}
	return err_set(err, ERR_INTERNAL, "issue '%s' has more than %d pages of comments", issue, PAGES_MAX);
}

/* --- writing --------------------------------------------------------------------------------------- */

static json_t *draft_body(const struct jira_comment_draft *draft)
{
	json_t *body = json_object();
	json_put_text(body, "body", draft->body);
	if (draft->visibility_type && draft->visibility_value) {
		json_t *visibility = json_object();
		json_put_text(visibility, "type", draft->visibility_type);
		json_put_text(visibility, "value", draft->visibility_value);
		(void)json_object_set_new(body, "visibility", visibility);
	}
	return body;
}

bool jira_api_add_comment(const struct bot_server *api, const char *issue, const struct jira_comment_draft *draft,
			  const struct call_gate *gate, char ret_id[LIMIT_ID_BYTES], struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = draft_body(draft);
	comments_path(issue, NULL, &path);
	struct api_call call = {.method = "POST", .path = strbuf_text(&path), .body = body, .gate = gate};
	if (!bot_server_call(api, &call, true, &answer, err)) return err_wrap(err, "add a comment");
	if (!json_id_at(answer.json, "id", ret_id, LIMIT_ID_BYTES))
		return err_set(err, ERR_UNCERTAIN, "Jira answered a comment without an id");
	return true;
}

bool jira_api_delete_comment(const struct bot_server *api, const char *issue, const char *comment_id, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct err failure = {0};
	comments_path(issue, comment_id, &path);
	struct api_call call = {.method = "DELETE", .path = strbuf_text(&path)};
	bool is_gone = bot_server_call(api, &call, false, &answer, &failure) || failure.code == ERR_NOT_FOUND;
	return api_call_settle(is_gone, &failure, err) || err_wrap(err, "delete comment %s", comment_id);
}
