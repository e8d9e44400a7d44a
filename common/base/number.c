/* Numbers written as text, read without mercy. */
#include "common/base/number.h"

#include "common/base/text.h"

#include <inttypes.h>

#include "common/base/banned.h"

enum { SHOWN_BYTES = 40 };

static bool refuse(const char *text, int64_t min, int64_t max, struct err *err)
{
	if (text_is_empty(text))
		return err_set(err, ERR_INPUT, "nothing found, expected a whole number from %" PRId64 " to %" PRId64,
			       min, max);
	return err_set(err, ERR_INPUT, "found '%.*s', expected a whole number from %" PRId64 " to %" PRId64,
		       (int)text_cut(text, SHOWN_BYTES), text, min, max);
}

/* Digits only, no zero in front; counted downwards, because INT64_MIN has no positive twin. */
static bool read_negated(const char *digits, int64_t *ret)
{
	int64_t value = 0;
	if (digits[0] == '\0' || (digits[0] == '0' && digits[1] != '\0')) return false;
	for (; *digits != '\0'; digits++) {
		if (*digits < '0' || *digits > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *digits - '0', &value))
			return false;
	}
	*ret = value;
	return true;
}

bool number_parse(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	int64_t value;
	bool is_negative = text && text[0] == '-';
	if (!text || !read_negated(text + is_negative, &value) || (is_negative && value == 0) ||
	    (!is_negative && __builtin_sub_overflow(0, value, &value)) || value < min || value > max)
		return refuse(text, min, max, err);
	*ret = value;
	return true;
}

/* Falsehoods and truths alternate. */
static const char *const flags[] = {"0", "1", "false", "true", "no", "yes", "off", "on"};

bool number_parse_bool(const char *text, bool *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!text_equal_nocase(text, flags[i])) continue;
		*ret = i % 2 == 1;
		return true;
	}
	return err_set(err, ERR_INPUT, "found '%.*s', expected 1, 0, true, false, yes, no, on or off",
		       text ? (int)text_cut(text, SHOWN_BYTES) : 0, text ? text : "");
}
