/* Times as texts of ISO 8601. */

#include "common/domain/iso_time.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "common/base/json_field.h"

#include "common/base/banned.h"

enum { MS_PER_MINUTE = 60000 };

/* Reads `digits` digits at *at in [min, max] and steps over them. */
static bool take_number(const char **at, int digits, int64_t min, int64_t max, int64_t *ret)
{
	int64_t number = 0;
	for (int i = 0; i < digits; i++) {
		char c = (*at)[i];
		if (c < '0' || c > '9') return false;
		number = number * 10 + (c - '0');
	}
	*at += digits;
	*ret = number;
	return number >= min && number <= max;
}

static bool take_char(const char **at, const char *wanted)
{
	if (**at == '\0' || !strchr(wanted, **at)) return false;
	(*at)++;
	return true;
}

/* Date and time of day, up to the second, as if they were in UTC. */
static bool take_seconds(const char **at, int64_t *ret_ms)
{
	static const struct {
		const char *before;
		int digits;
		int64_t min;
		int64_t max;
	} parts[] = {{NULL, 4, 1970, 9999}, {"-", 2, 1, 12}, {"-", 2, 1, 31},
		     {"T ", 2, 0, 23},      {":", 2, 0, 59}, {":", 2, 0, 60}};
	struct tm time = {0};
	int *const places[ARRAY_LEN(parts)] = {&time.tm_year, &time.tm_mon, &time.tm_mday,
					       &time.tm_hour, &time.tm_min, &time.tm_sec};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int64_t number;
		if ((parts[i].before && !take_char(at, parts[i].before)) ||
		    !take_number(at, parts[i].digits, parts[i].min, parts[i].max, &number))
			return false;
		*places[i] = (int)number;
	}
	time.tm_year -= 1900;
	time.tm_mon -= 1;
	*ret_ms = (int64_t)timegm(&time) * 1000;
	return true;
}

/* Fraction of a second: the first three digits count. */
static bool take_fraction(const char **at, int64_t *ret_ms)
{
	int64_t scale = 100;
	*ret_ms = 0;
	if (!take_char(at, ".,")) return true;
	if (**at < '0' || **at > '9') return false;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		*ret_ms += (**at - '0') * scale;
		scale /= 10;
	}
	return true;
}

static bool take_zone(const char **at, int64_t *ret_ms)
{
	int64_t hours;
	int64_t minutes = 0;
	int64_t sign = **at == '-' ? -1 : 1;
	*ret_ms = 0;
	if (take_char(at, "Z")) return true;
	if (!take_char(at, "+-") || !take_number(at, 2, 0, 18, &hours)) return false;
	if ((take_char(at, ":") || **at != '\0') && !take_number(at, 2, 0, 59, &minutes)) return false;
	*ret_ms = sign * (hours * 60 + minutes) * MS_PER_MINUTE;
	return true;
}

bool iso_time_parse(const char *text, int64_t *ret_ms)
{
	const char *at = text;
	int64_t seconds_ms;
	int64_t fraction_ms;
	int64_t zone_ms;
	if (!take_seconds(&at, &seconds_ms) || !take_fraction(&at, &fraction_ms) || !take_zone(&at, &zone_ms) ||
	    *at != '\0')
		return false;
	*ret_ms = seconds_ms + fraction_ms - zone_ms;
	return true;
}

int64_t iso_time_at(const json_t *root, const char *path)
{
	const json_t *value = json_at(root, path);
	int64_t ms = 0;
	if (json_is_integer(value)) return json_integer_value(value) > 0 ? json_integer_value(value) : 0;
	if (json_is_string(value) && iso_time_parse(json_string_value(value), &ms)) return ms;
	return 0;
}
