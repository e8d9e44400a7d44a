/* Calendar arithmetic without the C library's clock functions. */

#include "common/domain/iso_time.h"

#include <stddef.h>

#include "common/base/json_field.h"

#include "common/base/banned.h"

enum { MS_PER_MINUTE = 60000, MS_PER_DAY = 86400000 };

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

static bool take_char(const char **at, char wanted)
{
	if (**at != wanted) return false;
	(*at)++;
	return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t march_year = month <= 2 ? year - 1 : year;
	int64_t era = march_year / 400;
	int64_t year_of_era = march_year % 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static bool take_date(const char **at, int64_t *ret_ms)
{
	int64_t year;
	int64_t month;
	int64_t day;

	if (!take_number(at, 4, 1970, 9999, &year) || !take_char(at, '-') ||
	    !take_number(at, 2, 1, 12, &month) || !take_char(at, '-') ||
	    !take_number(at, 2, 1, 31, &day))
		return false;
	*ret_ms = days_from_date(year, month, day) * MS_PER_DAY;
	return true;
}

/* Fraction of a second: the first three digits count. */
static bool take_fraction(const char **at, int64_t *ret_ms)
{
	int64_t scale = 100;

	*ret_ms = 0;
	if (**at != '.' && **at != ',') return true;
	(*at)++;
	if (**at < '0' || **at > '9') return false;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		*ret_ms += (**at - '0') * scale;
		scale /= 10;
	}
	return true;
}

static bool take_clock(const char **at, int64_t *ret_ms)
{
	int64_t hour;
	int64_t minute;
	int64_t second;
	int64_t fraction_ms;

	if (!take_number(at, 2, 0, 23, &hour) || !take_char(at, ':') ||
	    !take_number(at, 2, 0, 59, &minute) || !take_char(at, ':') ||
	    !take_number(at, 2, 0, 60, &second) || !take_fraction(at, &fraction_ms))
		return false;
	*ret_ms = (hour * 60 + minute) * MS_PER_MINUTE + second * 1000 + fraction_ms;
	return true;
}

static bool take_zone(const char **at, int64_t *ret_ms)
{
	int64_t hours;
	int64_t minutes = 0;
	int64_t sign = **at == '-' ? -1 : 1;

	*ret_ms = 0;
	if (take_char(at, 'Z')) return true;
	if (!take_char(at, '+') && !take_char(at, '-')) return false;
	if (!take_number(at, 2, 0, 18, &hours)) return false;
	if (take_char(at, ':') || **at != '\0') {
		if (!take_number(at, 2, 0, 59, &minutes)) return false;
	}
	*ret_ms = sign * (hours * 60 + minutes) * MS_PER_MINUTE;
	return true;
}

bool iso_time_parse(const char *text, int64_t *ret_ms)
{
	const char *at = text;
	int64_t date_ms;
	int64_t clock_ms;
	int64_t zone_ms;

	if (!take_date(&at, &date_ms) || (!take_char(&at, 'T') && !take_char(&at, ' ')) ||
	    !take_clock(&at, &clock_ms) || !take_zone(&at, &zone_ms) || *at != '\0')
		return false;
	*ret_ms = date_ms + clock_ms - zone_ms;
	return true;
}

int64_t iso_time_at(const json_t *root, const char *path)
{
	const json_t *value = json_at(root, path);
	int64_t ms = 0;

	if (json_is_integer(value))
		return json_integer_value(value) > 0 ? json_integer_value(value) : 0;
	if (json_is_string(value) && iso_time_parse(json_string_value(value), &ms)) return ms;
	return 0;
}
