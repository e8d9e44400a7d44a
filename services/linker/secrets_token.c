/* Checks the sandbox's token and answers with the person's. */
#include "services/linker/secrets_token.h"

#include "common/base/json_field.h"
#include "common/base/jws.h"
#include "common/base/number.h"
#include "common/connect/jira_token.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "services/linker/linker.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/banned.h"

static void refuse(struct web_reply *reply, int status, const char *detail, const char *why)
{
	web_reply_failure(reply, status, detail, why);
	LOG_INFO("Jira token not given", LOG_INT("status", status), LOG_TEXT("why", why));
}

/* The claims of the request, and who and what they name; JWT_SECRET is in memory only meanwhile. */
static bool read_claims(const struct linker *linker, const char *sent, json_t **ret, const char **ret_user_id,
			int64_t *ret_connection_id, struct err *err)
{
	CLEANUP(secret_done) struct secret key = {0};
	char connection[24];
	(void)config_secret(linker->config, "JWT_SECRET", &key);
	if (!sent) return err_set(err, ERR_AUTH, "no X-Access-Token");
	if (!jws_verify(&key, sent, sysclock_now_ms() / 1000, ret, err)) return false;
	*ret_user_id = json_text_at(*ret, "user_id");
	return (*ret_user_id && json_id_at(*ret, "workspace_id", connection, sizeof(connection)) &&
		number_parse(connection, 1, INT64_MAX, ret_connection_id, NULL)) ||
	       err_set(err, ERR_AUTH, "no user_id or workspace_id");
}

static bool is_claim(const json_t *claims, const char *name, const char *wanted)
{
	const char *value = json_text_at(claims, name);
	return value && strcmp(value, wanted) == 0;
}

/* Whether the connection is one whose people's tokens are ours to give. */
static bool is_served(const struct linker *linker, int64_t connection_id, struct err *err)
{
	CLEANUP(connection_row_done) struct connection_row row = {0};
	const char *base_url = config_text(linker->config, "JIRA_DC_BASE_URL");
	if (!connection_read(&linker->connection_store, PROVIDER_JIRA, connection_id, &row, err)) return false;
	if (!connection_row_is_on(&row)) return err_set(err, ERR_NOT_FOUND, "the connection is not active");
	return (base_url && strcmp(row.base_url, base_url) == 0) ||
	       err_set(err, ERR_NOT_FOUND, "the connection is of another host");
}

static void give(const struct linker *linker, const char *user_id, int64_t connection_id, struct web_reply *reply)
{
	const struct jira_tokens tokens = {linker->pool, linker->keys, linker->oauth};
	CLEANUP(secret_done) struct secret token = {0};
	struct err err = {0};
	if (is_served(linker, connection_id, &err) && jira_token_read(&tokens, user_id, &token, &err)) {
		reply->status = 200;
		reply->content_type = "text/plain; charset=utf-8";
		strbuf_init(&reply->body, token.len);
		strbuf_add_bytes(&reply->body, secret_bytes(&token));
		LOG_INFO("Jira token given", LOG_TEXT("user", user_id), LOG_INT("connection", connection_id));
		return;
	}
	if (err.code == ERR_NOT_FOUND)
		refuse(reply, 404, "No Jira account is linked on this connection", err.message);
	else if (err.code == ERR_AUTH)
		refuse(reply, 401, "No usable Jira token", err.message);
	else
		refuse(reply, 502, "The Jira token cannot be renewed just now", err.message);
}

void secrets_token_get(void *context, const struct web_request *request, struct web_reply *reply)
{
	const struct linker *linker = context;
	const char *sent = web_header(request, "X-Access-Token");
	const char *user_id = NULL;
	json_auto_t *claims = NULL;
	int64_t connection_id = 0;
	struct err err = {0};
	if (!config_bool(linker->config, "OHDC_JIRA_TOKEN_IN_SANDBOX"))
		web_reply_detail(reply, 404, "Not Found");
	else if (!read_claims(linker, sent, &claims, &user_id, &connection_id, &err))
		refuse(reply, 401, "Invalid access token", err.message);
	else if (!is_claim(claims, "integration", "jira_dc") || !is_claim(claims, "secret_name", "JIRA_DC_TOKEN"))
		refuse(reply, 403, "The access token is for something else", "another integration or secret_name");
	else
		give(linker, user_id, connection_id, reply);
}
