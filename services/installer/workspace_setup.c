/* The flows of contract 1.3: automatic with a PAT or manual, e-mail mode or OAuth. */

#include "services/installer/workspace_setup.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/link_store.h"
#include "common/connect/peer_client.h"
#include "common/io/log.h"
#include "services/installer/jira_hooks.h"
#include "services/installer/texts.h"
#include "services/installer/workspace_find.h"
#include "services/installer/workspace_input.h"

#include <string.h>

#include "common/base/banned.h"

#define LANDING "/settings/integrations?jira_dc_webhook="
#define LANDING_MANUAL "/integration/dc/jira/webhook"

enum {
	BORROW_MS = 5000,
	CALL_MS = 10000, /* of one call to Jira at most: there are six, and somebody waits */
	/* Between the next secret and the hook's change: every ingress has read the connection again by then. */
	SPREAD_MS = 1500,
};

/* One request on its way; what is not borrowed is released by setup_done(). */
struct setup {
	const struct installer *installer;
	const struct web_request *request;
	const struct caller *caller;
	struct web_reply *reply;
	struct workspace_input input;
	struct connection_row row; /* as it is, then as it shall be */
	struct bot_server server;  /* without a token */
	struct person bot;
	bool is_bot_known;
	bool is_managed;    /* the service account comes from the environment */
	bool goes_to_jira;  /* the caller has yet to link an account by OAuth */
	bool is_changing;   /* the hook gets another secret than it has */
	struct secret hook; /* what the hook is to be signed with */
	bool is_enrolled;
	char *note; /* what people should know of the webhook */
};

static void setup_done(struct setup *setup)
{
	workspace_input_done(&setup->input);
	connection_row_done(&setup->row);
	bot_server_done(&setup->server);
	person_done(&setup->bot);
	secret_done(&setup->hook);
	mem_free(setup->note);
}

static bool refuse(struct setup *setup, int status, const char *detail, const char *reason)
{
	web_reply_failure(setup->reply, status, detail, reason);
	return false;
}

/* With `detail` what Jira refuses is told to whoever sent it; else it is a failure of ours. */
static bool fail(struct setup *setup, const char *detail, const struct err *err)
{
	if (detail && (err->code == ERR_AUTH || err->code == ERR_INPUT || err->code == ERR_NOT_FOUND))
		return refuse(setup, 400, detail, err->message);
	workspace_fail(setup->reply, TEXT_JIRA_SAVE_FAILED, err);
	return false;
}

static bool is_automatic(const struct setup *setup)
{
	return secret_is_set(&setup->input.admin_token);
}

/* ---- what there is ------------------------------------------------------------------------------------------------ */

/* The first thing that is wrong with the service account of the environment, as the contract says it; NULL: nothing. */
static const char *read_managed(struct setup *setup)
{
	CLEANUP(secret_done) struct secret token = {0};
	const char *email = config_text(setup->installer->config, "JIRA_DC_SERVICE_ACCOUNT_EMAIL");
	bool has_token = config_secret(setup->installer->config, "JIRA_DC_SERVICE_ACCOUNT_PAT", &token);
	if (!email != !has_token) return TEXT_JIRA_ACCOUNT_HALF;
	if (!email) return NULL;
	if (!workspace_input_is_email(email)) return TEXT_JIRA_ACCOUNT_EMAIL;
	if (token.text[strcspn(token.text, " \t\r\n")]) return TEXT_JIRA_ACCOUNT_SPACES;
	setup->is_managed = true;
	mem_set(&setup->input.bot_email, email);
	secret_done(&setup->input.bot_token);
	return NULL;
}

/* The organisation that people share with the caller; NULL: none. */
static const char *shared_org(const struct caller *caller)
{
	return text_is_empty(caller->org_id) || strcmp(caller->org_id, caller->user_id) == 0 ? NULL : caller->org_id;
}

/* A server of the configuration is connected for the whole installation, another for the caller's organisation alone. */
static bool find_row(struct setup *setup)
{
	struct workspace_input *input = &setup->input;
	const struct caller *caller = setup->caller;
	const char *wrong = read_managed(setup);
	bool is_own = peer_is_own(setup->installer->config, PROVIDER_JIRA, input->place.base_url);
	struct err err = {0};
	if (wrong) return refuse(setup, 500, wrong, NULL);
	if (!workspace_has_user(caller, setup->reply)) return false;
	if (connection_named(&setup->installer->connections, &input->place, &setup->row, &err)) {
		if (input->rotates) input->is_active = connection_row_is_on(&setup->row);
		return true;
	}
	if (err.code != ERR_NOT_FOUND) return fail(setup, NULL, &err);
	setup->row = (struct connection_row){.provider = PROVIDER_JIRA,
					     .base_url = mem_dup(input->place.base_url),
					     .owner_user_id = mem_dup(caller->user_id),
					     .org_id = mem_dup(is_own ? NULL : shared_org(caller))};
	if (input->rotates) web_reply_detail(setup->reply, 404, TEXT_JIRA_UNKNOWN, input->place.name);
	return !input->rotates;
}

