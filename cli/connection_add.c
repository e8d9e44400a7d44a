/* Makes a connection: asks the server who the bot is, seals a secret, writes instance and connection, shows the secret once. */

#include "cli/cli.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/url.h"
#include "common/connect/bot_identity.h"
#include "common/connect/connection_store.h"
#include "common/connect/peer_client.h"
#include "common/io/api_call.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { SECRET_MIN = 16, SECRET_MAX = 512, BORROW_MS = 5000 };

/* What was asked for, and what is found out on the way. */
struct addition {
	struct connection_row row;
	struct secret secret;
	struct person bot;
	bool is_bot_known;
	bool is_without_bot;
};

static void addition_done(struct addition *addition)
{
	connection_row_done(&addition->row);
	secret_done(&addition->secret);
	person_done(&addition->bot);
}

/* ---- arguments ---------------------------------------------------------------------------------------------------- */

static bool take_base_url(struct cli *cli, struct addition *ret, struct err *err)
{
	const char *text = NULL;
	CLEANUP(url_done) struct url url = {0};
	if (!cli_need(cli, "base-url", &text, err)) return false;
	if (!url_parse(text, NULL, &url, err)) return err_wrap(err, "--base-url '%s'", text);
	ret->row.base_url = url_text(&url);
	return true;
}

static bool is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return *text && text[strspn(text, allowed)] == '\0';
}

static bool take_repository(struct cli *cli, struct addition *ret, struct err *err)
{
	const char *text = NULL;
	const char *base_url = config_text(cli->config, "BITBUCKET_DATA_CENTER_HOST");
	if (!cli_need(cli, "repo", &text, err)) return false;
	const char *slash = strchr(text, '/');
	if (!slash || strlen(text) > LIMIT_ID_BYTES)
		return err_set(err, ERR_INPUT, "--repo '%.200s' is no repository, expected KEY/slug", text);
	ret->row.project_key = mem_dup_n(text, (size_t)(slash - text));
	ret->row.repo_slug = mem_dup(slash + 1);
	if (!is_name(ret->row.project_key + (*ret->row.project_key == '~')) || !is_name(ret->row.repo_slug))
		return err_set(err, ERR_INPUT, "--repo '%s' is no repository, expected KEY/slug", text);
	if (!base_url)
		return err_set(err, ERR_INPUT, "BITBUCKET_DATA_CENTER_HOST is not set, expected the host of Bitbucket");
	ret->row.base_url = mem_dup(base_url);
	return true;
}

static bool read_secret_file(const char *path, struct secret *ret, struct err *err)
{
	return config_read_file("--secret-file", path, ret, err) &&
	       ((ret->len >= SECRET_MIN && ret->len <= SECRET_MAX && text_is_utf8(secret_bytes(ret))) ||
		err_set(err, ERR_INPUT, "--secret-file '%s' holds no text of %d to %d bytes", path, SECRET_MIN,
			SECRET_MAX));
}

static bool take_secret(struct cli *cli, struct addition *ret, struct err *err)
{
	const char *path = cli_option(cli, "secret-file");
	if (path) return read_secret_file(path, &ret->secret, err);
	connection_make_secret(&ret->secret);
	return true;
}

/* The product decides which further options there are, and options go before positionals. */
static bool take_provider(struct cli *cli, struct addition *ret, struct err *err)
{
	enum provider *provider = &ret->row.provider;
	for (size_t i = 0; i < cli->argument_count; i++) {
		if (provider_parse(cli->arguments[i], provider))
			return *provider == PROVIDER_JIRA ? take_base_url(cli, ret, err) : take_repository(cli, ret, err);
	}
	return err_set(err, ERR_INPUT, "no product given, expected jira or bitbucket");
}

static bool take_arguments(struct cli *cli, struct addition *ret, struct err *err)
{
	ret->row.org_id = mem_dup(cli_option(cli, "org"));
	ret->row.status = mem_dup("active");
	ret->row.is_secret_shown = true;
	ret->is_without_bot = cli_flag(cli, "without-bot");
	if (!take_secret(cli, ret, err) || !take_provider(cli, ret, err)) return false;
	if (!config_text(cli->config, "WEB_HOST"))
		return err_set(err, ERR_INPUT, "WEB_HOST is not set, expected the host of the OpenHands app");
	(void)!cli_positional(cli);
	return cli_no_more(cli, err);
}

/* ---- the bot ------------------------------------------------------------------------------------------------------ */

