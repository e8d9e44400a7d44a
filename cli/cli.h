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
#include <stdint.h>

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
	bool is_setting_wrong;              /**< a store could not be opened for its setting's sake: exit status 2 */
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
	const char *name;  /**< "connections" */
	const char *sub;   /**< "add", NULL: none */
	const char *usage; /**< arguments after the name */
	const char *help;  /**< one line */
	const char *example;
	enum verb_kind kind;
	int (*run)(struct cli *cli);
};

/** All verbs in the order of --help. */
NODISCARD const struct verb *verbs_all(size_t *ret_count);

/* help.c */

/** Print all verbs. */
void cli_print_help(void);

/** Print one verb's arguments and example; CLI_DONE. */
NODISCARD int cli_print_verb_help(const struct verb *verb);

/** Say that there is no such verb; CLI_USAGE. */
NODISCARD int cli_no_verb(int argc, char **argv);

/* arguments.c */

/** Take the value of `--name VALUE` (or `--name=VALUE`) from the arguments; NULL when absent. Borrowed. */
NODISCARD const char *cli_option(struct cli *cli, const char *name);

/** Take the flag `--name`; whether it was there. */
NODISCARD bool cli_flag(struct cli *cli, const char *name);

/** Take the next positional argument; NULL when there is none. */
NODISCARD const char *cli_positional(struct cli *cli);

/** Whether nothing is left; ERR_INPUT names the first argument that nobody took. */
NODISCARD bool cli_no_more(const struct cli *cli, struct err *err);

/** An option that must be there; ERR_INPUT names it. */
NODISCARD bool cli_need(struct cli *cli, const char *name, const char **ret, struct err *err);

/* output.c */

/** Print "ohdc: message" and translate the error into an exit status. */
NODISCARD int cli_fail(const struct cli *cli, const struct err *err);

/** Print a usage error and return CLI_USAGE. */
NODISCARD int cli_usage(const struct err *err);

/** Print one JSON object on a line of its own. */
void cli_print_json(const json_t *object);

/** Print a JSON text that the database made; as cli_print_json(). */
void cli_print_json_text(const char *text);

/** Rows: a padded table with `names` as header for people, one JSON object a line for machines. All cells are texts or null. */
void cli_print_list(const struct cli *cli, const struct db_rows *rows, const char *const *names, size_t count);

/** The first row: one "name  value" a line for people, one JSON object for machines. */
void cli_print_row(const struct cli *cli, const struct db_rows *rows, const char *const *names, size_t count);

/** An object: one "name  value" a line for people (null: -), as JSON for machines. */
void cli_print_object(const struct cli *cli, const json_t *object);

/* stores.c */

/** Connect to OHDC_DATABASE_URL (once). ERR_INPUT: not set. */
NODISCARD bool cli_database(struct cli *cli, struct err *err);

/** Load the sealing keys of OHDC_SEAL_KEYS_FILE, and check them against the database. */
NODISCARD bool cli_keys(struct cli *cli, struct err *err);

/** Where Kafka is; ERR_INPUT: OHDC_KAFKA_BROKERS is not set. Texts borrowed from the settings. */
NODISCARD bool cli_cluster(struct cli *cli, struct kafka_cluster *ret, struct err *err);

/** Connect, and begin a transaction on a connection that db_return() gives back. */
NODISCARD bool cli_begin(struct cli *cli, struct db **ret, struct err *err);

/** Write an audit row in the transaction of the change itself; `detail` is taken (NULL: {}). */
NODISCARD bool cli_audit(const struct cli *cli, struct db *db, const char *action, const char *object, json_t *detail,
			 struct err *err);

/** Free everything. */
void cli_done(struct cli *cli);

/* the verbs, by file */

int cli_migrate(struct cli *cli);
int cli_topics_plan(struct cli *cli);
int cli_topics_apply(struct cli *cli);
int cli_connections_list(struct cli *cli);
int cli_connections_show(struct cli *cli);
int cli_connections_add(struct cli *cli);
int cli_connections_pause(struct cli *cli);
int cli_connections_resume(struct cli *cli);
int cli_links_add(struct cli *cli);
int cli_links_list(struct cli *cli);
int cli_links_remove(struct cli *cli);
int cli_keys_generate(struct cli *cli);
int cli_status(struct cli *cli);
int cli_deliveries_list(struct cli *cli);
int cli_deliveries_show(struct cli *cli);
int cli_trace(struct cli *cli);
int cli_simulate(struct cli *cli);
int cli_explain(struct cli *cli);
int cli_config_check(struct cli *cli);
int cli_config_docs(struct cli *cli);
int cli_version(struct cli *cli);
int cli_completion(struct cli *cli);

#endif