/* A connection that only gets a new secret keeps its account; else the contract asks for e-mail and, first, for a token. */
static bool has_account(struct setup *setup)
{
	struct workspace_input *input = &setup->input;
	if (setup->is_managed || input->rotates) {
		if (!input->bot_email) mem_set(&input->bot_email, setup->row.svc_email);
		return true;
	}
	if (!input->bot_email) return refuse(setup, 400, TEXT_JIRA_EMAIL_NEEDED, NULL);
	return secret_is_set(&input->bot_token) || setup->row.has_bot_token ||
	       refuse(setup, 400, TEXT_JIRA_TOKEN_NEEDED, NULL);
}

/* ---- what Jira says ----------------------------------------------------------------------------------------------- */

/* The token whose owner has to be looked at goes to the server; false in `ret` when nothing about the account changes. */
static bool take_bot_token(struct setup *setup, bool *ret, struct err *err)
{
	const struct workspace_input *input = &setup->input;
	const char *old_email = setup->row.svc_email;
	CLEANUP(secret_done) struct secret stored = {0};
	*ret = true;
	if (setup->is_managed)
		return bot_server_use_configured(&setup->server, setup->installer->config) ||
		       err_set(err, ERR_INPUT,
			       "the service account of the environment may not be used there: set "
			       "JIRA_DC_BASE_URL to %s, or add the host to OHDC_JIRA_ALLOWED_HOSTS",
			       setup->row.base_url);
	if (secret_is_set(&input->bot_token)) {
		bot_server_use(&setup->server, &input->bot_token);
		return true;
	}
	*ret = !input->rotates && !(old_email && text_equal_nocase(old_email, input->bot_email));
	if (!*ret) return true;
	if (!connection_bot_token(&setup->installer->connections, &setup->row, &stored, err)) return false;
	bot_server_use(&setup->server, &stored);
	return true;
}

static bool check_bot(struct setup *setup)
{
	bool is_asked = false;
	struct err err = {0};
	if (!take_bot_token(setup, &is_asked, &err)) return fail(setup, TEXT_JIRA_BOT_REFUSED, &err);
	if (!is_asked && !is_automatic(setup)) return true;
	if (!bot_server_can_sign(&setup->server, &err)) return fail(setup, TEXT_JIRA_TOO_OLD, &err);
	if (!is_asked) return true;
	if (!bot_identity_read(&setup->server, &setup->bot, &err)) return fail(setup, TEXT_JIRA_BOT_REFUSED, &err);
	setup->is_bot_known = true;
	const char *email = setup->bot.email;
	if (text_is_empty(email)) {
		LOG_INFO("Jira hides the service account's address: taken as entered",
			 LOG_TEXT("account", setup->bot.name));
		return true;
	}
	if (text_equal_nocase(email, setup->input.bot_email)) return true;
	err_set(&err, ERR_INPUT,
		"the service account PAT belongs to %s (%s), not to %s: enter that address or another PAT",
		setup->bot.name ? setup->bot.name : "a user", email, setup->input.bot_email);
	return refuse(setup, 400, TEXT_JIRA_BOT_REFUSED, err.message);
}

/* The administrator's PAT lives here and in the request alone. */
static bool look_at_jira(struct setup *setup)
{
	const struct installer *installer = setup->installer;
	struct err err = {0};
	bot_server_init(&setup->server, installer->config, peer_client_for(installer->peers, setup->row.base_url),
			PROVIDER_JIRA, setup->row.base_url);
	if (setup->server.deadline_ms > CALL_MS) setup->server.deadline_ms = CALL_MS;
	if (!check_bot(setup)) return false;
	if (!is_automatic(setup)) return true;
	bot_server_use(&setup->server, &setup->input.admin_token);
	return jira_hooks_may(&setup->server, &err) || fail(setup, TEXT_JIRA_ADMIN_REFUSED, &err);
}

