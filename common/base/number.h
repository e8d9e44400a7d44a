#ifndef OHDC_BASE_NUMBER_H
#define OHDC_BASE_NUMBER_H

/* Strict readers for numbers written as text: the whole text, no white space, no sign games, a range. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Read a decimal integer in [min, max]; ERR_INPUT names what was found and the range. */
NODISCARD bool number_parse(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err);

/** Read `1|0|true|false|yes|no|on|off` in any case; ERR_INPUT otherwise. */
NODISCARD bool number_parse_bool(const char *text, bool *ret, struct err *err);

#endif
