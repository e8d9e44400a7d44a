/* Reads a connection with its instance, and picks the token that may be used there. */

#include "services/dispatcher/peer.h"

#include "common/base/mem.h"
#include "common/connect/sealed.h"
#include "common/io/api_call.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static const char sql_peer[] = "select i.base_url, c.org_id, m.org_id, i.bot_id, i.bot_key, i.bot_name, i.bot_email,"
			       " encode(c.bot_token_sealed, 'hex')"
			       " from connection c join instance i on i.id = c.instance_id"
			       " left join org_map m on m.instance_id = i.id and lower(m.project_key) = lower($3)"
			       " where c.provider = $1 and c.id = $2";

void peer_done(struct peer *peer)
{
	if (!peer) return;
	MEM_FREE_ALL(peer->base_url, peer->org_id, peer->mapped_org, peer->project);
	for (size_t i = 0; i < LIMIT_BOT_NAMES; i++)
		mem_free(peer->bot_names[i]);
	bot_server_done(&peer->server);
	*peer = (struct peer){0};
}

/* Jira issue keys start with the project's key; Bitbucket names it. */
static char *project_of(const struct job_record *record)
{
	if (record->provider == PROVIDER_BITBUCKET) return mem_dup(record->ask.project_key);
	const char *key = record->ask.issue_key;
	const char *dash = key ? strrchr(key, '-') : NULL;
	return dash ? mem_dup_n(key, (size_t)(dash - key)) : NULL;
}

/* The environment's token wins over a stored one, where it may go. */
static bool load_token(const struct peer_source *source, const struct job_record *record, const struct db_rows *rows,
		       struct peer *peer, struct err *err)
{
	CLEANUP(secret_done) struct secret token = {0};
	struct err failure = {0};
	char place[80];
	if (bot_server_use_configured(&peer->server, source->config)) return true;
	(void)snprintf(place, sizeof(place), "connection.bot_token:%s/%lld", provider_name(record->provider),
		       (long long)record->connection_id);
	bool is_fine = sealed_read(source->keys, place, rows, 7, &token, &failure) || failure.code == ERR_NOT_FOUND;
	bot_server_use(&peer->server, &token);
	return api_call_settle(is_fine, &failure, err);
}

static void name_bot(const struct peer_source *source, const struct db_rows *rows, struct peer *peer)
{
	size_t count = 0;
	for (int column = 3; column <= 6; column++)
		peer->bot_names[count++] = db_copy(rows, 0, column);
	const char *name = peer->provider == PROVIDER_JIRA ? "JIRA_DC_SERVICE_ACCOUNT_EMAIL"
							   : "BITBUCKET_DATA_CENTER_BOT_USERNAME";
	if (peer_is_own(source->config, peer->provider, peer->base_url))
		peer->bot_names[count++] = mem_dup(config_text(source->config, name));
	peer->bot.label = config_text(source->config, "OH_RESOLVER_LABEL");
	for (size_t i = 0; i < LIMIT_BOT_NAMES; i++)
		peer->bot.names[i] = peer->bot_names[i];
}

bool peer_load(const struct peer_source *source, const struct job_record *record, struct peer *ret, struct err *err)
{
	ret->project = project_of(record);
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!db_query(source->pool, sql_peer,
		      DB_PARAMS(provider_name(record->provider), record->connection_id, ret->project), &rows, err))
		return err_wrap(err, "connection");
	if (rows.count == 0)
		return err_set(err, ERR_NOT_FOUND, "connection '%s/%lld' is not there", provider_name(record->provider),
			       (long long)record->connection_id);

	ret->provider = record->provider;
	ret->base_url = db_copy(&rows, 0, 0);
	ret->org_id = db_copy(&rows, 0, 1);
	ret->mapped_org = db_copy(&rows, 0, 2);
	name_bot(source, &rows, ret);
	bot_server_init(&ret->server, source->config, peer_client_for(source->clients, ret->base_url), ret->provider,
			ret->base_url);
	return load_token(source, record, &rows, ret, err) || err_wrap(err, "bot token");
}
