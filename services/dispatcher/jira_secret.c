/* Hands the asker's Jira token to the conversation, with the means to get another one. */
#include "services/dispatcher/jira_secret.h"

#include "common/base/jws.h"
#include "common/base/limits.h"
#include "common/connect/jira_token.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

bool jira_secret_is_wanted(const struct task *task)
{
	const struct config *config = task->dispatcher->config;
	const char *base_url = config_text(config, "JIRA_DC_BASE_URL");
	return task->peer.provider == PROVIDER_JIRA && base_url && config_bool(config, "OHDC_JIRA_TOKEN_IN_SANDBOX") &&
	       config_bool(config, "JIRA_DC_ENABLE_OAUTH") && strcmp(task->peer.base_url, base_url) == 0;
}

bool jira_secret_read(const struct task *task, struct secret *ret, struct err *err)
{
	const struct peer_source *source = &task->dispatcher->peers;
	const struct oauth oauth = {.config = source->config, .client = peer_client_plain(source->clients)};
	const struct jira_tokens tokens = {source->pool, source->keys, &oauth};
	return jira_token_read(&tokens, task->job.user_id, ret, err);
}

/* What the linker asks of whoever wants a token: this person's, for this connection, while the job may run. */
static bool make_key(const struct task *task, struct secret *ret, struct err *err)
{
	struct config *config = task->dispatcher->config;
	CLEANUP(secret_done) struct secret key = {0};
	json_auto_t *claims = json_pack("{s:s, s:s, s:s, s:I}", "user_id", task->job.user_id, "integration", "jira_dc",
					"secret_name", "JIRA_DC_TOKEN", "workspace_id",
					(json_int_t)task->job.record.connection_id);
	int64_t lifetime_s = config_int(config, "OHDC_START_DEADLINE_S") + config_int(config, "OHDC_RUN_DEADLINE_S");
	if (!config_secret(config, "JWT_SECRET", &key)) return err_set(err, ERR_INPUT, "JWT_SECRET is not set");
	return jws_make(&key, claims, sysclock_now_ms() / 1000, lifetime_s, ret, err);
}

json_t *jira_secret_values(const struct task *task)
{
	CLEANUP(secret_done) struct secret token = {0};
	CLEANUP(secret_done) struct secret key = {0};
	struct err err = {0};
	if (!jira_secret_is_wanted(task)) return NULL;
	if (jira_secret_read(task, &token, &err) && make_key(task, &key, &err))
		return json_pack("{s:s, s:s}", "JIRA_DC_TOKEN", token.text, "JIRA_DC_TOKEN_KEY", key.text);
	if (err.code != ERR_NOT_FOUND)
		LOG_WARN("the conversation starts without a Jira token", LOG_TEXT("error", err.message));
	return NULL;
}

char *jira_secret_url(const struct task *task)
{
	struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	strbuf_addf(&url, "%s/integration/jira-dc/secrets/token", task->dispatcher->app_url);
	return strbuf_take(&url);
}
