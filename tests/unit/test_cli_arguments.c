/* Arguments come in any order; what nobody takes is refused by name. */
#include "cli/cli.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

static struct cli with(char **arguments)
{
	struct cli cli = {0};
	while (arguments[cli.argument_count]) {
		cli.arguments[cli.argument_count] = arguments[cli.argument_count];
		cli.argument_count++;
	}
	return cli;
}

static void test_cli_options_in_any_order(void)
{
	char all[] = "a\0--x\0one\0--flag\0b\0--y=t=o";
	char *arguments[] = {all, all + 2, all + 6, all + 10, all + 17, all + 19, NULL};
	struct cli cli = with(arguments);
	struct err err = {0};
	const char *text = NULL;
	CHECK_TEXT("joined", cli_option(&cli, "y"), "t=o");
	CU_ASSERT(cli_flag(&cli, "flag"));
	CU_ASSERT(!cli_flag(&cli, "flag"));
	CU_ASSERT(cli_need(&cli, "x", &text, &err));
	CHECK_TEXT("apart", text, "one");
	CHECK_TEXT("first", cli_positional(&cli), "a");
	CHECK_TEXT("second", cli_positional(&cli), "b");
	CU_ASSERT(cli_positional(&cli) == NULL);
	CU_ASSERT(cli_no_more(&cli, &err));
}

static void test_cli_option_repeats(void)
{
	char all[] = "--bot\0one\0--bot=two";
	char *arguments[] = {all, all + 6, all + 10, NULL};
	struct cli cli = with(arguments);
	CHECK_TEXT("first", cli_option(&cli, "bot"), "one");
	CHECK_TEXT("second", cli_option(&cli, "bot"), "two");
	CU_ASSERT(cli_option(&cli, "bot") == NULL);
}

static void test_cli_names_what_is_wrong(void)
{
	char all[] = "--botany\0x\0--bot";
	char *arguments[] = {all, all + 9, all + 11, NULL};
	struct cli cli = with(arguments);
	struct err err = {0};
	const char *text = "untouched";
	CU_ASSERT(!cli_need(&cli, "bot", &text, &err) && err.code == ERR_INPUT);
	CHECK_TEXT("missing", err.message, "--bot is missing");
	CHECK_TEXT("output", text, "untouched");
	CU_ASSERT(!cli_no_more(&cli, &err));
	CHECK_TEXT("left", err.message, "unexpected argument '--botany'");
}

void suite_cli_arguments(void)
{
	CU_pSuite suite = CU_add_suite("cli_arguments", NULL, NULL);
	CU_ADD_TEST(suite, test_cli_options_in_any_order);
	CU_ADD_TEST(suite, test_cli_option_repeats);
	CU_ADD_TEST(suite, test_cli_names_what_is_wrong);
}
