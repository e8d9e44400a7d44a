/* The order of things: proof of the right, the connection and its next secret, Bitbucket's webhook, the end. */

#include "services/installer/repo_setup.h"

#include "common/base/mem.h"
#include "common/connect/bot_identity.h"
#include "common/io/api_call.h"
#include "common/io/log.h"
#include "services/installer/repo_hook.h"
#include "services/installer/repo_token.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

#define UNFINISHED "the installation of the webhook was not finished; install it again"

enum { BORROW_MS = 5000 };

/* What all four have in hand once the right is proved. */
struct work {
	const struct repo_ask *ask;
	const struct installer *installer;
	struct secret token;
	struct repo_api api;
	struct repo_name name;
	json_t *hooks;
	struct connection_row row; /* id 0: there is none */
	char *old_status;          /* before this work */
	struct person bot;         /* nobody: not asked, or its token is refused */
};

void repo_result_done(struct repo_result *result)
{
	if (!result) return;
	mem_free(result->project_key);
	mem_free(result->repo_slug);
	mem_free(result->hook_id);
	mem_free(result->events_url);
	secret_done(&result->secret);
	*result = (struct repo_result){0};
}

static void work_done(struct work *work)
{
	secret_done(&work->token);
	repo_name_done(&work->name);
	json_decref(work->hooks);
	connection_row_done(&work->row);
	mem_free(work->old_status);
	person_done(&work->bot);
}

static void set_text(char **text, const char *value)
{
	char *copy = mem_dup(value);

	mem_free(*text);
	*text = copy;
}

static void set_number(char **text, int64_t number)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
	set_text(text, digits);
}

/* ---- what there is ------------------------------------------------------------------------------------------------ */

/* Read the connection of the repository; one with its name but another number is of a repository that is no more. */
static bool read_row(struct work *work, struct err *err)
{
	const struct connection_store *store = &work->installer->connections;
	const struct repo_name *name = &work->name;
	const int64_t numbers[] = {name->id, 0};
	struct err why = {0};

	connection_row_done(&work->row);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (connection_of_repo(store, work->api.base_url, numbers[i], name->project_key,
				       name->slug, &work->row, &why))
			return true;
		if (why.code != ERR_NOT_FOUND) return api_call_settle(false, &why, err);
	}
	work->row = (struct connection_row){.provider = PROVIDER_BITBUCKET,
					    .status = mem_dup("pending"),
					    .base_url = mem_dup(work->api.base_url)};
	return true;
}

static bool find_row(struct work *work, struct err *err)
{
	if (!read_row(work, err)) return false;
	set_text(&work->old_status, work->row.status);
	if (strcmp(work->row.status, "shadow") != 0) return true;
	err_fill(
		err, ERR_CONFLICT,
		"this connection only watches until the take-over from OpenHands's own integration "
		"is committed");
	if (err) err->http_status = 409;
	return false;
}

/* Only its admins are shown a repository's webhooks. */
static bool open_work(const struct repo_ask *ask, struct work *work, struct err *err)
{
	*work = (struct work){.ask = ask, .installer = ask->installer};
	if (!repo_token_read(ask->installer, ask->caller->user_id, ask->token, &work->token, err))
		return false;
	work->api = repo_token_api(ask->installer, &work->token);
	return repo_api_read(&work->api, ask->project_key, ask->repo_slug, &work->name, err) &&
	       repo_api_hooks(&work->api, &work->name, &work->hooks, err) && find_row(work, err);
}

static char *events_url(const struct work *work)
{
	return connection_events_url(work->installer->origin, PROVIDER_BITBUCKET, work->row.id);
}

static struct repo_result result_of(const struct work *work)
{
	const struct connection_row *row = &work->row;

	return (struct repo_result){.project_key = mem_dup(work->name.project_key),
				    .repo_slug = mem_dup(work->name.slug),
				    .connection_id = row->id,
				    .hook_id = mem_dup(row->hook_id),
				    .events_url = row->id == 0 ? NULL : events_url(work)};
}

/* ---- the connection ----------------------------------------------------------------------------------------------- */

static bool begin(const struct work *work, struct db **ret, struct err *err)
{
	return db_borrow(work->installer->pool, BORROW_MS, ret, err) && db_begin(*ret, err);
}

static bool audit(struct db *db, const struct work *work, const char *action, struct err *err)
{
	return connection_audit(db, work->ask->caller->user_id, action, &work->row, err);
}

/*
 * Make or change the connection so that deliveries count from now on, with `note` in hook_error; `ret` gets the secret for the
 * webhook, which is accepted beside the one in use.
 */
static bool prepare(struct work *work, const char *note, struct secret *ret, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	struct connection_row *row = &work->row;
	const struct person *bot = person_is_nobody(&work->bot) ? NULL : &work->bot;
	bool is_new = row->id == 0;

	set_text(&row->project_key, work->name.project_key);
	set_text(&row->repo_slug, work->name.slug);
	set_text(&row->status, "active");
	set_text(&row->hook_error, note);
	set_text(&row->owner_user_id, work->ask->caller->user_id);
	row->repo_id = work->name.id;
	if (is_new) connection_make_secret(ret);
	return begin(work, &db, err) &&
	       instance_put(db, PROVIDER_BITBUCKET, row->base_url, bot, &row->instance_id, err) &&
	       connection_put(db, work->installer->keys, row, is_new ? ret : NULL, err) &&
	       (is_new || connection_secret_next(db, work->installer->keys, row, NULL, ret, err)) &&
	       audit(db, work, note ? "webhook.install" : "webhook.enroll", err) &&
	       db_commit(db, err);
}

