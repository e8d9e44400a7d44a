/* Life of a web: the server, the threads that run handlers. */

#include "common/io/web.h"

#include "common/base/mem.h"
#include "common/io/http_server.h"

#include "common/base/banned.h"

struct web {
	struct web_options options;
};

bool web_new(const struct web_options *options, struct web **ret, struct err *err)
{
	(void)err;
	*ret = mem_zalloc(1, sizeof(**ret));
	(*ret)->options = *options;
	return true;
}

void web_free(struct web *web)
{
	mem_free(web);
}
