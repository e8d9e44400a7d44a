/* ohdc: finds the verb, reads the settings, runs it. */

#include "cli/cli.h"
#include "common/domain/settings.h"
#include "common/io/log.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static bool is_verb(const struct verb *verb, int argc, char **argv)
{
	return argc >= 2 && strcmp(verb->name, argv[1]) == 0 &&
	       (!verb->sub || (argc >= 3 && strcmp(verb->sub, argv[2]) == 0));
}

static const struct verb *find_verb(int argc, char **argv)
{
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	for (size_t i = 0; i < count; i++) {
		if (is_verb(&verbs[i], argc, argv)) return &verbs[i];
	}
	return NULL;
}

static bool take_arguments(struct cli *cli, int argc, char **argv, int first, struct err *err)
{
	for (int i = first; i < argc; i++) {
		if (cli->argument_count == CLI_ARGUMENTS_MAX)
			return err_set(err, ERR_INPUT, "more than %d arguments", CLI_ARGUMENTS_MAX);
		cli->arguments[cli->argument_count++] = argv[i];
	}
	return true;
}

static bool prepare(struct cli *cli, const struct verb *verb, struct err *err)
{
	size_t count;
	const struct setting *settings = settings_all(&count);
	cli->is_json = cli_flag(cli, "json");
	cli->who = cli_option(cli, "operator");
	log_open("ohdc", "error"); /* before the settings: an unknown one is no line for people */
	if (verb->kind == VERB_BARE) return true;
	if (!config_load(settings, count, SETTING_CLI, &cli->config, err)) return false;
	if (!cli->who) cli->who = config_text(cli->config, "OHDC_OPERATOR");
	if (verb->kind == VERB_CHANGING && !cli->who)
		return err_set(err, ERR_INPUT,
			       "'%s' changes something: say who does it with --operator NAME or OHDC_OPERATOR",
			       verb->name);
	return true;
}

int main(int argc, char **argv)
{
	CLEANUP(cli_done) struct cli cli = {0};
	struct err err = {0};
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		cli_print_help();
		return CLI_DONE;
	}
	const struct verb *verb = find_verb(argc, argv);
	if (!verb) return cli_no_verb(argc, argv);
	if (!take_arguments(&cli, argc, argv, verb->sub ? 3 : 2, &err)) return cli_usage(&err);
	if (cli_flag(&cli, "help")) return cli_print_verb_help(verb);
	return prepare(&cli, verb, &err) ? verb->run(&cli) : cli_usage(&err);
}
