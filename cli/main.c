/* ohdc: finds the verb, reads the settings, runs it. */

#include "cli/cli.h"
#include "common/domain/settings.h"
#include "common/io/log.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* What follows `word` in a verb's name, "" when nothing does; NULL: the name starts with another word. */
static const char *second_word(const char *name, const char *word)
{
	size_t len = strcspn(name, " ");
	if (strlen(word) != len || strncmp(name, word, len) != 0) return NULL;
	return name + len + (name[len] == ' ' ? 1 : 0);
}

static bool find_verb(int argc, char **argv, const struct verb **ret, struct err *err)
{
	const char *first = argc > 1 ? argv[1] : "";
	const char *second = argc > 2 ? argv[2] : "";
	bool is_known = false;
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	for (size_t i = 0; i < count; i++) {
		const char *wanted = second_word(verbs[i].name, first);
		if (!wanted) continue;
		is_known = true;
		*ret = &verbs[i];
		if (*wanted == '\0' || strcmp(wanted, second) == 0) return true;
	}
	return is_known ? err_set(err, ERR_INPUT, "'%s %s' is no verb, expected one of 'ohdc --help | grep %s'", first,
				  second, first)
			: err_set(err, ERR_INPUT, "unknown verb '%s', expected one of 'ohdc --help'", first);
}

static bool take_arguments(struct cli *cli, char **arguments, int count, struct err *err)
{
	if (count > CLI_ARGUMENTS_MAX) return err_set(err, ERR_INPUT, "more than %d arguments", CLI_ARGUMENTS_MAX);
	cli->argument_count = (size_t)count;
	memcpy(cli->arguments, arguments, (size_t)count * sizeof(arguments[0]));
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
			       "'%.*s' changes something: say who does it with --operator NAME or OHDC_OPERATOR",
			       (int)strcspn(verb->name, " "), verb->name);
	return true;
}

static bool run(struct cli *cli, int argc, char **argv, struct err *err)
{
	const struct verb *verb;
	if (!find_verb(argc, argv, &verb, err)) return false;
	int words = strchr(verb->name, ' ') ? 2 : 1;
	if (!take_arguments(cli, argv + 1 + words, argc - 1 - words, err)) return false;
	if (!cli_flag(cli, "help")) return prepare(cli, verb, err) && verb->run(cli, err);
	cli_print_verb_help(verb);
	return true;
}

int main(int argc, char **argv)
{
	CLEANUP(cli_done) struct cli cli = {.is_usage = true};
	struct err err = {0};
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		cli_print_help();
		return CLI_DONE;
	}
	return run(&cli, argc, argv, &err) ? CLI_DONE : cli_fail(&cli, &err);
}
