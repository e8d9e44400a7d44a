/* Asks OHE who calls. */

#include "common/connect/caller.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

struct callers {
	struct http_client *client;
	const struct config *config;
};

struct callers *callers_new(struct http_client *client, const struct config *config)
{
	struct callers *callers = mem_zalloc(1, sizeof(*callers));
	*callers = (struct callers){client, config};
	return callers;
}

void callers_free(struct callers *callers)
{
	mem_free(callers);
}
