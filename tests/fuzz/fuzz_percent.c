/* Any bytes: encoding and decoding give them back; decoding alone never yields a NUL. */
#include "common/base/encode.h"

#include "common/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = bytes_of(data, size);
	CLEANUP(strbuf_done) struct strbuf plain = {0};
	CLEANUP(strbuf_done) struct strbuf encoded = {0};
	CLEANUP(strbuf_done) struct strbuf back = {0};
	strbuf_init(&plain, size);
	strbuf_init(&encoded, 3 * size);
	strbuf_init(&back, size);
	if (decode_percent(&plain, bytes) && strlen(strbuf_text(&plain)) != plain.len) __builtin_trap();
	encode_percent(&encoded, bytes);
	if (decode_percent(&back, bytes_of(encoded.text, encoded.len)) != !(size > 0 && memchr(data, 0, size)) ||
	    encoded.is_cut)
		__builtin_trap();
	if (size > 0 && !memchr(data, 0, size) && !bytes_equal(bytes_of(back.text, back.len), bytes)) __builtin_trap();
	return 0;
}
