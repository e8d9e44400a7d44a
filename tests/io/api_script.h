#ifndef OHDC_TESTS_IO_API_SCRIPT_H
#define OHDC_TESTS_IO_API_SCRIPT_H

/* What the tests of the three API clients share: a script that must have been played to its end, and secrets. */

#include "common/base/secret.h"
#include "tests/fakes/fake_http.h"
#include "tests/unit/check.h"

/** Assert that the whole script was played without a surprise, and free the fake. */
static inline void script_end(const char *row, struct http_client *fake)
{
	CHECK_TEXT(row, fake_http_problem(fake), NULL);
	http_client_free(fake);
}

/** A secret over a literal; borrowed, never released. */
static inline struct secret secret_over(char *text)
{
	return (struct secret){.text = text, .len = strlen(text)};
}

#endif