/* In OAuth mode the caller has to have proven an account on this Jira. */
static bool look_for_link(struct setup *setup)
{
	CLEANUP(link_done) struct link link = {0};
	struct err err = {0};
	if (setup->input.rotates || !config_bool(setup->installer->config, "JIRA_DC_ENABLE_OAUTH")) return true;
	setup->goes_to_jira = setup->row.id == 0 || !link_of_user(setup->installer->pool, setup->caller->user_id,
								  setup->row.instance_id, &link, &err);
	if (err.code != ERR_NONE && err.code != ERR_NOT_FOUND) return fail(setup, NULL, &err);
	return !setup->goes_to_jira || oauth_is_set_up(setup->installer->oauth, &err) ||
	       refuse(setup, 500, TEXT_JIRA_SESSION_FAILED, err.message);
}

/* ---- what is stored ----------------------------------------------------------------------------------------------- */

/* A connection in shadow stays there: what OHE answers, we do not. A new one with a PAT counts once its hook is there. */
static const char *status_of(const struct setup *setup)
{
	const char *old = setup->row.status ? setup->row.status : "pending";
	bool is_off = strcmp(old, "pending") == 0 || strcmp(old, "paused") == 0;
	if (!setup->input.is_active) return is_off ? old : "paused";
	return is_off && !is_automatic(setup) ? "active" : old;
}

static bool write_secret(struct setup *setup, struct db *db, struct err *err)
{
	const struct workspace_input *input = &setup->input;
	const struct crypto_keyring *keys = setup->installer->keys;
	bool is_given = secret_is_set(&input->webhook_secret);
	setup->is_changing = is_given || input->rotates || setup->row.has_next_secret;
	return is_given || input->rotates
		       ? connection_secret_next(db, keys, &setup->row, &input->webhook_secret, &setup->hook, err)
		       : connection_secret_kept(db, keys, &setup->row, &setup->hook, err);
}

/* The secret that somebody has to enter in Jira is seen in the browser that made it, or once on our page. */
static void note_whether_shown(struct setup *setup)
{
	bool is_given = secret_is_set(&setup->input.webhook_secret);
	if (is_automatic(setup))
		setup->row.is_secret_shown = true;
	else if (is_given || setup->input.rotates || setup->row.id == 0)
		setup->row.is_secret_shown = is_given && !setup->goes_to_jira;
}

static bool write_connection(struct setup *setup, struct db *db, struct err *err)
{
	struct connection_row *row = &setup->row;
	const struct workspace_input *input = &setup->input;
	const struct crypto_keyring *keys = setup->installer->keys;
	mem_set(&row->status, status_of(setup));
	mem_set(&row->svc_email, input->bot_email);
	note_whether_shown(setup);
	if (row->id != 0) return connection_put(db, keys, row, NULL, err) && write_secret(setup, db, err);
	if (secret_is_set(&input->webhook_secret))
		secret_set(&setup->hook, input->webhook_secret.text, input->webhook_secret.len);
	else
		connection_make_secret(&setup->hook);
	return connection_put(db, keys, row, &setup->hook, err);
}

/* E-mail mode: whoever sets it up is linked by the way; the account is known with the first mention. */
static bool write_link(const struct setup *setup, struct db *db, struct err *err)
{
	const struct link_draft draft = {.instance_id = setup->row.instance_id,
					 .user_id = setup->caller->user_id,
					 .org_id = shared_org(setup->caller),
					 .account_name = setup->caller->email,
					 .method = "email"};
	return setup->input.rotates || config_bool(setup->installer->config, "JIRA_DC_ENABLE_OAUTH") ||
	       link_put(db, setup->installer->keys, &draft, err);
}

