/* The stores that verbs ask for: opened on first use. */

#include "cli/cli.h"
#include "common/io/installation.h"
#include "common/io/service.h"

#include "common/base/banned.h"

/* Notes a setting that cannot be used; false. */
static bool wrong_setting(struct cli *cli, const struct err *err)
{
	cli->is_usage = err->code == ERR_INPUT;
	return false;
}

bool cli_database(struct cli *cli, struct err *err)
{
	if (cli->pool) return true;
	CLEANUP(secret_done) struct secret url = {0};
	if (!config_secret(cli->config, "OHDC_DATABASE_URL", &url)) {
		err_set(err, ERR_INPUT, "OHDC_DATABASE_URL is not set, expected a libpq URI");
		return wrong_setting(cli, err);
	}
	struct db_options options = {.url = url.text, .program = "ohdc", .size = 2, .statement_timeout_ms = 60000};
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
