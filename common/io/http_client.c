/* What callers of the HTTP port share: sending, releasing, and what a status means. */

#include "common/io/http_client.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

void http_result_done(struct http_result *result)
{
	if (!result) return;
	if (result->body) mem_wipe(result->body, result->body_len);
	MEM_FREE_ALL(result->body, result->user_name);
	*result = (struct http_result){0};
}

bool http_client_send(struct http_client *client, const struct http_call *call, struct http_result *ret, struct err *err)
{
	return client->send(client, call, ret, err);
}

void http_client_free(struct http_client *client)
{
	if (client) client->free(client);
}

static enum err_code code_of(const struct http_call *call, int status)
{
	switch (status) {
	case 401:
	case 403: return ERR_AUTH;
	case 404:
	case 410: return ERR_NOT_FOUND;
	case 409: return ERR_CONFLICT;
	case 429: return ERR_LIMIT;
	}
	if (status >= 500 || status == 408) return call->is_unsafe ? ERR_UNCERTAIN : ERR_INTERNAL;
	return ERR_INPUT;
}

bool http_result_ok(const struct http_call *call, const struct http_result *result, struct err *err)
{
	if (result->status >= 200 && result->status < 300) return true;
	(void)err_set(err, code_of(call, result->status), "%s was answered with status %d", call->method, result->status);
	if (err) {
		err->http_status = result->status;
		err->retry_after_ms = result->retry_after_ms;
	}
	return false;
}
