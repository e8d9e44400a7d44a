/* Any text: what is read as a URL is written in a form that reads as the same URL. */
#include "common/base/mem.h"
#include "common/base/url.h"

#include <string.h>

#include "common/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_free_text) char *text = mem_dup_n(data, size);
	CLEANUP(url_done) struct url url = {0};
	CLEANUP(url_done) struct url again = {0};
	/* Asked of any text, for the sanitizers' sake; one shorter than "http://" has none. */
	if (url_has_host(text, "host") && size < 7) __builtin_trap();
	if (!url_parse(text, "https", &url, NULL)) return 0;
	CLEANUP(mem_free_text) char *normal = url_text(&url);
	if (!url_parse(normal, NULL, &again, NULL) || !url_has_host(normal, url.host) || strcmp(url.path, again.path) != 0)
		__builtin_trap();
	return 0;
}