static bool ask_server(const struct bot_server *server, struct addition *addition, struct err *err)
{
	struct connection_row *row = &addition->row;
	if ((row->provider == PROVIDER_JIRA && !bot_server_can_sign(server, err)) ||
	    !bot_identity_read(server, &addition->bot, err))
		return false;
	addition->is_bot_known = true;
	if (row->provider == PROVIDER_JIRA) return true;
	CLEANUP(bot_repository_done) struct bot_repository found = {0};
	if (!bot_repository_read(server, row->project_key, row->repo_slug, &found, err)) return false;
	mem_set(&row->project_key, found.project_key);
	mem_set(&row->repo_slug, found.slug);
	row->repo_id = found.id;
	return true;
}

CLEANUP_FUNCTION(close_clients, struct peer_clients *, peer_clients_free);

static bool find_bot(struct cli *cli, struct addition *addition, struct err *err)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	CLEANUP(close_clients) struct peer_clients *clients = NULL;
	const char *base_url = addition->row.base_url;
	if (addition->is_without_bot) return true;
	if (!peer_clients_new(cli->config, "ohdc", &clients, err)) return false;
	bot_server_init(&server, cli->config, peer_client_for(clients, base_url), addition->row.provider, base_url);
	if (bot_server_use_configured(&server, cli->config)) return ask_server(&server, addition, err);
	(void)fprintf(
		stderr,
		"ohdc: warning: no bot token is configured for %s: asks will arrive, but answers will not be possible; "
		"set %s\n",
		base_url,
		addition->row.provider == PROVIDER_BITBUCKET
			? "BITBUCKET_DATA_CENTER_BOT_TOKEN"
			: "JIRA_DC_SERVICE_ACCOUNT_PAT (and JIRA_DC_BASE_URL or OHDC_JIRA_ALLOWED_HOSTS)");
	return true;
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */

/* Asked before the server is asked anything; asked again when its answer gave the repository another name or number. */
static bool is_free(struct cli *cli, const struct connection_row *row, struct err *err)
{
	CLEANUP(connection_row_done) struct connection_row found = {0};
	struct err failure = {0};
	const char *key = row->project_key;
	const struct connection_store store = {cli->pool, &cli->keys};
	if (row->provider == PROVIDER_JIRA
		    ? !connection_of_url(&store, row->base_url, &found, &failure)
		    : !connection_of_repo(&store, row->base_url, row->repo_id, key, row->repo_slug, &found, &failure))
		return api_call_settle(failure.code == ERR_NOT_FOUND, &failure, err);
	return err_set(err, ERR_CONFLICT, "%s%s%s%s%s exists already as %s/%lld", row->base_url, key ? " " : "",
		       key ? key : "", key ? "/" : "", key ? row->repo_slug : "", provider_name(found.provider),
		       (long long)found.id);
}

static bool write_rows(struct cli *cli, struct addition *addition, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	struct connection_row *row = &addition->row;
	return is_free(cli, row, err) && db_borrow(cli->pool, BORROW_MS, &db, err) && db_begin(db, err) &&
	       instance_put(db, row->provider, row->base_url, addition->is_bot_known ? &addition->bot : NULL,
			    &row->instance_id, err) &&
	       connection_put(db, &cli->keys, row, &addition->secret, err) &&
	       connection_audit(db, cli->who, "connection.add", row, err) && db_commit(db, err);
}

/* ---- the verb ----------------------------------------------------------------------------------------------------- */

static void print(const struct cli *cli, const struct addition *addition)
{
	struct connection_ref ref = {addition->row.provider, addition->row.id};
	char name[CONNECTION_REF_SIZE];
	CLEANUP(mem_free_text) char *url = connection_events_url(config_text(cli->config, "WEB_HOST"), ref.provider,
								 ref.id);
	connection_ref_text(&ref, name);
	json_auto_t *made = json_pack("{ss ss sI ss ss ss}", "connection", name, "provider",
				      provider_name(ref.provider), "id", (json_int_t)ref.id, "events_url", url,
				      "webhook_secret", addition->secret.text, "status", "active");
	cli_print_object(cli, made);
	if (!cli->is_json) puts("\nEnter URL and secret in the webhook's form now: the secret is not shown again.");
}

bool cli_connections_add(struct cli *cli, struct err *err)
{
	CLEANUP(addition_done) struct addition addition = {0};
	if (!take_arguments(cli, &addition, err) || !cli_keys(cli, err) || !is_free(cli, &addition.row, err) ||
	    !find_bot(cli, &addition, err) || !write_rows(cli, &addition, err))
		return false;
	print(cli, &addition);
	return true;
}
