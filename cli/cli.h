#ifndef OHDC_CLI_CLI_H
#define OHDC_CLI_CLI_H

/* The operator's program: verbs, their arguments, output for people and for machines, exit statuses. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/io/config.h"
#include "common/io/db.h"
#include "common/io/kafka.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** Exit statuses, as documented. */
enum cli_status {
	CLI_DONE = 0,
	CLI_FAILED = 1,      /**< not found, bad input, refused */
	CLI_USAGE = 2,       /**< wrong arguments or settings */
	CLI_UNREACHABLE = 6, /**< database, broker or peer did not answer */
};

enum { CLI_ARGUMENTS_MAX = 64 };

/** One run of the program. */
struct cli {
	struct config *config;
	struct db_pool *pool; /**< NULL until cli_database() */
	struct crypto_keyring keys;
	bool is_usage;                      /**< what fails now is the fault of an argument or setting: exit status 2 */
	bool is_json;                       /**< --json */
	const char *who;                    /**< --operator or OHDC_OPERATOR, NULL: none */
	char *arguments[CLI_ARGUMENTS_MAX]; /**< what no option has taken yet; borrowed from argv */
	size_t argument_count;
};

/** What a verb needs before it runs. */
enum verb_kind {
	VERB_BARE,     /**< no settings: works before there are any */
	VERB_READING,  /**< settings */
	VERB_CHANGING, /**< settings, and --operator NAME or OHDC_OPERATOR */
};

/** One verb. */
struct verb {
	const char *name;  /**< "connections add", "status" */
	const char *usage; /**< arguments after the name */
	const char *help;  /**< one line */
	const char *example;
	enum verb_kind kind;
	bool (*run)(struct cli *cli, struct err *err);
};

/** All verbs in the order of --help. */
NODISCARD const struct verb *verbs_all(size_t *ret_count);

/* help.c */

/** Print all verbs. */
void cli_print_help(void);

/** Print one verb's arguments and example. */
void cli_print_verb_help(const struct verb *verb);

/* arguments.c */

/** Take the value of `--name VALUE` (or `--name=VALUE`) from the arguments; NULL when absent. Borrowed. */
NODISCARD const char *cli_option(struct cli *cli, const char *name);

/** Take the flag `--name`; whether it was there. */
NODISCARD bool cli_flag(struct cli *cli, const char *name);

/** Take the next positional argument; NULL when there is none. */
NODISCARD const char *cli_positional(struct cli *cli);

/** Whether nothing is left, so that what fails from now on is no usage error; ERR_INPUT names the first argument that nobody took. */
NODISCARD bool cli_no_more(struct cli *cli, struct err *err);

/** An option that must be there; ERR_INPUT names it. */
NODISCARD bool cli_need(struct cli *cli, const char *name, const char **ret, struct err *err);

/* output.c */

/** Print "ohdc: message" and translate the error into an exit status. */
NODISCARD int cli_fail(const struct cli *cli, const struct err *err);

/** Print one JSON object on a line of its own. */
void cli_print_json(const json_t *object);

/** A statement, and the names of its columns, which are texts or null. */
struct cli_query {
	const char *sql;
	const char *const *names; /**< NULL: the first cell is one JSON object */
	size_t count;
};

/** Run it and print its rows: a padded table with the names as header for people, one JSON object a line for machines. */
NODISCARD bool cli_list(struct cli *cli, const struct cli_query *query, const struct db_params *params, struct err *err);

/** Run it and print its first row as cli_print_object() does; ERR_NOT_FOUND with the message `missing`: there is none. */
NODISCARD bool cli_show(struct cli *cli, const struct cli_query *query, const struct db_params *params,
			const char *missing, struct err *err);

/** Run a statement whose first cell is one JSON object, and print that; ERR_NOT_FOUND with the message `missing`: no row. */
NODISCARD bool cli_answer(struct cli *cli, const char *sql, const struct db_params *params, const char *missing,
			  struct err *err);

/** An object: one "name  value" a line for people (null: -), as JSON for machines. */
void cli_print_object(const struct cli *cli, const json_t *object);

/* stores.c */
/** Connect to OHDC_DATABASE_URL (once). ERR_INPUT: not set. */
NODISCARD bool cli_database(struct cli *cli, struct err *err);

/** Load the sealing keys of OHDC_SEAL_KEYS_FILE, and check them against the database. */
NODISCARD bool cli_keys(struct cli *cli, struct err *err);

/** Where Kafka is; ERR_INPUT: OHDC_KAFKA_BROKERS is not set. Texts borrowed from the settings. */
NODISCARD bool cli_cluster(struct cli *cli, struct kafka_cluster *ret, struct err *err);

/** Take `--wait SECONDS` and cli_no_more(), then try each second of that time, but after ERR_INPUT; says what is waited for. */
NODISCARD bool cli_keep_trying(struct cli *cli, bool (*attempt)(struct cli *cli, void *context, struct err *err),
			       void *context, struct err *err);

/** Run one statement on the pool; as db_query(). */
NODISCARD bool cli_query(struct cli *cli, const char *sql, const struct db_params *params, struct db_rows *ret,
			 struct err *err);

/** Free everything. */
void cli_done(struct cli *cli);

/* The verbs, by file: each takes its arguments up to cli_no_more(), then does its work. */

NODISCARD bool cli_migrate(struct cli *cli, struct err *err);
NODISCARD bool cli_topics_plan(struct cli *cli, struct err *err);
NODISCARD bool cli_topics_apply(struct cli *cli, struct err *err);
NODISCARD bool cli_topics_claim(struct cli *cli, struct err *err);
NODISCARD bool cli_connections_list(struct cli *cli, struct err *err);
NODISCARD bool cli_connections_show(struct cli *cli, struct err *err);
NODISCARD bool cli_connections_add(struct cli *cli, struct err *err);
NODISCARD bool cli_connections_pause(struct cli *cli, struct err *err);
NODISCARD bool cli_connections_resume(struct cli *cli, struct err *err);
NODISCARD bool cli_links_add(struct cli *cli, struct err *err);
NODISCARD bool cli_links_list(struct cli *cli, struct err *err);
NODISCARD bool cli_links_remove(struct cli *cli, struct err *err);
NODISCARD bool cli_keys_generate(struct cli *cli, struct err *err);
NODISCARD bool cli_status(struct cli *cli, struct err *err);
NODISCARD bool cli_deliveries_list(struct cli *cli, struct err *err);
NODISCARD bool cli_deliveries_show(struct cli *cli, struct err *err);
NODISCARD bool cli_trace(struct cli *cli, struct err *err);
NODISCARD bool cli_simulate(struct cli *cli, struct err *err);
NODISCARD bool cli_explain(struct cli *cli, struct err *err);
NODISCARD bool cli_config_check(struct cli *cli, struct err *err);
NODISCARD bool cli_config_docs(struct cli *cli, struct err *err);
NODISCARD bool cli_version(struct cli *cli, struct err *err);
NODISCARD bool cli_completion(struct cli *cli, struct err *err);

#endif
