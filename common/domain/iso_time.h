#ifndef OHDC_DOMAIN_ISO_TIME_H
#define OHDC_DOMAIN_ISO_TIME_H

/* Times as Jira and Bitbucket write them: numbers of milliseconds, or ISO 8601 texts with any of the usual zones. Pure. */

#include "common/base/attr.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** Read "2021-01-10T10:12:47.824+0100", "…+01:00", "…Z", with or without a fraction, as ms since 1970; false for all else. */
NODISCARD bool iso_time_parse(const char *text, int64_t *ret_ms);

/** Time at a path of a body, number of ms or ISO text; 0 when absent or unreadable. */
NODISCARD int64_t iso_time_at(const json_t *root, const char *path);

#endif