/* Two people may connect one repository at the same time: the second finds the first one's connection. */
static bool prepare_or_join(struct work *work, const char *note, struct secret *ret, struct err *err)
{
	struct err why = {0};

	if (prepare(work, note, ret, &why)) return true;
	if (why.code != ERR_CONFLICT) return api_call_settle(false, &why, err);
	return find_row(work, err) && prepare(work, note, ret, err);
}

/* Store the row as it is now; with `is_promoted` the next secret comes into use. */
static bool store(struct work *work, bool is_promoted, const char *action, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;

	return begin(work, &db, err) &&
	       connection_put(db, work->installer->keys, &work->row, NULL, err) &&
	       (!is_promoted || connection_secret_promote(db, &work->row, err)) &&
	       audit(db, work, action, err) && db_commit(db, err);
}

/* ---- the bot ------------------------------------------------------------------------------------------------------ */

/* See who the bot is; `ret_note` (new, NULL: nothing) says what keeps it from answering in this repository. */
static void look_at_bot(struct work *work, char **ret_note)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	CLEANUP(bot_repository_done) struct bot_repository seen = {0};
	struct err err = {0};

	bot_server_init(&server, work->installer->config,
			peer_client_for(work->installer->peers, work->api.base_url),
			PROVIDER_BITBUCKET, work->api.base_url);
	if (!bot_server_use_configured(&server, work->installer->config)) return;
	if (!bot_identity_read(&server, &work->bot, &err) ||
	    !bot_repository_read(&server, work->name.project_key, work->name.slug, &seen, &err))
		*ret_note = mem_dup(err.message);
}

/* ---- the four ----------------------------------------------------------------------------------------------------- */

static bool install_hook(struct work *work, const struct secret *secret, const char *note,
			 struct err *err)
{
	struct connection_row *row = &work->row;
	CLEANUP(mem_free_text) char *url = events_url(work);
	const struct repo_hook wanted = {url, row->hook_id, secret};
	struct err why = {0};
	int64_t hook_id;

	if (!repo_hook_install(&work->api, &work->name, &wanted, work->hooks, &hook_id, &why)) {
		set_text(&row->status, work->old_status);
		set_text(&row->hook_error, why.message);
		if (!store(work, false, "webhook.install_failed", err))
			log_err("failed installation not noted", err);
		return api_call_settle(false, &why, err);
	}
	set_number(&row->hook_id, hook_id);
	set_text(&row->hook_error, note);
	return store(work, true, "webhook.installed", err);
}

bool repo_install(const struct repo_ask *ask, struct repo_result *ret, struct err *err)
{
	CLEANUP(work_done) struct work work = {0};
	CLEANUP(mem_free_text) char *note = NULL;
	CLEANUP(secret_done) struct secret secret = {0};

	if (!open_work(ask, &work, err)) return false;
	look_at_bot(&work, &note);
	if (!prepare_or_join(&work, UNFINISHED, &secret, err) ||
	    !install_hook(&work, &secret, note, err))
		return false;
	*ret = result_of(&work);
	return true;
}

/* Without a connection there is no webhook of ours: what has our name is OpenHands's own. */
static bool remove_hook(struct work *work, char **ret_id, struct err *err)
{
	CLEANUP(mem_free_text) char *url = events_url(work);
	const struct repo_hook wanted = {url, work->row.hook_id, NULL};
	int64_t id = 0;

	if (work->row.id == 0) return true;
	if (!repo_hook_remove(&work->api, &work->name, &wanted, work->hooks, &id, err))
		return false;
	if (id > 0) set_number(&work->row.hook_id, id);
	*ret_id = work->row.hook_id;
	work->row.hook_id = NULL;
	set_text(&work->row.hook_error, NULL);
	set_text(&work->row.status, "paused");
	return store(work, false, "webhook.uninstalled", err);
}

bool repo_uninstall(const struct repo_ask *ask, struct repo_result *ret, struct err *err)
{
	CLEANUP(work_done) struct work work = {0};
	CLEANUP(mem_free_text) char *hook_id = NULL;

	if (!open_work(ask, &work, err) || !remove_hook(&work, &hook_id, err)) return false;
	*ret = result_of(&work);
	set_text(&ret->hook_id, hook_id);
	return true;
}

bool repo_enroll(const struct repo_ask *ask, struct repo_result *ret, struct err *err)
{
	CLEANUP(work_done) struct work work = {0};
	CLEANUP(mem_free_text) char *note = NULL;
	CLEANUP(secret_done) struct secret secret = {0};

	if (!open_work(ask, &work, err)) return false;
	look_at_bot(&work, &note);
	if (!prepare_or_join(&work, NULL, &secret, err)) return false;
	*ret = result_of(&work);
	ret->secret = secret;
	secret = (struct secret){0};
	return true;
}

bool repo_note_hook(const struct repo_ask *ask, struct repo_result *ret, struct err *err)
{
	CLEANUP(work_done) struct work work = {0};

	if (!open_work(ask, &work, err)) return false;
	if (work.row.id == 0) return err_set(err, ERR_NOT_FOUND, "there is no connection");
	set_text(&work.row.hook_id, ask->hook_id);
	set_text(&work.row.hook_error, NULL);
	if (!store(&work, false, "webhook.noted", err)) return false;
	*ret = result_of(&work);
	return true;
}
