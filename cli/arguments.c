/* Takes options and positionals out of the argument list, in whatever order they come. */

#include "cli/cli.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static void drop(struct cli *cli, size_t at, size_t count)
{
	size_t behind = cli->argument_count - at - count;
	memmove(&cli->arguments[at], &cli->arguments[at + count], behind * sizeof(cli->arguments[0]));
	cli->argument_count -= count;
}

static bool is_option(const char *argument, const char *name)
{
	return text_starts(argument, "--") && strcmp(argument + 2, name) == 0;
}

/* The text behind "--name=", NULL when the argument is something else. */
static const char *joined_value(const char *argument, const char *name)
{
	size_t len = strlen(name);
	if (!text_starts(argument, "--") || strncmp(argument + 2, name, len) != 0 || argument[2 + len] != '=')
		return NULL;
	return argument + 2 + len + 1;
}

const char *cli_option(struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		const char *value = joined_value(cli->arguments[i], name);
		if (value) {
			drop(cli, i, 1);
			return value;
		}
		if (is_option(cli->arguments[i], name) && i + 1 < cli->argument_count) {
			value = cli->arguments[i + 1];
			drop(cli, i, 2);
			return value;
		}
	}
	return NULL;
}

bool cli_flag(struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		if (is_option(cli->arguments[i], name)) {
			drop(cli, i, 1);
			return true;
		}
	}
	return false;
}

const char *cli_positional(struct cli *cli)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		const char *argument = cli->arguments[i];
		if (!text_starts(argument, "--")) {
			drop(cli, i, 1);
			return argument;
		}
	}
	return NULL;
}

bool cli_no_more(const struct cli *cli, struct err *err)
{
	if (cli->argument_count == 0) return true;
	return err_set(err, ERR_INPUT, "unexpected argument '%s'", cli->arguments[0]);
}

bool cli_need(struct cli *cli, const char *name, const char **ret, struct err *err)
{
	const char *value = cli_option(cli, name);
	if (text_is_empty(value)) return err_set(err, ERR_INPUT, "--%s is missing", name);
	*ret = value;
	return true;
}
