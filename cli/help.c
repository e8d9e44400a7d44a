/* What the program says about itself. */

#include "cli/cli.h"

#include <stdio.h>

#include "common/base/banned.h"

void cli_print_help(void)
{
	size_t count;
	const struct verb *verbs = verbs_all(&count);
	puts("ohdc: runs, watches and repairs the Data Center side of OpenHands.\n\nUsage: ohdc "
	     "VERB [arguments] [--json]\n");
	for (size_t i = 0; i < count; i++)
		printf("  %-20s %s\n", verbs[i].name, verbs[i].help);
	puts("\n'ohdc VERB --help' shows arguments and an example. Settings are those of the "
	     "services (docs/config.md).\n"
	     "Exit status: 0 done, 1 failed, 2 usage or setting, 6 unreachable.");
}

void cli_print_verb_help(const struct verb *verb)
{
	printf("ohdc %s %s\n  %s\n  Example: %s\n", verb->name, verb->usage, verb->help, verb->example);
}
