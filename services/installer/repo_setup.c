/* The order of things: proof of the right, the connection and its next secret, Bitbucket's webhook, the end. */

#include "services/installer/repo_setup.h"

#include "common/base/mem.h"
#include "common/io/api_call.h"
#include "common/io/log.h"
#include "services/installer/connection_change.h"
#include "services/installer/repo_hook.h"
#include "services/installer/texts.h"

#include <string.h>

#include "common/base/banned.h"

#define UNFINISHED "the installation of the webhook was not finished; install it again"

/* What all four have in hand once the right is proved. */
struct work {
	const struct repo_ask *ask;
	const struct installer *installer;
	struct bot_server server; /* as the person */
	struct bot_repository name;
	json_t *hooks;
	struct connection_row row; /* id 0: there is none */
	char *old_status;          /* before this work */
	struct person bot;         /* nobody: not asked, or its token is refused */
};

void repo_ask_done(struct repo_ask *ask)
{
	secret_done(&ask->token);
	MEM_FREE_ALL(ask->project_key, ask->repo_slug, ask->hook_id);
	*ask = (struct repo_ask){0};
}

void repo_result_done(struct repo_result *result)
{
	MEM_FREE_ALL(result->project_key, result->repo_slug, result->hook_id, result->events_url);
	secret_done(&result->secret);
	*result = (struct repo_result){0};
}

static void work_done(struct work *work)
{
	bot_server_done(&work->server);
	bot_repository_done(&work->name);
	json_decref(work->hooks);
	connection_row_done(&work->row);
	mem_free(work->old_status);
	person_done(&work->bot);
}

/* ---- what there is ------------------------------------------------------------------------------------------------ */

/* Read the connection of the repository; one with its name but another number is of a repository that is no more. */
static bool find_row(struct work *work, struct err *err)
{
	const struct connection_store *store = &work->installer->connections;
	const struct bot_repository *name = &work->name;
	const int64_t numbers[] = {name->id, 0};
	bool is_found = false;
	struct err why = {0};
	connection_row_done(&work->row);
	for (size_t i = 0; i < ARRAY_LEN(numbers) && !is_found; i++) {
		is_found = connection_of_repo(store, work->server.base_url, numbers[i], name->project_key, name->slug,
					      &work->row, &why);
		if (!is_found && why.code != ERR_NOT_FOUND) return api_call_settle(false, &why, err);
	}
	if (!is_found)
		work->row = (struct connection_row){.provider = PROVIDER_BITBUCKET,
						    .status = mem_dup("pending"),
						    .base_url = mem_dup(work->server.base_url)};
	mem_set(&work->old_status, work->row.status);
	if (strcmp(work->row.status, "shadow") != 0) return true;
	err_fill(&why, ERR_CONFLICT, TEXT_IN_SHADOW);
	why.http_status = 409;
	return api_call_settle(false, &why, err);
}

/* Only its admins are shown a repository's webhooks. */
static bool open_work(struct work *work, struct err *err)
{
	const struct repo_ask *ask = work->ask;
	return repo_api_open(ask->installer, ask->caller->user_id, &ask->token, &work->server, err) &&
	       repo_api_read(&work->server, ask->project_key, ask->repo_slug, &work->name, err) &&
	       repo_api_hooks(&work->server, &work->name, &work->hooks, err) && find_row(work, err);
}

static char *events_url(const struct work *work)
{
	return connection_events_url(work->installer->origin, PROVIDER_BITBUCKET, work->row.id);
}

/* ---- the connection ----------------------------------------------------------------------------------------------- */

/* Store the row as it is now. SECRETS_NEXT: `hook` gets what the webhook is to have. */
static bool store(struct work *work, enum change_secrets secrets, struct secret *hook, const char *action, struct err *err)
{
	const struct connection_change change = {.action = action,
						 .bot = person_is_nobody(&work->bot) ? NULL : &work->bot,
						 .secrets = secrets,
						 .hook = hook};
	return connection_change_store(work->installer, work->ask->caller, &work->row, &change, err);
}

/* Make or change the connection so that deliveries count from now on, with `note` in hook_error. */
static bool prepare(struct work *work, const char *note, struct secret *ret, struct err *err)
{
	mem_set(&work->row.project_key, work->name.project_key);
	mem_set(&work->row.repo_slug, work->name.slug);
	mem_set(&work->row.status, "active");
	mem_set(&work->row.hook_error, note);
	mem_set(&work->row.owner_user_id, work->ask->caller->user_id);
	work->row.repo_id = work->name.id;
	return store(work, SECRETS_NEXT, ret, note ? "webhook.install" : "webhook.enroll", err);
}

/* Two people may connect one repository at the same time: the second finds the first one's connection. */
static bool prepare_or_join(struct work *work, const char *note, struct secret *ret, struct err *err)
{
	struct err why = {0};
	if (prepare(work, note, ret, &why)) return true;
	if (why.code != ERR_CONFLICT) return api_call_settle(false, &why, err);
	return find_row(work, err) && prepare(work, note, ret, err);
}

