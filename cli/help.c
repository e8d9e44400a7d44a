/* What the program says about itself. */

#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

void cli_print_help(void)
{
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	puts("ohdc: runs, watches and repairs the Data Center side of OpenHands.\n\nUsage: ohdc "
	     "VERB [arguments] [--json]\n");
	for (size_t i = 0; i < count; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "%s%s%s", verbs[i].name, verbs[i].sub ? " " : "",
			       verbs[i].sub ? verbs[i].sub : "");
		printf("  %-20s %s\n", name, verbs[i].help);
	}
	puts("\n'ohdc VERB --help' shows arguments and an example. Settings are those of the "
	     "services (docs/config.md).\n"
	     "Exit status: 0 done, 1 failed, 2 usage or setting, 6 unreachable.");
}

int cli_print_verb_help(const struct verb *verb)
{
	printf("ohdc %s%s%s %s\n  %s\n  Example: %s\n", verb->name, verb->sub ? " " : "", verb->sub ? verb->sub : "",
	       verb->usage, verb->help, verb->example);
	return CLI_DONE;
}

/* Of a verb with several words the second one is missing or wrong. */
static bool is_first_word(const char *word)
{
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(verbs[i].name, word) == 0) return true;
	}
	return false;
}

int cli_no_verb(int argc, char **argv)
{
	struct err err = {0};
	if (argc > 1 && is_first_word(argv[1]))
		err_set(&err, ERR_INPUT, "'%s %s' is no verb, expected one of 'ohdc --help | grep %s'", argv[1],
			argc > 2 ? argv[2] : "", argv[1]);
	else
		err_set(&err, ERR_INPUT, "unknown verb '%s', expected one of 'ohdc --help'", argc > 1 ? argv[1] : "");
	return cli_usage(&err);
}
