#ifndef OHDC_TESTS_IO_CAPTURE_H
#define OHDC_TESTS_IO_CAPTURE_H

/* What a test's code writes to standard error, held in a file without a name. */

#include <jansson.h>
#include <stddef.h>

struct capture {
	int file;         /**< in memory */
	int saved_stderr; /**< the one to give back */
};

/** Send standard error to the capture from now on. */
void capture_begin(struct capture *capture);

/** Give standard error back; new text of what was written, free with free(). */
char *capture_end(struct capture *capture);

/** Line `index` (from 0) of captured text as a JSON object, new reference; NULL when it is missing or no JSON object. */
json_t *capture_line(const char *text, size_t index);

/** Number of lines. */
size_t capture_count(const char *text);

#endif
