/* Makes a connection: asks the server who the bot is, seals a secret, writes instance and connection, shows the secret once. */

#include "cli/cli.h"
#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/url.h"
#include "common/connect/bot_identity.h"
#include "common/io/entropy.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { SECRET_BYTES = 32, SECRET_MIN = 16, SECRET_MAX = 512, PLACE_SIZE = 80 };

static const char sql_instance[] =
	"insert into instance (provider, base_url, bot_id, bot_key, bot_name, bot_email, "
	"bot_checked_at)"
	" values ($1, $2, $3, $4, $5, $6, case when $7::boolean then now() end)"
	" on conflict (provider, base_url) do update set bot_id = case when $7 then "
	"excluded.bot_id else instance.bot_id end,"
	" bot_key = case when $7 then excluded.bot_key else instance.bot_key end,"
	" bot_name = case when $7 then excluded.bot_name else instance.bot_name end,"
	" bot_email = case when $7 then excluded.bot_email else instance.bot_email end,"
	" bot_checked_at = coalesce(excluded.bot_checked_at, instance.bot_checked_at) returning id";

static const char sql_existing[] =
	"select c.id from connection c join instance i on i.id = c.instance_id"
	" where i.provider = $1 and i.base_url = $2 and (c.provider = 'jira' or c.repo_id = $5"
	" or lower(c.project_key) = lower($3) and lower(c.repo_slug) = lower($4))";

static const char sql_next_id[] = "select nextval('connection_id_seq')";

static const char sql_connection[] =
	"insert into connection (provider, id, instance_id, project_key, repo_slug, repo_id, "
	"status, secret_sealed,"
	" org_id, activated_at) values ($1, $2, $3, $4, $5, $6, 'active', $7, $8, now())";

/* What was asked for, and what is found out on the way. */
struct addition {
	enum provider provider;
	char *base_url;    /* owned, normalised */
	char *project_key; /* owned, Bitbucket */
	char *repo_slug;   /* owned, Bitbucket */
	int64_t repo_id;   /* 0: not known */
	const char *org_id;
	struct secret secret;
	struct person bot;
	bool is_bot_known;
	bool is_without_bot;
	int64_t id;
};

static void addition_done(struct addition *addition)
{
	mem_free(addition->base_url);
	mem_free(addition->project_key);
	mem_free(addition->repo_slug);
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
	ret->base_url = url_text(&url);
	return true;
}

static bool is_name(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	return *text && text[strspn(text, allowed)] == '\0';
}

static bool take_repository(struct cli *cli, struct addition *ret, struct err *err)
{
	const char *text = NULL;
	const char *base_url = config_text(cli->config, "BITBUCKET_DATA_CENTER_HOST");
	if (!cli_need(cli, "repo", &text, err)) return false;
	const char *slash = strchr(text, '/');
	if (!slash || strlen(text) > LIMIT_ID_BYTES)
		return err_set(err, ERR_INPUT,
			       "--repo '%.200s' is no repository, expected KEY/slug", text);
	ret->project_key = mem_dup_n(text, (size_t)(slash - text));
	ret->repo_slug = mem_dup(slash + 1);
	if (!is_name(ret->project_key + (*ret->project_key == '~')) || !is_name(ret->repo_slug))
		return err_set(err, ERR_INPUT, "--repo '%s' is no repository, expected KEY/slug",
			       text);
	if (!base_url)
		return err_set(
			err, ERR_INPUT,
			"BITBUCKET_DATA_CENTER_HOST is not set, expected the host of Bitbucket");
	ret->base_url = mem_dup(base_url);
	return true;
}

static void wipe(char (*piece)[SECRET_MAX + 2])
{
	mem_wipe(*piece, sizeof(*piece));
}

static bool read_secret_file(const char *path, struct secret *ret, struct err *err)
{
	CLEANUP(wipe) char text[SECRET_MAX + 2];
	FILE *file = fopen(path, "re");
	if (!file) return err_set(err, ERR_INPUT, "--secret-file '%s' cannot be read", path);
	size_t len = fread(text, 1, sizeof(text), file);
	(void)fclose(file);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len < SECRET_MIN || len > SECRET_MAX || memchr(text, '\0', len) ||
	    !text_is_utf8(bytes_of(text, len)))
		return err_set(err, ERR_INPUT, "--secret-file '%s' holds no text of %d to %d bytes",
			       path, SECRET_MIN, SECRET_MAX);
	secret_set(ret, text, len);
	return true;
}

