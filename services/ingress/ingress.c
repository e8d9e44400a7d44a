/* What the steps of a request share: the refusal they have in common, the count of ends, the request itself. */
#include "services/ingress/ingress.h"

#include "common/base/mem.h"

#include <stdio.h>

#include "common/base/banned.h"

static const struct http_reply reply_refused_jira = {.status = 403,
						     .body = "{\"detail\":\"Invalid webhook signature!\"}"};
static const struct http_reply reply_refused_bitbucket = {.status = 403,
							  .body = "{\"detail\":\"Request signatures didn't match!\"}"};

const struct http_reply *refusal_of(enum provider provider)
{
	return provider == PROVIDER_JIRA ? &reply_refused_jira : &reply_refused_bitbucket;
}

void ingress_count(const struct ingress *ingress, enum provider provider, enum reason result)
{
	char labels[96];
	(void)snprintf(labels, sizeof(labels), "provider=\"%s\",result=\"%s\"", provider_name(provider),
		       result == REASON_NONE ? "STORED" : reason_name(result));
	metric_add(metrics_cell(ingress->metrics, METRIC_COUNTER, "ohdc_requests_total", labels,
				"Webhook requests answered, by result"),
		   1);
}

bool ingress_answer(const struct ingress *ingress, enum provider provider, struct http_ticket ticket,
		    const struct http_reply *reply, enum reason result)
{
	bool is_first = http_answer(ingress->server, ticket, reply);
	if (is_first) ingress_count(ingress, provider, result);
	return is_first;
}

void request_forget_body(struct request *request)
{
	mem_free(request->body);
	request->body = NULL;
	if (request->budget) atomic_fetch_sub(request->budget, request->reserved);
	request->reserved = 0;
}

void request_free(struct request *request)
{
	if (!request) return;
	MEM_FREE_ALL(request->event, request->request_id, request->traceparent);
	request_forget_body(request);
	mem_free(request);
}
