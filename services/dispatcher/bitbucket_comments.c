/* Comments of Bitbucket pull requests: threads in the activities; read, search, add, change, delete. */
#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/dispatcher/bitbucket_call.h"

#include <string.h>
#include <time.h>

#include "common/base/banned.h"

enum {
	PAGES_MAX = 200,
	RECENT_PAGES_MAX = 2, /* activities come newest first */
	THREAD_PAGES_MAX = 20,
	REPLY_DEPTH_MAX = 32, /* the user interface nests less deep */
};

/* --- reading one comment --------------------------------------------------------------------------- */

/* Newer versions write ISO texts instead of milliseconds. */
static char *read_time(const json_t *json)
{
	char *text = api_text(json, "createdDate", LIMIT_ID_BYTES, NULL);
	int64_t ms = json_int_at(json, "createdDate", 0);
	char written[32] = "";
	struct tm parts;
	time_t seconds = (time_t)(ms / 1000);
	if (text) return text;
	if (ms > 0 && gmtime_r(&seconds, &parts))
		(void)strftime(written, sizeof(written), "%Y-%m-%d %H:%M UTC", &parts);
	return mem_dup(written);
}

/* An anchor's path is a text, or an object with `components`. */
static char *anchor_path(const json_t *anchor)
{
	CLEANUP(strbuf_done) struct strbuf path = strbuf_of(LIMIT_URL_BYTES);
	const json_t *parts = json_at(anchor, "path.components");
	const char *text = json_text_at(anchor, "path");
	for (size_t i = 0; !text && i < json_array_size(parts); i++) {
		strbuf_add(&path, i > 0 ? "/" : "");
		strbuf_add(&path, json_string_value(json_array_get(parts, i)));
	}
	if (text) strbuf_add(&path, text);
	return path.len > 0 ? strbuf_take(&path) : NULL;
}

static struct comment read_comment(const json_t *json)
{
	return (struct comment){
		.id = api_id(json),
		.version = json_int_at(json, "version", 0),
		.author = person_read(PROVIDER_BITBUCKET, json_at(json, "author")),
		.text = api_text(json, "text", LIMIT_COMMENT_BYTES, NULL),
		.created = read_time(json),
	};
}

static void comment_path(const struct pull_request_ref *ref, const char *comment_id, struct strbuf *path)
{
	bitbucket_pull_path("api", ref, path);
	strbuf_add(path, "/comments");
	if (comment_id) api_path_add(path, "/%s", comment_id);
}

bool bitbucket_api_read_comment(const struct bot_server *api, const struct pull_request_ref *ref,
				const char *comment_id, struct comment *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	CLEANUP(comment_done) struct comment read = {0};
	comment_path(ref, comment_id, &path);
	if (!bot_server_get(api, strbuf_text(&path), &answer, err)) return err_wrap(err, "read comment %s", comment_id);
	read = read_comment(answer.json);
	if (!read.id || !read.text) return err_set(err, ERR_INTERNAL, "Bitbucket sent a comment without id or text");
	return MOVE(ret, read);
}

/* --- walking through the activities ---------------------------------------------------------------- */

/* One walk; `see` gets each comment of each thread, root first, and returns false when it has seen enough. */
struct walk {
	const char *from_id; /* comment whose activity comes first, NULL: the newest */
	int pages_max;
	bool is_whole; /* more pages than the maximum are an error, not the end */
	bool (*see)(void *context, const json_t *activity, const json_t *comment);
	void *context;
};

static bool see_replies(const struct walk *walk, const json_t *activity, const json_t *comment, int depth)
{
	const json_t *replies = json_at(comment, "comments");
	if (!walk->see(walk->context, activity, comment)) return false;
	for (size_t i = 0; depth < REPLY_DEPTH_MAX && i < json_array_size(replies); i++) {
		if (!see_replies(walk, activity, json_array_get(replies, i), depth + 1)) return false;
	}
	return true;
}

static bool see_page(const struct walk *walk, const json_t *values)
{
	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *activity = json_array_get(values, i);
		const json_t *comment = json_at(activity, "comment");
		if (comment && !see_replies(walk, activity, comment, 0)) return false;
	}
	return true;
}

static void walk_path(const struct walk *walk, const struct pull_request_ref *ref, int64_t start, struct strbuf *path)
{
	bitbucket_pull_path("api", ref, path);
	strbuf_addf(path, "/activities?limit=%d&start=%lld", BITBUCKET_PAGE_MAX, (long long)start);
	if (walk->from_id) api_path_add(path, "&fromType=COMMENT&fromId=%s", walk->from_id);
}

static bool walk_activities(const struct bot_server *api, const struct pull_request_ref *ref, const struct walk *walk,
			    struct err *err)
{
	int64_t start = 0;
	for (int i = 0; i < walk->pages_max; i++) {
		CLEANUP(strbuf_done) struct strbuf path = {0};
		CLEANUP(api_answer_done) struct api_answer answer = {0};
		walk_path(walk, ref, start, &path);
		if (!bot_server_get(api, strbuf_text(&path), &answer, err)) return err_wrap(err, "read activities");
		if (!json_is_array(json_at(answer.json, "values")))
			return err_set(err, ERR_INTERNAL, "Bitbucket sent no list of activities");
		if (!see_page(walk, json_at(answer.json, "values")) || !api_next_page(answer.json, &start)) return true;
	}
	return !walk->is_whole || err_set(err, ERR_INTERNAL, "more than %d pages of activities", walk->pages_max);
}

