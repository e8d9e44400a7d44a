/* Keeps a proof until the person who began says yes, in the same browser and with OpenHands' own session. */

#include "services/linker/link_confirm.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/form_token.h"
#include "common/domain/workspace_name.h"
#include "common/io/log.h"
#include "common/io/pages.h"
#include "common/io/sysclock.h"
#include "services/linker/link_page.h"
#include "services/linker/link_start.h"
#include "services/linker/texts.h"

#include <string.h>

#include "common/base/banned.h"

#define PURPOSE "confirm"
#define LANDING "/settings/integrations"

bool link_confirm_is_browser(const struct web_request *request, const json_t *begun)
{
	const char *noted = json_text_at(begun, "cookie");
	char digest[CRYPTO_DIGEST_TEXT_SIZE] = "";
	return noted && strlen(noted) == sizeof(digest) - 1 &&
	       oauth_cookie_digest(web_cookie(request, OAUTH_COOKIE), digest) &&
	       crypto_equal((const uint8_t *)noted, (const uint8_t *)digest, sizeof(digest) - 1);
}

bool link_confirm_connection(const struct linker *linker, const json_t *begun, struct connection_row *ret, struct err *err)
{
	const char *own = config_text(linker->config, "JIRA_DC_BASE_URL");
	const char *noted = json_text_at(begun, "base_url");
	if (!connection_read(&linker->connection_store, PROVIDER_JIRA, json_int_at(begun, "connection_id", 0), ret, err))
		return false;
	if (!own || !noted || strcmp(own, noted) != 0 || strcmp(own, ret->base_url) != 0)
		return err_set(err, ERR_CONFLICT, "the flow was begun for another Jira");
	return true;
}

/* --- the question ------------------------------------------------------------------------------------ */

static bool keep(struct linker *linker, const struct link_proof *proof, char ret_state[OAUTH_STATE_SIZE], struct err *err)
{
	const struct person *person = proof->person;
	int64_t life_s = proof->tokens->expires_in_s;
	json_auto_t *content = json_copy(proof->begun);
	json_object_del(content, "verifier");
	json_object_update_new(content,
			       json_pack("{s:s, s:s*, s:o, s:I}", "account", person->key, "account_name", person->name,
					 "tokens", link_tokens_to_json(proof->tokens), "expires_at_ms",
					 life_s > 0 ? sysclock_now_ms() + life_s * 1000 : (int64_t)0));
	return oauth_state_put(&linker->oauth->states, PURPOSE, json_text_at(content, "user_id"), content, ret_state,
			       err);
}

/* What else changes when the person says yes: the account leaves somebody else, or replaces another account. */
static bool add_changes(const struct linker *linker, const struct link_proof *proof, json_t *data, struct err *err)
{
	const char *user_id = json_text_at(proof->begun, "user_id");
	CLEANUP(mem_free_text) char *owner = NULL;
	CLEANUP(link_done) struct link present = {0};
	if (!link_owner(linker->pool, proof->connection->instance_id, proof->person->key, &owner, err)) return false;
	if (owner && strcmp(owner, user_id) != 0) json_object_set_new(data, "moves", json_true());
	if (link_of_user(linker->pool, user_id, 0, &present, NULL) &&
	    strcmp(present.account_key, proof->person->key) != 0 && !text_starts(present.account_key, LINK_UNAVAILABLE))
		json_object_set_new(data, "replaces", json_true());
	return true;
}

bool link_confirm_ask(struct linker *linker, const struct link_proof *proof, struct web_reply *reply, struct err *err)
{
	const struct person *person = proof->person;
	const char *user_id = json_text_at(proof->begun, "user_id");
	const char *email = json_text_at(proof->begun, "email");
	CLEANUP(mem_free_text) char *host = workspace_name_of(proof->connection->base_url);
	char state[OAUTH_STATE_SIZE];
	char token[FORM_TOKEN_SIZE];
	json_auto_t *data = link_page_data(linker, "Link your Jira account?", NULL);
	if (!keep(linker, proof, state, err) || !add_changes(linker, proof, data, err)) return false;
	form_token_make(linker->keys, user_id, sysclock_now_ms(), token);
	json_object_update_new(data, json_pack("{s:s, s:s, s:s*, s:s, s:s, s:s}", "host", host, "display",
					       person->display_name ? person->display_name : person->key, "login",
					       person->name, "email", email && *email ? email : user_id, "state", state,
					       "form_token", token));
	pages_reply(reply, 200, "link_confirm.html", json_incref(data));
	return true;
}

/* --- the answer -------------------------------------------------------------------------------------- */

