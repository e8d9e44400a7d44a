/* Any bytes: the scan and the parser agree, a repaired text is read, what is read is written and read again. */
#include "common/base/json_field.h"
#include "common/base/json_scan.h"
#include "common/base/limits.h"
#include "common/base/mem.h"

#include "common/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body = bytes_of(data, size);
	struct json_scan scan = json_scan(body);
	json_auto_t *strict = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
	json_auto_t *root = NULL;
	json_auto_t *again = NULL;
	/* jansson passes over a NUL right behind a number; the scan does not. */
	if (strict && !memchr(data, 0, size) && (!scan.is_json || scan.needs_repair)) __builtin_trap();
	if (!json_read(body, LIMIT_BODY_BYTES, LIMIT_JSON_DEPTH, &root, NULL)) return 0;
	CLEANUP(mem_free_text) char *text = json_compact(root);
	if (!json_read(bytes_text(text), LIMIT_BODY_BYTES, LIMIT_JSON_DEPTH, &again, NULL) || !json_equal(root, again))
		__builtin_trap();
	return 0;
}