static void make_secret(struct secret *ret)
{
	uint8_t random[SECRET_BYTES];
	CLEANUP(strbuf_done) struct strbuf text = {0};
	strbuf_init(&text, 2 * sizeof(random));
	entropy_fill(random, sizeof(random));
	encode_base64url(&text, bytes_of(random, sizeof(random)));
	secret_set(ret, text.text, text.len);
	mem_wipe(random, sizeof(random));
	mem_wipe(text.text, text.len);
}

static bool take_secret(struct cli *cli, struct addition *ret, struct err *err)
{
	const char *path = cli_option(cli, "secret-file");
	if (path) return read_secret_file(path, &ret->secret, err);
	make_secret(&ret->secret);
	return true;
}

/* The product decides which further options there are, and options go before positionals. */
static bool take_provider(struct cli *cli, struct addition *ret, struct err *err)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		if (provider_parse(cli->arguments[i], &ret->provider))
			return ret->provider == PROVIDER_JIRA ? take_base_url(cli, ret, err)
							      : take_repository(cli, ret, err);
	}
	return err_set(err, ERR_INPUT, "no product given, expected jira or bitbucket");
}

static bool take_arguments(struct cli *cli, struct addition *ret, struct err *err)
{
	ret->org_id = cli_option(cli, "org");
	ret->is_without_bot = cli_flag(cli, "without-bot");
	if (!take_secret(cli, ret, err) || !take_provider(cli, ret, err)) return false;
	if (!config_text(cli->config, "WEB_HOST"))
		return err_set(err, ERR_INPUT,
			       "WEB_HOST is not set, expected the host of the OpenHands app");
	(void)!cli_positional(cli);
	return cli_no_more(cli, err);
}

/* ---- the bot ------------------------------------------------------------------------------------------------------ */

static bool ask_server(const struct bot_server *server, struct addition *addition, struct err *err)
{
	if (!bot_identity_read(server, &addition->bot, err)) return false;
	addition->is_bot_known = true;
	if (addition->provider == PROVIDER_JIRA) return true;
	CLEANUP(bot_repository_done) struct bot_repository found = {0};
	if (!bot_repository_read(server, addition->project_key, addition->repo_slug, &found, err))
		return false;
	mem_free(addition->project_key);
	mem_free(addition->repo_slug);
	addition->project_key = mem_dup(found.project_key);
	addition->repo_slug = mem_dup(found.slug);
	addition->repo_id = found.id;
	return true;
}

static bool find_bot(struct cli *cli, struct addition *addition, struct err *err)
{
	CLEANUP(bot_server_done) struct bot_server server = {0};
	if (addition->is_without_bot) return true;
	if (!bot_server_open(cli->config, addition->provider, addition->base_url, &server, err))
		return false;
	if (secret_is_set(&server.token)) return ask_server(&server, addition, err);
	bool is_jira = addition->provider == PROVIDER_JIRA;
	(void)fprintf(stderr,
		      "ohdc: warning: no bot token is configured for %s: asks will arrive, but "
		      "answers will not be "
		      "possible; set %s\n",
		      addition->base_url,
		      is_jira ? "JIRA_DC_SERVICE_ACCOUNT_PAT (and JIRA_DC_BASE_URL or "
				"OHDC_JIRA_ALLOWED_HOSTS)"
			      : "BITBUCKET_DATA_CENTER_BOT_TOKEN");
	return true;
}

/* ---- rows --------------------------------------------------------------------------------------------------------- */

static bool write_instance(struct db *db, const struct addition *addition, int64_t *ret,
			   struct err *err)
{
	struct db_params params = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	db_add_text(&params, provider_name(addition->provider));
	db_add_text(&params, addition->base_url);
	db_add_text(&params, addition->bot.id);
	db_add_text(&params, addition->bot.key);
	db_add_text(&params, addition->bot.name);
	db_add_text(&params, addition->bot.email);
	db_add_bool(&params, addition->is_bot_known);
	if (!db_run(db, sql_instance, &params, &rows, err)) return false;
	*ret = db_int(&rows, 0, 0);
	return true;
}

static bool check_free(struct db *db, const struct addition *addition, struct err *err)
{
	struct db_params params = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	const char *key = addition->project_key;
	db_add_text(&params, provider_name(addition->provider));
	db_add_text(&params, addition->base_url);
	db_add_text(&params, key);
	db_add_text(&params, addition->repo_slug);
	db_add_int(&params, addition->repo_id);
	if (!db_run(db, sql_existing, &params, &rows, err)) return false;
	if (rows.count == 0) return true;
	return err_set(err, ERR_CONFLICT, "%s%s%s%s%s exists already as %s/%lld", addition->base_url,
		       key ? " " : "", key ? key : "", key ? "/" : "", key ? addition->repo_slug : "",
		       provider_name(addition->provider), (long long)db_int(&rows, 0, 0));
}

