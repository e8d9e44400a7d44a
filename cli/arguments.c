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

/* What follows "--name" in an argument: "" or "=value"; NULL when it is something else. */
static const char *behind(const char *argument, const char *name)
{
	if (!text_starts(argument, "--") || !text_starts(argument + 2, name)) return NULL;
	const char *rest = argument + 2 + strlen(name);
	return *rest == '\0' || *rest == '=' ? rest : NULL;
}

const char *cli_option(struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		const char *rest = behind(cli->arguments[i], name);
		bool is_joined = rest && *rest == '=';
		if (!rest || (!is_joined && i + 1 == cli->argument_count)) continue;
		const char *value = is_joined ? rest + 1 : cli->arguments[i + 1];
		drop(cli, i, is_joined ? 1 : 2);
		return value;
	}
	return NULL;
}

bool cli_flag(struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		const char *rest = behind(cli->arguments[i], name);
		if (!rest || *rest == '=') continue;
		drop(cli, i, 1);
		return true;
	}
	return false;
}

const char *cli_positional(struct cli *cli)
{
	for (size_t i = 0; i < cli->argument_count; i++) {
		const char *argument = cli->arguments[i];
		if (text_starts(argument, "--")) continue;
		drop(cli, i, 1);
		return argument;
	}
	return NULL;
}

bool cli_no_more(struct cli *cli, struct err *err)
{
	if (cli->argument_count > 0) return err_set(err, ERR_INPUT, "unexpected argument '%s'", cli->arguments[0]);
	cli->is_usage = false;
	return true;
}

bool cli_need(struct cli *cli, const char *name, const char **ret, struct err *err)
{
	const char *value = cli_option(cli, name);
	if (text_is_empty(value)) return err_set(err, ERR_INPUT, "--%s is missing", name);
	*ret = value;
	return true;
}
