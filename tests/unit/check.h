#ifndef OHDC_TESTS_UNIT_CHECK_H
#define OHDC_TESTS_UNIT_CHECK_H

/* Assertions that name the row of a table. */

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Record the result of a condition together with the name of the row. */
static inline void check_at(bool is_true, unsigned line, const char *file, const char *condition, const char *row)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "[%s] %s", row, condition);
	CU_assertImplementation(is_true, line, text, file, "", CU_FALSE);
}

/** Record whether two texts are equal (NULL equals only NULL), with both of them. */
static inline void check_text_at(const char *found, const char *wanted, unsigned line, const char *file, const char *row)
{
	char text[2048];
	bool is_same = found && wanted ? strcmp(found, wanted) == 0 : found == wanted;

	(void)snprintf(text, sizeof(text), "[%s] '%s' is not '%s'", row, found ? found : "(null)",
		       wanted ? wanted : "(null)");
	CU_assertImplementation(is_same, line, text, file, "", CU_FALSE);
}

/** New copy of `len` bytes with nothing behind them, so that ASan sees a read too far; free with free(). */
static inline void *exact_copy(const void *bytes, size_t len)
{
	void *copy = malloc(len > 0 ? len : 1);

	if (!copy) abort();
	if (len > 0) memcpy(copy, bytes, len);
	return copy;
}

/** Assert a condition for the row named `row`. */
#define CHECK(row, condition) check_at((condition), __LINE__, __FILE__, #condition, (row))

/** Assert that two texts are equal for the row named `row`. */
#define CHECK_TEXT(row, found, wanted) check_text_at((found), (wanted), __LINE__, __FILE__, (row))

#endif