/* Asked before the server is asked anything; asked again when its answer gave the repository another name or number. */
static bool is_free(struct cli *cli, const struct addition *addition, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	return cli_begin(cli, &db, err) && check_free(db, addition, err);
}

static bool seal(const struct cli *cli, const struct addition *addition, struct strbuf *ret,
		 struct err *err)
{
	char place[PLACE_SIZE];
	uint8_t nonce[CRYPTO_NONCE_SIZE];
	(void)snprintf(place, sizeof(place), "connection.secret:%s/%lld",
		       provider_name(addition->provider), (long long)addition->id);
	entropy_fill(nonce, sizeof(nonce));
	strbuf_init(ret, LIMIT_NAME_BYTES + 2 * SECRET_MAX);
	return crypto_seal(&cli->keys, place, nonce, secret_bytes(&addition->secret), ret, err);
}

static bool write_connection(const struct cli *cli, struct db *db, struct addition *addition,
			     int64_t instance_id, struct err *err)
{
	struct db_params params = {0};
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	CLEANUP(strbuf_done) struct strbuf sealed = {0};
	if (!db_run(db, sql_next_id, NULL, &rows, err)) return false;
	addition->id = db_int(&rows, 0, 0);
	if (!seal(cli, addition, &sealed, err)) return false;
	db_add_text(&params, provider_name(addition->provider));
	db_add_int(&params, addition->id);
	db_add_int(&params, instance_id);
	db_add_text(&params, addition->project_key);
	db_add_text(&params, addition->repo_slug);
	if (addition->repo_id)
		db_add_int(&params, addition->repo_id);
	else
		db_add_text(&params, NULL);
	db_add_bytes(&params, bytes_of(sealed.text, sealed.len));
	db_add_text(&params, addition->org_id);
	return db_run(db, sql_connection, &params, NULL, err);
}

static bool audit(const struct cli *cli, struct db *db, const struct addition *addition,
		  struct err *err)
{
	struct connection_ref ref = {addition->provider, addition->id};
	char name[CONNECTION_REF_SIZE];
	json_t *detail = json_object();
	connection_ref_text(&ref, name);
	json_put_text(detail, "base_url", addition->base_url);
	json_put_text(detail, "project_key", addition->project_key);
	json_put_text(detail, "repo_slug", addition->repo_slug);
	json_put_text(detail, "org_id", addition->org_id);
	return cli_audit(cli, db, "connection.add", name, detail, err);
}

static bool write_rows(struct cli *cli, struct addition *addition, struct err *err)
{
	CLEANUP(db_return) struct db *db = NULL;
	int64_t instance_id = 0;
	return cli_begin(cli, &db, err) && write_instance(db, addition, &instance_id, err) &&
	       check_free(db, addition, err) &&
	       write_connection(cli, db, addition, instance_id, err) &&
	       audit(cli, db, addition, err) && db_commit(db, err);
}

/* ---- the verb ----------------------------------------------------------------------------------------------------- */

static void print(const struct cli *cli, const struct addition *addition)
{
	struct connection_ref ref = {addition->provider, addition->id};
	char name[CONNECTION_REF_SIZE];
	CLEANUP(strbuf_done) struct strbuf url = {0};
	json_auto_t *made = json_object();
	connection_ref_text(&ref, name);
	strbuf_init(&url, LIMIT_URL_BYTES);
	strbuf_addf(&url, "%s/integration/%s-dc/connections/%lld/events",
		    config_text(cli->config, "WEB_HOST"), provider_name(ref.provider),
		    (long long)ref.id);
	json_put_text(made, "connection", name);
	json_put_text(made, "provider", provider_name(ref.provider));
	json_put_int(made, "id", ref.id);
	json_put_text(made, "events_url", strbuf_text(&url));
	json_put_text(made, "webhook_secret", addition->secret.text);
	json_put_text(made, "status", "active");
	cli_print_object(cli, made);
	if (!cli->is_json)
		puts("\nEnter URL and secret in the webhook's form now: the secret is not shown "
		     "again.");
}

int cli_connections_add(struct cli *cli)
{
	struct err err = {0};
	CLEANUP(addition_done) struct addition addition = {0};
	if (!take_arguments(cli, &addition, &err)) return cli_usage(&err);
	if (!cli_keys(cli, &err) || !is_free(cli, &addition, &err) ||
	    !find_bot(cli, &addition, &err) || !write_rows(cli, &addition, &err))
		return cli_fail(cli, &err);
	print(cli, &addition);
	return CLI_DONE;
}