static bool write_rows(struct setup *setup, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	struct connection_row *row = &setup->row;
	const struct crypto_keyring *keys = setup->installer->keys;
	const struct secret *token = &setup->input.bot_token;
	bool is_new = row->id == 0;
	return db_borrow(setup->installer->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       instance_put(db, PROVIDER_JIRA, row->base_url, setup->is_bot_known ? &setup->bot : NULL,
			    &row->instance_id, err) &&
	       write_connection(setup, db, err) &&
	       (!secret_is_set(token) || connection_put_bot_token(db, keys, row, token, err)) &&
	       write_link(setup, db, err) &&
	       connection_audit(db, setup->caller->user_id,
				is_new                 ? "connection.add"
				: setup->input.rotates ? "connection.rotate"
						       : "connection.update",
				row, err) &&
	       db_commit(db, err);
}

/* ---- the webhook -------------------------------------------------------------------------------------------------- */

/* What became of it; somebody may have changed the connection meanwhile. */
static bool write_outcome(struct setup *setup, const char *hook_id, struct err *err)
{
	struct connection_row row = {0};
	const struct installer *installer = setup->installer;
	if (!connection_read(&installer->connections, PROVIDER_JIRA, setup->row.id, &row, err)) return false;
	connection_row_done(&setup->row);
	setup->row = row;
	if (hook_id) mem_set(&setup->row.hook_id, hook_id);
	mem_set(&setup->row.hook_error, setup->note);
	bool counts = hook_id && setup->input.is_active && !connection_row_is_on(&row);
	bool is_off = !hook_id && strcmp(row.status, "active") == 0;
	if (counts || is_off) mem_set(&setup->row.status, counts ? "active" : "paused");
	const struct workspace_change change = {.action = hook_id ? "connection.hook" : "connection.hook_failed",
						.promotes = hook_id != NULL};
	return workspace_store(installer, setup->caller, &setup->row, &change, err);
}

static bool install(struct setup *setup)
{
	CLEANUP(mem_free_text) char *url = connection_events_url(setup->installer->origin, PROVIDER_JIRA, setup->row.id);
	CLEANUP(jira_hook_done_free) struct jira_hook_done done = {0};
	const struct jira_hook hook = {url, setup->row.hook_id, &setup->hook};
	struct err err = {0};
	if (!is_automatic(setup)) return true;
	if (setup->is_changing) (void)daemon_pause(setup->installer->daemon, SPREAD_MS);
	setup->is_enrolled = jira_hooks_install(&setup->server, &hook, &done, &err);
	setup->note = mem_dup(setup->is_enrolled ? done.note : err.message);
	if (!setup->is_enrolled) log_err("Jira's webhook was not installed", &err);
	err = (struct err){0};
	return write_outcome(setup, done.id, &err) || fail(setup, NULL, &err);
}

/* ---- the answer --------------------------------------------------------------------------------------------------- */

static void answer_redirect(struct setup *setup)
{
	CLEANUP(mem_free_text) char *url = NULL;
	struct err err = {0};
	const struct oauth_intent intent = {
		.user_id = setup->caller->user_id,
		.email = setup->caller->email,
		.org_id = shared_org(setup->caller),
		.connection_id = setup->row.id,
		.landing = !is_automatic(setup) ? LANDING_MANUAL
			   : setup->is_enrolled ? LANDING "installed"
						: LANDING "install_failed",
		.cookie = web_cookie(setup->request, OAUTH_COOKIE),
	};
	if (!oauth_begin(setup->installer->oauth, &intent, setup->reply, &url, &err)) {
		log_err("a link was not begun", &err);
		(void)refuse(setup, 500, TEXT_JIRA_SESSION_FAILED, err.message);
		return;
	}
	web_reply_json(setup->reply, 200,
		       json_pack("{s:b, s:b, s:s}", "success", 1, "redirect", 1, "authorizationUrl", url));
}

static void answer(struct setup *setup)
{
	CLEANUP(mem_free_text) char *url = connection_events_url(setup->installer->origin, PROVIDER_JIRA, setup->row.id);
	LOG_INFO("a connection was saved", LOG_INT("connection_id", setup->row.id), LOG_TEXT("status", setup->row.status),
		 LOG_TEXT("webhook", !is_automatic(setup) ? "by hand"
				     : setup->is_enrolled ? "installed"
							  : "not installed"));
	if (setup->goes_to_jira) {
		answer_redirect(setup);
		return;
	}
	web_reply_json(setup->reply, 200,
		       json_pack("{s:b, s:b, s:s, s:b, s:s, s:s*}", "success", 1, "redirect", 0, "authorizationUrl", "",
				 "webhookEnrolled", setup->is_enrolled, "eventsUrl", url, "error", setup->note));
}

void workspaces_save_run(const struct installer *installer, const struct web_request *request,
			 const struct caller *caller, const json_t *body, struct web_reply *reply)
{
	CLEANUP(setup_done) struct setup setup = {
		.installer = installer, .request = request, .caller = caller, .reply = reply};
	struct err err = {0};
	if (!caller_must(caller, CALLER_CONNECTS, reply) ||
	    !workspace_input_read(installer->config, body, &setup.input, reply) || !find_row(&setup) ||
	    !has_account(&setup) || (setup.row.id != 0 && !workspace_may_edit(installer, caller, &setup.row, reply)) ||
	    !look_at_jira(&setup) || !look_for_link(&setup))
		return;
	if (!write_rows(&setup, &err))
		(void)fail(&setup, NULL, &err);
	else if (install(&setup))
		answer(&setup);
}
