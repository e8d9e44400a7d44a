/* JSON from outside into jansson values, and typed reads of their fields. */
#include "common/base/json_field.h"

#include "common/base/json_scan.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

/* jansson's own texts quote the body; ours name the place alone. */
static bool refuse_parsed(const json_error_t *error, struct err *err)
{
	enum json_error_code code = json_error_code(error);
	const char *what = "is not usable";
	if (code == json_error_duplicate_key) what = "has a key twice";
	if (code == json_error_numeric_overflow) what = "has a number out of range";
	if (code == json_error_out_of_memory) mem_gone();
	return err_set(err, ERR_INPUT, "JSON %s at byte %d", what, error->position);
}

static bool parse(struct bytes text, json_t **ret, struct err *err)
{
	json_error_t error;
	json_auto_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	return root ? MOVE(ret, root) : refuse_parsed(&error, err);
}

static bool parse_repaired(struct bytes text, json_t **ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf repaired = strbuf_of(3 * text.len);
	/* U+FFFD takes three bytes; no defect is shorter than one. */
	json_add_repaired(&repaired, text);
	return parse(bytes_of(repaired.text, repaired.len), ret, err);
}

bool json_read(struct bytes body, size_t max_bytes, int max_depth, json_t **ret, struct err *err)
{
	if (body.len > max_bytes)
		return err_set(err, ERR_INPUT, "JSON of %zu bytes is longer than %zu", body.len, max_bytes);

	struct json_scan scan = json_scan(body);
	if (!scan.is_json) return err_set(err, ERR_INPUT, "not JSON at byte %zu", scan.end);
	if (scan.depth == 0) return err_set(err, ERR_INPUT, "JSON is neither object nor array");
	if (max_depth < 0 || scan.depth > (size_t)max_depth)
		return err_set(err, ERR_INPUT, "JSON is %zu levels deep, more than %d", scan.depth, max_depth);
	if (scan.values > LIMIT_JSON_VALUES)
		return err_set(err, ERR_INPUT, "JSON has %zu values, more than %d", scan.values, LIMIT_JSON_VALUES);
	return scan.needs_repair ? parse_repaired(body, ret, err) : parse(body, ret, err);
}

bool json_is_json(struct bytes body)
{
	return json_scan(body).is_json;
}

json_t *json_at(const json_t *root, const char *path)
{
	while (*path != '\0' && root) {
		size_t len = strcspn(path, ".");
		root = json_object_getn(root, path, len);
		path += len;
		path += *path == '.';
	}
	/* jansson counts references even for readers, so its getters hand out what is not const. */
	return json_is_null(root) ? NULL : (json_t *)(uintptr_t)root;
}

const char *json_text_at(const json_t *root, const char *path)
{
	return json_string_value(json_at(root, path));
}

bool json_has_text(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_string_value(json_array_get(list, i));
		if (item && strcmp(item, text) == 0) return true;
	}
	return false;
}

static const char *const type_names[] = {
	[JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array",  [JSON_STRING] = "a text",
	[JSON_INTEGER] = "an integer", [JSON_REAL] = "a fraction", [JSON_TRUE] = "a boolean",
	[JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
};

static const char *type_name(const json_t *value)
{
	return value ? type_names[json_typeof(value)] : "nothing";
}

bool json_need_text(const json_t *root, const char *path, size_t max_bytes, const char **ret, struct err *err)
{
	const json_t *value = json_at(root, path);
	if (!json_is_string(value))
		return err_set(err, ERR_INPUT, "'%s' is %s, expected a text", path, type_name(value));
	size_t len = json_string_length(value);
	if (len == 0) return err_set(err, ERR_INPUT, "'%s' is empty, expected a text", path);
	if (len > max_bytes)
		return err_set(err, ERR_INPUT, "'%s' has %zu bytes, expected at most %zu", path, len, max_bytes);
	*ret = json_string_value(value);
	return true;
}

bool json_need_int(const json_t *root, const char *path, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	const json_t *value = json_at(root, path);
	if (!json_is_integer(value))
		return err_set(err, ERR_INPUT, "'%s' is %s, expected an integer from %" PRId64 " to %" PRId64, path,
			       type_name(value), min, max);
	int64_t found = json_integer_value(value);
	if (found < min || found > max)
		return err_set(err, ERR_INPUT, "'%s' is %" PRId64 ", expected an integer from %" PRId64 " to %" PRId64,
			       path, found, min, max);
	*ret = found;
	return true;
}

int64_t json_int_at(const json_t *root, const char *path, int64_t fallback)
{
	const json_t *value = json_at(root, path);
	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_bool_at(const json_t *root, const char *path, bool fallback)
{
	const json_t *value = json_at(root, path);
	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

bool json_id_at(const json_t *root, const char *path, char *ret, size_t size)
{
	const json_t *value = json_at(root, path);
	char digits[24];
	const char *id = json_string_value(value);
	if (json_is_integer(value)) {
		(void)snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		id = digits;
	}
	if (text_is_empty(id) || strlen(id) >= size) return false;
	memcpy(ret, id, strlen(id) + 1);
	return true;
}

/* `object` is always an object of ours and `value` valid UTF-8: only memory can be missing. */
static void put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0) mem_gone();
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	if (!text) return;
	CLEANUP(strbuf_done) struct strbuf repaired = strbuf_of(3 * strlen(text));
	text_add_repaired(&repaired, bytes_text(text));
	put(object, key, json_stringn(strbuf_text(&repaired), repaired.len));
}

void json_put_texts(json_t *object, const char *const *pairs, size_t count)
{
	for (size_t i = 0; i + 1 < count; i += 2)
		json_put_text(object, pairs[i], pairs[i + 1]);
}

void json_put_int(json_t *object, const char *key, int64_t value)
{
	put(object, key, json_integer(value));
}

char *json_compact(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text) mem_gone();
	return text;
}