/* ---- the bot ------------------------------------------------------------------------------------------------------ */

/* See who the bot is; gives what keeps it from answering in this repository, new, NULL: nothing. */
static char *look_at_bot(struct work *work)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	CLEANUP(bot_repository_done) struct bot_repository seen = {0};
	struct err err = {0};
	installer_server(work->installer, PROVIDER_BITBUCKET, work->server.base_url, NULL, &server);
	bool is_fine = !bot_server_use_configured(&server, work->installer->config) ||
		       (bot_identity_read(&server, &work->bot, &err) &&
			bot_repository_read(&server, work->name.project_key, work->name.slug, &seen, &err));
	return is_fine ? NULL : mem_dup(err.message);
}

/* ---- the four ----------------------------------------------------------------------------------------------------- */

static bool install(struct work *work, struct repo_result *ret, struct err *err)
{
	struct connection_row *row = &work->row;
	CLEANUP(mem_free_text) char *note = look_at_bot(work);
	CLEANUP(secret_done) struct secret secret = {0};
	struct err why = {0};
	if (!prepare_or_join(work, UNFINISHED, &secret, err)) return false;
	CLEANUP(mem_free_text) char *url = events_url(work);
	const struct own_hook own = repo_hook_own(url, row->hook_id);
	bool is_made = repo_hook_install(&work->server, &work->name, &own, &secret, work->hooks, &ret->hook_id, &why);
	mem_set(&row->hook_error, is_made ? note : why.message);
	if (!is_made) {
		mem_set(&row->status, work->old_status);
		if (!store(work, SECRETS_STAY, NULL, "webhook.install_failed", err))
			log_err("failed installation not noted", err);
		return api_call_settle(false, &why, err);
	}
	mem_set(&row->hook_id, ret->hook_id);
	return store(work, SECRETS_PROMOTE, NULL, "webhook.installed", err);
}

/* Without a connection there is no webhook of ours: what has our name is OpenHands's own. */
static bool uninstall(struct work *work, struct repo_result *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *url = events_url(work);
	const struct own_hook own = repo_hook_own(url, work->row.hook_id);
	if (work->row.id == 0) return true;
	if (!repo_hook_remove(&work->server, &work->name, &own, work->hooks, &ret->hook_id, err)) return false;
	if (!ret->hook_id) mem_set(&ret->hook_id, work->row.hook_id);
	mem_set(&work->row.hook_id, NULL);
	mem_set(&work->row.hook_error, NULL);
	mem_set(&work->row.status, "paused");
	return store(work, SECRETS_STAY, NULL, "webhook.uninstalled", err);
}

static bool enroll(struct work *work, struct repo_result *ret, struct err *err)
{
	mem_free(look_at_bot(work)); /* who it is counts, not what keeps it from answering */
	return prepare_or_join(work, NULL, &ret->secret, err);
}

static bool note_hook(struct work *work, UNUSED struct repo_result *ret, struct err *err)
{
	if (work->row.id == 0) return err_set(err, ERR_NOT_FOUND, "there is no connection");
	mem_set(&work->row.hook_id, work->ask->hook_id);
	mem_set(&work->row.hook_error, NULL);
	return store(work, SECRETS_STAY, NULL, "webhook.noted", err);
}

static void report(const struct work *work, const char *action, const struct err *err)
{
	LOG_AT(err->code ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
	       err->code ? "repository webhook not changed" : "repository webhook changed", LOG_TEXT("action", action),
	       LOG_TEXT("user_id", work->ask->caller->user_id), LOG_TEXT("project", work->ask->project_key),
	       LOG_TEXT("repository", work->ask->repo_slug), LOG_INT("connection_id", work->row.id),
	       LOG_TEXT("hook_id", work->row.hook_id), LOG_TEXT("error", err->code ? err->message : NULL),
	       LOG_INT("status", err->http_status));
}

static const struct {
	const char *name;
	bool (*work)(struct work *work, struct repo_result *ret, struct err *err);
} actions[] = {
	[REPO_INSTALL] = {"install", install},
	[REPO_UNINSTALL] = {"uninstall", uninstall},
	[REPO_ENROLL] = {"enroll", enroll},
	[REPO_NOTE_HOOK] = {"note", note_hook},
};

bool repo_change(enum repo_action action, const struct repo_ask *ask, struct repo_result *ret, struct err *err)
{
	CLEANUP(work_done) struct work work = {.ask = ask, .installer = ask->installer};
	CLEANUP(repo_result_done) struct repo_result result = {0};
	struct err why = {0};
	bool is_done = open_work(&work, &why) && actions[action].work(&work, &result, &why);
	report(&work, actions[action].name, &why);
	if (!is_done) return api_call_settle(false, &why, err);
	result.project_key = mem_dup(work.name.project_key);
	result.repo_slug = mem_dup(work.name.slug);
	result.connection_id = work.row.id;
	if (work.row.id > 0) result.events_url = events_url(&work);
	return MOVE(ret, result);
}
