#ifndef OHDC_DOMAIN_RECORD_H
#define OHDC_DOMAIN_RECORD_H

/* The version rule of all records: a known major is read, unknown fields are ignored, another major pauses the partition. */

#include "common/base/attr.h"
#include "common/base/err.h"

#include <stdbool.h>

/** Whether a schema ("1", "1.4") can be read. ERR_INPUT: no schema at all; ERR_CONFLICT: a major that this version does not know. */
NODISCARD bool record_schema_ok(const char *schema, struct err *err);

#endif
