/* The flows of contract 1.3: automatic with a PAT or manual, e-mail mode or OAuth. */

#include "services/installer/workspace_setup.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/connect/link_store.h"
#include "common/connect/peer_client.h"
#include "common/io/log.h"
#include "services/installer/connection_change.h"
#include "services/installer/jira_hooks.h"
#include "services/installer/texts.h"
#include "services/installer/workspace_find.h"
#include "services/installer/workspace_input.h"

#include <string.h>

#include "common/base/banned.h"

#define LANDING "/settings/integrations?jira_dc_webhook="
#define LANDING_MANUAL "/integration/dc/jira/webhook"

enum {
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

/* With `detail` what Jira refuses is told to whoever sent it; else it is a failure of ours. */
static bool fail(struct setup *setup, const char *detail, const struct err *err)
{
	if (detail && (err->code == ERR_AUTH || err->code == ERR_INPUT || err->code == ERR_NOT_FOUND))
		return web_reply_failure(setup->reply, 400, detail, err->message);
	return workspace_fail(setup->reply, TEXT_JIRA_SAVE_FAILED, err);
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
	if (wrong) return web_reply_failure(setup->reply, 500, wrong, NULL);
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
	if (!input->bot_email) return web_reply_detail(setup->reply, 400, TEXT_JIRA_EMAIL_NEEDED);
	return secret_is_set(&input->bot_token) || setup->row.has_bot_token ||
	       web_reply_detail(setup->reply, 400, TEXT_JIRA_TOKEN_NEEDED);
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
	return fail(setup, TEXT_JIRA_BOT_REFUSED, &err);
}

/* The administrator's PAT lives here and in the request alone. */
static bool look_at_jira(struct setup *setup)
{
	struct err err = {0};
	installer_server(setup->installer, PROVIDER_JIRA, setup->row.base_url, NULL, &setup->server);
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
	       web_reply_failure(setup->reply, 500, TEXT_JIRA_SESSION_FAILED, err.message);
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

/* The secret that somebody has to enter in Jira is seen in the browser that made it, or once on our page. */
static void note_whether_shown(struct setup *setup)
{
	bool is_given = secret_is_set(&setup->input.webhook_secret);
	if (is_automatic(setup))
		setup->row.is_secret_shown = true;
	else if (is_given || setup->input.rotates || setup->row.id == 0)
		setup->row.is_secret_shown = is_given && !setup->goes_to_jira;
}

/* E-mail mode: whoever sets it up is linked by the way; the account is known with the first mention. */
static bool write_rows(struct setup *setup)
{
	struct connection_row *row = &setup->row;
	const struct workspace_input *input = &setup->input;
	bool is_secret_new = input->rotates || secret_is_set(&input->webhook_secret);
	bool is_linked = !input->rotates && !config_bool(setup->installer->config, "JIRA_DC_ENABLE_OAUTH");
	const struct link_draft link = {.user_id = setup->caller->user_id,
					.org_id = shared_org(setup->caller),
					.account_name = setup->caller->email,
					.method = "email"};
	const struct connection_change change = {.action = row->id == 0     ? "connection.add"
							   : input->rotates ? "connection.rotate"
									    : "connection.update",
						 .bot = setup->is_bot_known ? &setup->bot : NULL,
						 .bot_token = &input->bot_token,
						 .secrets = is_secret_new ? SECRETS_NEXT : SECRETS_KEPT,
						 .given = &input->webhook_secret,
						 .hook = &setup->hook,
						 .link = is_linked ? &link : NULL};
	struct err err = {0};
	setup->is_changing = row->id != 0 && (is_secret_new || row->has_next_secret);
	mem_set(&row->status, status_of(setup));
	mem_set(&row->svc_email, input->bot_email);
	note_whether_shown(setup);
	return connection_change_store(setup->installer, setup->caller, row, &change, &err) || fail(setup, NULL, &err);
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
	const struct connection_change change = {.action = hook_id ? "connection.hook" : "connection.hook_failed",
						 .secrets = hook_id ? SECRETS_PROMOTE : SECRETS_STAY};
	return connection_change_store(installer, setup->caller, &setup->row, &change, err);
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

static bool begin_link(struct setup *setup, char **ret_url)
{
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
	if (oauth_begin(setup->installer->oauth, &intent, setup->reply, ret_url, &err)) return true;
	log_err("a link was not begun", &err);
	return web_reply_failure(setup->reply, 500, TEXT_JIRA_SESSION_FAILED, err.message);
}

/* Whoever goes to Jira sees the rest when they are back. */
static bool answer(struct setup *setup)
{
	CLEANUP(mem_free_text) char *events = connection_events_url(setup->installer->origin, PROVIDER_JIRA,
								    setup->row.id);
	CLEANUP(mem_free_text) char *jira = NULL;
	LOG_INFO("a connection was saved", LOG_INT("connection_id", setup->row.id), LOG_TEXT("status", setup->row.status),
		 LOG_TEXT("webhook", !is_automatic(setup) ? "by hand"
				     : setup->is_enrolled ? "installed"
							  : "not installed"));
	if (setup->goes_to_jira && !begin_link(setup, &jira)) return false;
	json_t *json = json_pack("{s:b, s:b, s:s}", "success", 1, "redirect", jira != NULL, "authorizationUrl",
				 jira ? jira : "");
	if (!jira)
		json_object_update_new(json, json_pack("{s:b, s:s, s:s*}", "webhookEnrolled", setup->is_enrolled,
						       "eventsUrl", events, "error", setup->note));
	web_reply_json(setup->reply, 200, json);
	return true;
}

bool workspaces_save_run(const struct installer *installer, const struct web_request *request,
			 const struct caller *caller, const json_t *body, struct web_reply *reply)
{
	CLEANUP(setup_done) struct setup setup = {
		.installer = installer, .request = request, .caller = caller, .reply = reply};
	return caller_must(caller, CALLER_CONNECTS, reply) &&
	       workspace_input_read(installer->config, body, &setup.input, reply) && find_row(&setup) &&
	       has_account(&setup) && (setup.row.id == 0 || workspace_may_edit(installer, caller, &setup.row, reply)) &&
	       look_at_jira(&setup) && look_for_link(&setup) && write_rows(&setup) && install(&setup) && answer(&setup);
}
