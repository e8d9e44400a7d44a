#ifndef OHDC_IO_LOG_LINE_H
#define OHDC_IO_LOG_LINE_H

/* One log line under construction: a JSON object in a fixed buffer that is valid wherever it has to stop. */

#include "common/io/log.h"

enum {
	LOG_LINE_BYTES = 4096,    /**< PIPE_BUF of Linux: lines of several processes do not mix */
	LOG_LINE_TAIL_BYTES = 16, /**< kept free for `,"cut":true}` and the newline */
	LOG_TEXT_BYTES = 1024,    /**< of one text field, before escaping */
};

/** The line; start with zeroed. */
struct log_line {
	char text[LOG_LINE_BYTES];
	size_t len;
	bool is_cut;
};

/** Add one field, redacted when its key names a secret; leaves it out as a whole when it does not fit. */
void log_line_add(struct log_line *line, struct log_field field);

/** Close the object and end the line. */
void log_line_close(struct log_line *line);

#endif
