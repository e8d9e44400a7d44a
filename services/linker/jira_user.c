/* GET /rest/api/2/user with the bot's personal access token: the environment's, else the one stored with the connection. */

#include "services/linker/jira_user.h"

#include <stdio.h>
#include <string.h>

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/secret.h"
#include "common/base/strbuf.h"
#include "common/connect/sealed.h"

#include "common/base/banned.h"

enum { ANSWER_BYTES = 1024 * 1024, TOKEN_BYTES = 4096 };

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

static void write_url(const struct lookup_question *question, struct strbuf *url)
{
	const struct person *actor = question->actor;
	const char *value = actor->key ? actor->key : actor->name;
	strbuf_addf(url, "%s/rest/api/2/user?%s=", question->base_url, actor->key ? "key" : "username");
	encode_percent(url, bytes_text(value));
}

static bool read_email(const struct http_result *result, char **ret, struct err *err)
{
	json_auto_t *json = NULL;
	if (!json_read(bytes_of(result->body, result->body_len), ANSWER_BYTES, LIMIT_JSON_DEPTH, &json, err))
		return err_set(err, ERR_INTERNAL, "jira user: the answer is no JSON object");
	*ret = mem_dup(json_text_at(json, "emailAddress"));
	return true;
}

bool jira_user_email(const struct directory_options *options, const struct lookup_question *question, char **ret,
		     struct err *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	CLEANUP(strbuf_wipe) struct strbuf header = {0};
	CLEANUP(http_result_done) struct http_result result = {0};
	struct http_call call = {
		.method = "GET",
		.deadline_ms = options->call_deadline_ms,
		.ceiling_bytes = ANSWER_BYTES,
	};
	*ret = NULL;
	if (!question->actor->key && !question->actor->name) return true;
	if (!read_token(options, question, &token, err)) return err_wrap(err, "jira user");
	if (!token.text) return true;
	write_url(question, &url);
	strbuf_init(&header, TOKEN_BYTES);
	strbuf_addf(&header, "Authorization: Bearer %s", token.text);
	call.url = strbuf_text(&url);
	call.headers[0] = strbuf_text(&header);
	if (!http_client_send(options->client, &call, &result, err)) return err_wrap(err, "jira user");
	if (result.status == 404) return true;
	if (!http_result_ok(&call, &result, err)) return err_wrap(err, "jira user");
	return read_email(&result, ret, err);
}
