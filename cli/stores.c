/* The stores that verbs ask for: opened on first use. */

#include "cli/cli.h"
#include "common/base/number.h"
#include "common/io/installation.h"
#include "common/io/service.h"
#include "common/io/sysclock.h"

#include <poll.h>
#include <stdio.h>

#include "common/base/banned.h"

enum { WAIT_MAX_S = 86400, TELL_MS = 10000, PAUSE_MS = 1000 };

/* Notes a setting that cannot be used; false. */
static bool wrong_setting(struct cli *cli, const struct err *err)
{
	cli->is_usage = err->code == ERR_INPUT;
	return false;
}

bool cli_database(struct cli *cli, struct err *err)
{
	if (cli->pool) return true;
	struct db_options options = {.config = cli->config, .program = "ohdc", .size = 2, .statement_timeout_ms = 60000};
	return db_pool_new(&options, &cli->pool, err) || wrong_setting(cli, err);
}

bool cli_keys(struct cli *cli, struct err *err)
{
	struct uuid installation;
	if (!installation_load_keys(config_text(cli->config, "OHDC_SEAL_KEYS_FILE"), &cli->keys, err))
		return wrong_setting(cli, err);
	return cli_database(cli, err) && installation_open(cli->pool, &cli->keys, &installation, err);
}

bool cli_cluster(struct cli *cli, struct kafka_cluster *ret, struct err *err)
{
	if (!config_text(cli->config, "OHDC_KAFKA_BROKERS")) {
		err_set(err, ERR_INPUT, "OHDC_KAFKA_BROKERS is not set, expected host:port");
		return wrong_setting(cli, err);
	}
	*ret = service_kafka(cli->config, "ohdc");
	return true;
}

bool cli_keep_trying(struct cli *cli, bool (*attempt)(struct cli *cli, void *context, struct err *err), void *context,
		     struct err *err)
{
	const char *seconds = cli_option(cli, "wait");
	int64_t wait_s = 0, now_ms = sysclock_monotonic_ms(), tell_ms = now_ms;
	if (seconds && !number_parse(seconds, 0, WAIT_MAX_S, &wait_s, NULL))
		return err_set(err, ERR_INPUT, "--wait '%s': expected seconds from 0 to %d", seconds, WAIT_MAX_S);
	if (!cli_no_more(cli, err)) return false;
	for (int64_t end_ms = now_ms + wait_s * 1000; !attempt(cli, context, err); now_ms = sysclock_monotonic_ms()) {
		if (err->code != ERR_NETWORK || now_ms >= end_ms) return false;
		if (now_ms >= tell_ms) (void)fprintf(stderr, "ohdc: waiting: %s\n", err->message);
		if (now_ms >= tell_ms) tell_ms += TELL_MS;
		*err = (struct err){0};
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return true;
}

bool cli_query(struct cli *cli, const char *sql, const struct db_params *params, struct db_rows *ret, struct err *err)
{
	return cli_database(cli, err) && db_query(cli->pool, sql, params, ret, err);
}

void cli_done(struct cli *cli)
{
	db_pool_free(cli->pool);
	crypto_keyring_done(&cli->keys);
	config_free(cli->config);
}
