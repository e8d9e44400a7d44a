/* The stores that verbs ask for: opened on first use. */

#include "cli/cli.h"
#include "common/base/number.h"
#include "common/io/installation.h"
#include "common/io/service.h"
#include "common/io/sysclock.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/banned.h"

enum { WAIT_MAX_S = 86400, TELL_TRIES = 10 };

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
	int64_t wait_s = 0;
	if (seconds && !number_parse(seconds, 0, WAIT_MAX_S, &wait_s, err)) return err_wrap(err, "--wait");
	if (!cli_no_more(cli, err)) return false;
	int64_t end_ms = sysclock_monotonic_ms() + wait_s * 1000;
	for (int tries = 0; !attempt(cli, context, err); tries++) {
		if (err->code == ERR_INPUT || err->code == ERR_CONFLICT || sysclock_monotonic_ms() >= end_ms)
			return false;
		if (tries % TELL_TRIES == 0) (void)fprintf(stderr, "ohdc: waiting for %s\n", err->message);
		*err = (struct err){0};
		(void)sleep(1);
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