static bool refuse(const struct visit *visit, int status, const char *what, const char *advice)
{
	LOG_WARN("link refused at its confirmation", LOG_TEXT("reason", what),
		 LOG_TEXT("user_id", visit->caller.user_id));
	return link_page_refuse(visit, status, what, advice);
}

static json_t *form_again(const struct web_request *request)
{
	const char *state = web_form(request, "state");
	const char *token = web_form(request, "form_token");
	return json_pack("{s:s, s:s, s:s}", "action", web_path(request), "state", state ? state : "", "form_token",
			 token ? token : "");
}

/* The proof, of the person who began, in their browser. Whoever else shows it has used it up for everybody. */
static bool take(struct visit *visit, json_t **ret)
{
	const struct linker *linker = visit->linker;
	struct err err = {0};
	if (!web_is_same_origin(visit->request, linker->origin))
		return refuse(visit, 403, TEXT_CROSS_SITE, "The form was not sent from our own page.");
	if (!link_page_caller(visit, form_again(visit->request))) return false;
	if (!oauth_state_take(&linker->oauth->states, PURPOSE, web_form(visit->request, "state"), ret, &err)) {
		if (err.code != ERR_NOT_FOUND) log_err("proofs cannot be read", &err);
		return refuse(visit, 400, TEXT_NO_SESSION,
			      "It was answered already, or is older than ten minutes. " LINK_AGAIN);
	}
	const char *user_id = json_text_at(*ret, "user_id");
	if (!user_id || strcmp(user_id, visit->caller.user_id) != 0)
		return refuse(visit, 403, "Somebody else began this.",
			      "You are signed in as another person than the one who began linking. " LINK_AGAIN);
	return link_page_is_ours(visit) && (link_confirm_is_browser(visit->request, *ret) ||
					    refuse(visit, 400, TEXT_STATE_MISMATCH, LINK_OTHER_BROWSER));
}

static bool save(struct linker *linker, const json_t *proof, const struct connection_row *connection, struct err *err)
{
	CLEANUP(oauth_tokens_done) struct oauth_tokens tokens = {0};
	int64_t expires_at_ms = json_int_at(proof, "expires_at_ms", 0);
	const struct link_draft draft = {.instance_id = connection->instance_id,
					 .user_id = json_text_at(proof, "user_id"),
					 .org_id = json_text_at(proof, "org_id"),
					 .account_key = json_text_at(proof, "account"),
					 .account_name = json_text_at(proof, "account_name"),
					 .method = "oauth",
					 .tokens = &tokens};
	if (!link_tokens_from_json(json_at(proof, "tokens"), &tokens, err)) return false;
	if (expires_at_ms > 0) {
		int64_t rest_s = (expires_at_ms - sysclock_now_ms()) / 1000;
		tokens.expires_in_s = rest_s > 0 ? rest_s : 1;
	}
	return link_save(linker, &draft, err);
}

/* Own paths only, wherever the intent came from. */
static const char *landing(const json_t *proof)
{
	const char *path = json_text_at(proof, "landing");
	return path && path[0] == '/' && path[1] != '/' && path[1] != '\\' ? path : LANDING;
}

void link_confirm_post(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(visit_done) struct visit visit = {context, request, reply, {0}};
	CLEANUP(connection_row_done) struct connection_row connection = {0};
	json_auto_t *proof = NULL;
	struct err err = {0};
	if (!take(&visit, &proof)) return;
	if (!link_confirm_connection(visit.linker, proof, &connection, &err)) {
		(void)refuse(&visit, 400, TEXT_TARGET_MISMATCH, LINK_CHANGED);
	} else if (!save(visit.linker, proof, &connection, &err)) {
		log_err("a link cannot be stored", &err);
		(void)refuse(&visit, 500, TEXT_LINK_FAILED, LINK_AGAIN);
	} else {
		LOG_INFO("linked by OAuth", LOG_TEXT("user_id", visit.caller.user_id),
			 LOG_TEXT("account", json_text_at(proof, "account")), LOG_INT("connection_id", connection.id));
		web_reply_redirect(reply, landing(proof));
	}
}

void link_confirm_cancel(void *context, const struct web_request *request, struct web_reply *reply)
{
	CLEANUP(visit_done) struct visit visit = {context, request, reply, {0}};
	json_auto_t *proof = NULL;
	if (!take(&visit, &proof)) return;
	LOG_INFO("link not wanted after all", LOG_TEXT("user_id", visit.caller.user_id));
	web_reply_redirect(reply, LINK_PAGE_PATH "?done=cancelled");
}
