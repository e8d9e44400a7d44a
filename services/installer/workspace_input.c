/* The fields of OHE's dialog. */

#include "services/installer/workspace_input.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "services/installer/texts.h"

#include <string.h>

#include "common/base/banned.h"

enum { SECRET_MIN = 16, SECRET_MAX = 512, TOKEN_MAX = 2048 };

void workspace_input_done(struct workspace_input *input)
{
	workspace_name_done(&input->place);
	secret_done(&input->webhook_secret);
	secret_done(&input->bot_token);
	secret_done(&input->admin_token);
	mem_free(input->bot_email);
	*input = (struct workspace_input){0};
}

static bool is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text >= 0x7F) return false;
	}
	return true;
}

/* A text that may be absent or null; "" counts as absent. */
static bool read_text(const json_t *body, const char *name, size_t most, const char **ret, struct web_reply *reply)
{
	const json_t *value = json_object_get(body, name);
	const char *text = json_string_value(value);
	if (value && !json_is_null(value) && (!text || strlen(text) > most))
		return web_reply_detail(reply, 422, "%s must be a text of at most %zu bytes", name, most);
	*ret = text_is_empty(text) ? NULL : text;
	return true;
}

static bool read_flag(const json_t *body, const char *name, bool *ret, struct web_reply *reply)
{
	const json_t *value = json_object_get(body, name);
	if (value && !json_is_boolean(value) && !json_is_null(value))
		return web_reply_detail(reply, 422, "%s must be true or false", name);
	*ret = json_is_true(value);
	return true;
}

static bool read_secret(const json_t *body, const char *name, const char *spaces, const char *fix, struct secret *ret,
			struct web_reply *reply)
{
	const char *text = NULL;
	if (!read_text(body, name, TOKEN_MAX, &text, reply)) return false;
	if (!text) return true;
	secret_set(ret, text, strlen(text));
	return is_plain(text) || web_reply_failure(reply, 422, spaces, fix);
}

bool workspace_input_admin(const json_t *body, struct secret *ret, struct web_reply *reply)
{
	return read_secret(body, "admin_api_key", TEXT_JIRA_ADMIN_SPACES, "The Jira admin PAT" TEXT_JIRA_COPY, ret,
			   reply);
}

static bool read_secrets(const json_t *body, struct workspace_input *ret, struct web_reply *reply)
{
	struct secret *secret = &ret->webhook_secret;
	if (!read_secret(body, "webhook_secret", TEXT_JIRA_SECRET_SPACES, "The webhook secret" TEXT_JIRA_COPY, secret,
			 reply) ||
	    !read_secret(body, "svc_acc_api_key", TEXT_JIRA_TOKEN_SPACES, "The service account PAT" TEXT_JIRA_COPY,
			 &ret->bot_token, reply) ||
	    !workspace_input_admin(body, &ret->admin_token, reply))
		return false;
	return secret->len == 0 || (secret->len >= SECRET_MIN && secret->len <= SECRET_MAX) ||
	       web_reply_failure(reply, 422, TEXT_JIRA_SECRET_SIZE, NULL);
}

bool workspace_input_is_email(const char *text)
{
	const char *at = strchr(text, '@');
	const char *dot = at ? strrchr(at, '.') : NULL;
	return is_plain(text) && at && at > text && dot && dot > at + 1 && dot[1] != '\0' && !strchr(at + 1, '@');
}

static bool read_email(const json_t *body, struct workspace_input *ret, struct web_reply *reply)
{
	const char *text = NULL;
	if (!read_text(body, "svc_acc_email", LIMIT_NAME_BYTES, &text, reply)) return false;
	CLEANUP(mem_free_text) char *email = text_trim(text ? text : "");
	if (text_is_empty(email)) return true;
	if (!workspace_input_is_email(email))
		return web_reply_failure(reply, 422, TEXT_JIRA_BAD_EMAIL,
					 "Enter the address of the service account in Jira, like "
					 "openhands@example.com.");
	return MOVE(&ret->bot_email, email);
}

static bool read_name(const json_t *body, const char **ret, struct web_reply *reply)
{
	struct err err = {0};
	return json_need_text(body, "workspace_name", LIMIT_NAME_BYTES, ret, &err) ||
	       web_reply_failure(reply, 422, TEXT_JIRA_BAD_NAME, err.message);
}

bool workspace_input_place(const struct config *config, const json_t *body, struct workspace_name *ret,
			   struct web_reply *reply)
{
	const char *typed = NULL;
	struct err err = {0};
	return read_name(body, &typed, reply) &&
	       (workspace_name_read(typed, config_text(config, "JIRA_DC_BASE_URL"), ret, &err) ||
		(err.code == ERR_CONFLICT && workspace_name_read(typed, NULL, ret, &err)) ||
		web_reply_failure(reply, 422, TEXT_JIRA_BAD_NAME, err.message));
}

bool workspace_input_read(const struct config *config, const json_t *body, struct workspace_input *ret,
			  struct web_reply *reply)
{
	const char *typed = NULL;
	struct err err = {0};
	if (!read_name(body, &typed, reply) || !read_secrets(body, ret, reply) || !read_email(body, ret, reply) ||
	    !read_flag(body, "is_active", &ret->is_active, reply) ||
	    !read_flag(body, "rotate_secret", &ret->rotates, reply))
		return false;
	if (workspace_name_read(typed, config_text(config, "JIRA_DC_BASE_URL"), &ret->place, &err)) return true;
	return err.code == ERR_CONFLICT ? web_reply_failure(reply, 400, TEXT_JIRA_MISMATCH, err.message)
					: web_reply_failure(reply, 422, TEXT_JIRA_BAD_NAME, err.message);
}