/* --- threads --------------------------------------------------------------------------------------- */

struct thread_search {
	const char *comment_id;
	struct bitbucket_thread thread;
	bool is_found;
};

static bool see_for_thread(void *context, const json_t *activity, const json_t *comment)
{
	struct thread_search *search = context;
	char id[LIMIT_ID_BYTES];
	if (!json_id_at(comment, "id", id, sizeof(id)) || strcmp(id, search->comment_id) != 0) return true;
	const json_t *anchor = json_at(activity, "commentAnchor");
	if (!anchor) anchor = json_at(activity, "comment.anchor");
	search->thread.anchor_path = anchor_path(anchor);
	search->thread.anchor_line = json_int_at(anchor, "line", 0);
	search->is_found = true;
	return false;
}

bool bitbucket_api_read_thread(const struct bot_server *api, const struct pull_request_ref *ref, const char *comment_id,
			       struct bitbucket_thread *ret, struct err *err)
{
	struct thread_search search = {.comment_id = comment_id};
	const struct walk walk = {
		.from_id = comment_id, .pages_max = THREAD_PAGES_MAX, .see = see_for_thread, .context = &search};
	if (!walk_activities(api, ref, &walk, err)) return false;
	if (!search.is_found) return err_set(err, ERR_NOT_FOUND, "no thread holds comment %s", comment_id);
	*ret = search.thread;
	return true;
}

/* --- recent comments ------------------------------------------------------------------------------- */

struct recent_search {
	const char *skip_id;
	struct comments *comments;
};

static bool see_recent(void *context, UNUSED const json_t *activity, const json_t *comment)
{
	struct recent_search *search = context;
	struct comment read = read_comment(comment);
	comments_add(search->comments, &read, search->skip_id);
	return true;
}

bool bitbucket_api_recent_comments(const struct bot_server *api, const struct pull_request_ref *ref,
				   const char *skip_id, struct comments *ret, struct err *err)
{
	CLEANUP(comments_done) struct comments comments = {0};
	struct recent_search search = {skip_id, &comments};
	const struct walk walk = {.pages_max = RECENT_PAGES_MAX, .see = see_recent, .context = &search};
	if (!walk_activities(api, ref, &walk, err)) return false;
	return MOVE(ret, comments);
}

/* --- our own comments by their marker -------------------------------------------------------------- */

struct marker_search {
	const char *marker;
	const struct bot *bot;
	struct comment_hits hits;
};

static bool see_for_marker(void *context, UNUSED const json_t *activity, const json_t *comment)
{
	struct marker_search *search = context;
	CLEANUP(comment_done) struct comment read = read_comment(comment);
	comment_hits_add(&search->hits, PROVIDER_BITBUCKET, search->marker, search->bot, &read);
	return true;
}

bool bitbucket_api_find_comments(const struct bot_server *api, const struct pull_request_ref *ref, const char *marker,
				 const struct bot *bot, struct comment_hits *ret, struct err *err)
{
	struct marker_search search = {.marker = marker, .bot = bot};
	const struct walk walk = {.pages_max = PAGES_MAX, .is_whole = true, .see = see_for_marker, .context = &search};
	if (!walk_activities(api, ref, &walk, err)) return false;
	*ret = search.hits;
	return true;
}

/* --- writing --------------------------------------------------------------------------------------- */

bool bitbucket_api_add_comment(const struct bot_server *api, const struct pull_request_ref *ref, const char *parent_id,
			       const char *text, const struct call_gate *gate, char ret_id[LIMIT_ID_BYTES],
			       struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = json_object();
	comment_path(ref, NULL, &path);
	json_put_text(body, "text", text);
	if (parent_id) (void)json_object_set_new(body, "parent", json_pack("{sI}", "id", comment_id_number(parent_id)));
	struct api_call call = {.method = "POST", .path = strbuf_text(&path), .body = body, .gate = gate};
	if (!bot_server_call(api, &call, true, &answer, err)) return err_wrap(err, "add a comment");
	if (!json_id_at(answer.json, "id", ret_id, LIMIT_ID_BYTES))
		return err_set(err, ERR_UNCERTAIN, "Bitbucket answered a comment without an id");
	return true;
}

bool bitbucket_api_delete_comment(const struct bot_server *api, const struct pull_request_ref *ref,
				  const char *comment_id, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	CLEANUP(comment_done) struct comment comment = {0};
	struct err failure = {0};
	bool is_gone = false;
	if (bitbucket_api_read_comment(api, ref, comment_id, &comment, &failure)) {
		comment_path(ref, comment_id, &path);
		strbuf_addf(&path, "?version=%lld", (long long)comment.version);
		struct api_call call = {.method = "DELETE", .path = strbuf_text(&path)};
		is_gone = bot_server_call(api, &call, false, &answer, &failure);
	}
	return api_call_settle(is_gone || failure.code == ERR_NOT_FOUND, &failure, err) ||
	       err_wrap(err, "delete comment %s", comment_id);
}
