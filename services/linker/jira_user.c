/* GET /rest/api/2/user with the bot's personal access token: the environment's, else the one stored with the connection. */

#include "services/linker/jira_user.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/secret.h"
#include "common/connect/sealed.h"
#include "common/io/api_call.h"

#include "common/base/banned.h"

static const char sql_token[] =
	"select encode(bot_token_sealed, 'hex'), 'connection.bot_token:jira/' || id from connection"
	" where instance_id = $1 and bot_token_sealed is not null order by id desc limit 1";

/* `ret` stays unset when there is none. */
static bool read_token(const struct directory_options *options, const struct lookup_question *question,
		       struct secret *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (config_secret(options->config, "JIRA_DC_SERVICE_ACCOUNT_PAT", ret) || !options->keys) return true;
	if (!db_query(options->pool, sql_token, DB_PARAMS(question->instance_id), &rows, err)) return false;
	if (rows.count == 0) return true;
	return sealed_read(options->keys, db_text(&rows, 0, 1), &rows, 0, ret, err);
}

bool jira_user_email(const struct directory_options *options, const struct lookup_question *question, char **ret,
		     struct err *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	CLEANUP(strbuf_done) struct strbuf path = {0};
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	const struct person *actor = question->actor;
	const struct api_peer peer = {options->client, question->base_url, "jira user", options->call_deadline_ms};
	struct api_call call = {.method = "GET", .auth_name = "Authorization", .auth_prefix = "Bearer ", .auth = &token};
	*ret = NULL;
	if (!actor->key && !actor->name) return true;
	if (!read_token(options, question, &token, err)) return err_wrap(err, "jira user");
	if (!token.text) return true;
	api_path(&path, actor->key ? "/rest/api/2/user?key=%s" : "/rest/api/2/user?username=%s",
		 actor->key ? actor->key : actor->name);
	call.path = strbuf_text(&path);
	if (!api_call_send(&peer, &call, true, &answer, err)) return err->http_status == 404;
	*ret = mem_dup(json_text_at(answer.json, "emailAddress"));
	return true;
}
