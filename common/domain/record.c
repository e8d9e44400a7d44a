/* One place that says which versions of records are understood. */

#include "common/domain/record.h"

#include <string.h>

#include "common/domain/topics.h"

#include "common/base/banned.h"

static const char digits[] = "0123456789";

bool record_schema_ok(const char *schema, struct err *err)
{
	size_t major_len = strspn(schema, digits);
	const char *minor = schema + major_len;
	size_t minor_len = *minor == '.' ? strspn(minor + 1, digits) : 0;
	if (major_len == 0 || (*minor != '\0' && (minor_len == 0 || minor[1 + minor_len] != '\0')))
		return err_set(err, ERR_INPUT, "'%.20s' is no schema version", schema);
	if (major_len != strlen(RECORD_SCHEMA) || strncmp(schema, RECORD_SCHEMA, major_len) != 0)
		return err_set(err, ERR_CONFLICT, "schema '%.20s' is newer than this program, which knows %s", schema,
			       RECORD_SCHEMA);
	return true;
}
