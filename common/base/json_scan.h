#ifndef OHDC_BASE_JSON_SCAN_H
#define OHDC_BASE_JSON_SCAN_H

/* One look over a JSON text before it is parsed: is it JSON, how deep is it, what must be repaired. */

#include "common/base/attr.h"
#include "common/base/bytes.h"
#include "common/base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/** What a scan found. */
struct json_scan {
	bool is_json;      /**< the grammar holds, whatever bytes stand inside strings */
	bool needs_repair; /**< a string has invalid UTF-8, a lone surrogate escape or a NUL escape */
	size_t depth;      /**< levels of nested objects and arrays; 0 for a bare value */
	size_t values;     /**< objects, arrays and scalars, without the keys */
	size_t end;        /**< byte offset where scanning stopped: the first error, or the end */
};

/** Scan a text; work and memory grow with its length alone, not with its depth. */
NODISCARD struct json_scan json_scan(struct bytes text);

/** Append a text that is JSON with each defect inside its strings replaced by U+FFFD. */
void json_add_repaired(struct strbuf *ret, struct bytes text);

#endif
