/* Bitbucket's REST API: who a token is, pull requests, rights, reactions. Comments: bitbucket_comments.c. */
#include "services/dispatcher/bitbucket_api.h"

#include "common/base/mem.h"
#include "services/dispatcher/bitbucket_call.h"

#include <string.h>

#include "common/base/banned.h"

void bitbucket_pull_path(const char *api, const struct pull_request_ref *ref, struct strbuf *path)
{
	api_path(path, "/rest/%s/latest/projects/%s/repos/%s/pull-requests/%s", api, ref->project_key, ref->repo_slug,
		 ref->id);
}

/* --- pull requests --------------------------------------------------------------------------------- */

void pull_request_done(struct pull_request *pull)
{
	if (!pull) return;
	MEM_FREE_ALL(pull->title, pull->description, pull->to_branch);
	*pull = (struct pull_request){0};
}

bool bitbucket_api_read_pull_request(const struct bot_server *api, const struct pull_request_ref *ref,
				     struct pull_request *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	CLEANUP(pull_request_done) struct pull_request pull = {0};
	bitbucket_pull_path("api", ref, &path);
	if (!bot_server_get(api, strbuf_text(&path), &answer, err))
		return err_wrap(err, "read pull request %s", ref->id);
	pull.title = api_text(answer.json, "title", LIMIT_NAME_BYTES, "");
	pull.description = api_text(answer.json, "description", LIMIT_DESCRIPTION_BYTES, "");
	pull.to_branch = api_text(answer.json, "toRef.displayId", LIMIT_NAME_BYTES, "");
	if (!pull.to_branch[0]) return err_set(err, ERR_INTERNAL, "Bitbucket sent a pull request without refs");
	return MOVE(ret, pull);
}

/* --- reactions ------------------------------------------------------------------------------------- */

bool bitbucket_api_react(const struct bot_server *api, const struct pull_request_ref *ref, const char *comment_id,
			 struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	struct err failure = {0};
	bitbucket_pull_path("comment-likes", ref, &path);
	api_path_add(&path, "/comments/%s/reactions/eyes", comment_id);
	struct api_call call = {.method = "PUT", .path = strbuf_text(&path)};
	/* Older versions have no such resource, some report a repeated reaction as a conflict. */
	bool is_fine = bot_server_call(api, &call, false, &answer, &failure) || api_call_is_refused(&failure);
	return api_call_settle(is_fine, &failure, err) || err_wrap(err, "react");
}
