/* Finds OHDC_ variables that no setting has the name of: typing errors are the common fault of configurations. */

#include "common/io/config_value.h"

#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { NAME_BYTES = 96 /* longer names are compared by their start */ };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, one row at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_BYTES + 1];
	size_t b_len = least(strlen(b), NAME_BYTES);
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; i < NAME_BYTES && a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t replaced = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			row[j + 1] = least(replaced, least(row[j], row[j + 1]) + 1);
		}
	}
	return row[b_len];
}

/* What the project's own build and tests are told; a developer's shell may have it. */
static bool is_tool_setting(const char *name)
{
	return text_starts(name, "OHDC_E2E_") || strcmp(name, "OHDC_DEPS") == 0 || strcmp(name, "OHDC_BIN") == 0 ||
	       strcmp(name, "OHDC_PYTHON") == 0;
}

/* Kubernetes gives every pod such variables for each service of its namespace, so for one named ohdc-ingress too. */
static bool is_service_link(const char *name)
{
	size_t len = strlen(name);
	return strstr(name, "_SERVICE_HOST") || strstr(name, "_SERVICE_PORT") || strstr(name, "_PORT_") ||
	       (len > strlen("_PORT") && strcmp(name + len - strlen("_PORT"), "_PORT") == 0);
}

static bool is_name_of(const struct setting *setting, const char *name)
{
	size_t len = strlen(setting->name);
	if (strncmp(name, setting->name, len) != 0) return false;
	return name[len] == '\0' || (setting->kind == SETTING_SECRET && strcmp(name + len, "_FILE") == 0);
}

/* The known name that is most like `name`; NULL when `name` itself is known. */
static const char *nearest_name(const struct setting *table, size_t count, const char *name)
{
	const char *nearest = "";
	size_t nearest_distance = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		size_t here = distance(name, table[i].name);
		if (is_name_of(&table[i], name)) return NULL;
		if (here < nearest_distance) {
			nearest_distance = here;
			nearest = table[i].name;
		}
	}
	return nearest;
}

static void warn_if_unknown(const struct setting *table, size_t count, const char *variable)
{
	char name[NAME_BYTES + 1];
	size_t len = least(strcspn(variable, "="), NAME_BYTES);
	const char *nearest;
	memcpy(name, variable, len);
	name[len] = '\0';
	if (!text_starts(name, "OHDC_") || is_tool_setting(name) || is_service_link(name)) return;
	nearest = nearest_name(table, count, name);
	if (nearest)
		LOG_WARN("unknown setting in the environment", LOG_TEXT("setting", name), LOG_TEXT("nearest", nearest));
}

void config_warn_unknown(const struct setting *table, size_t count)
{
	for (char **variable = environ; variable && *variable; variable++)
		warn_if_unknown(table, count, *variable);
}
