/* Runs every suite of a folder of tests, which SUITES lists: `run [TEXT]` runs the tests whose "suite/name" contains TEXT. */
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>

#define SUITE(name) void suite_##name(void);
#include SUITES
#undef SUITE

static void register_suites(void)
{
#define SUITE(name) suite_##name();
#include SUITES
#undef SUITE
}

static void print_failures(const struct CU_Test *test, const struct CU_Suite *suite,
			   const struct CU_FailureRecord *failure)
{
	if (failure != NULL) (void)printf("FAIL %s/%s\n", suite->pName, test->pName);
	for (; failure != NULL && failure->pTest == test; failure = failure->pNext)
		(void)printf("  %s:%u: %s\n", failure->strFileName, failure->uiLineNumber, failure->strCondition);
	(void)fflush(stdout);
}

static void on_test_done(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	print_failures(test, suite, failure);
}

static void on_suite_init_failed(const CU_pSuite suite)
{
	(void)printf("FAIL %s: the suite could not be set up\n", suite->pName);
}

/* Tests that the text does not name are switched off, so that CUnit neither runs nor counts them. */
static void select_tests(const char *text)
{
	char name[512];
	for (CU_pSuite suite = CU_get_registry()->pSuite; suite != NULL; suite = suite->pNext) {
		for (CU_pTest test = suite->pTest; test != NULL; test = test->pNext) {
			(void)snprintf(name, sizeof(name), "%s/%s", suite->pName, test->pName);
			if (strstr(name, text) == NULL) (void)CU_set_test_active(test, CU_FALSE);
		}
	}
	CU_set_fail_on_inactive(CU_FALSE);
}

int main(int argc, char **argv)
{
	unsigned int passed;
	unsigned int failed;
	if (CU_initialize_registry() != CUE_SUCCESS) return 70;
	register_suites();
	if (argc > 1) select_tests(argv[1]);
	CU_set_test_complete_handler(on_test_done);
	CU_set_suite_init_failure_handler(on_suite_init_failed);
	(void)CU_run_all_tests();
	passed = CU_get_number_of_tests_run() - CU_get_number_of_tests_failed();
	failed = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	(void)printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
