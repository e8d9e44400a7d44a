/* ohdc-ingress: takes signed webhooks and acknowledges them once they are durable. */

#include "common/base/limits.h"
#include "common/connect/claim.h"
#include "common/domain/settings.h"
#include "common/io/service.h"
#include "services/ingress/ingress.h"

#include <string.h>

#include "common/base/banned.h"

/* Senders are servers with short headers; browsers do not come here. */
enum { FLUSH_MS = 5000, CONNECTION_BYTES = 16 * 1024 };

/* What lives as long as the program. */
struct program {
	struct service service;
	struct ingress ingress;
	struct claim *claim;
	struct http_route routes[ENDPOINT_ROUTES]; /* the server reads them as long as it lives */
};

/*
 * Stop taking requests, let the brokers confirm what is on its way, then close in an order in which nobody calls into the dead:
 * the server outlives the producer, whose last reports it answers, so requests are kept from the producer first.
 */
static void program_close(struct program *program)
{
	struct ingress *ingress = &program->ingress;
	if (ingress->server) http_server_quiesce(ingress->server);
	atomic_store(&ingress->is_open, false);
	if (ingress->cache) table_cache_drain(ingress->cache);
	reread_free(ingress->reread);
	kafka_producer_free(ingress->producer, FLUSH_MS);
	http_server_free(ingress->server);
	table_cache_free(ingress->cache);
	claim_free(program->claim);
	service_close(&program->service);
}

static void read_settings(const struct config *config, struct ingress *ret)
{
	size_t topic_limit = LIMIT_TOPIC_MESSAGE_BYTES - LIMIT_TOPIC_MARGIN_BYTES;
	size_t wanted = (size_t)config_int(config, "OHDC_MAX_BODY_BYTES");
	topic_name(TOPIC_WEBHOOK, config_text(config, "OHDC_KAFKA_PREFIX"), ret->topic);
	ret->is_jira_enabled = config_bool(config, "ENABLE_JIRA_DC");
	ret->are_jira_webhooks_on = config_bool(config, "JIRA_DC_WEBHOOKS_ENABLED");
	ret->keeps_all = strcmp(config_text(config, "OHDC_KEEP_BODIES"), "all") == 0;
	ret->body_cap = wanted < topic_limit ? wanted : topic_limit;
	ret->deadline_ms = config_int(config, "OHDC_PRODUCE_DEADLINE_MS");
}

static bool listen_for_webhooks(struct program *program, struct err *err)
{
	endpoint_routes(&program->ingress, program->routes);
	struct http_server_options http = {
		.listen = config_text(program->service.config, "OHDC_HTTP_LISTEN"),
		.routes = program->routes,
		.route_count = ENDPOINT_ROUTES,
		.body_ceiling_bytes = LIMIT_BODY_VERIFY_BYTES,
		.connection_bytes = CONNECTION_BYTES,
		.late = accept_late,
		.late_context = &program->ingress,
	};
	if (!http_server_new(&http, &program->ingress.server, err)) return false;
	atomic_store(&program->ingress.is_open, true);
	return true;
}

static bool start(void *context, struct err *err)
{
	struct program *program = context;
	struct service *service = &program->service;
	struct ingress *ingress = &program->ingress;
	ingress->daemon = service->daemon;
	ingress->metrics = service->metrics;
	ingress->source = (struct connection_source){&service->keys, config_text(service->config, "OH_RESOLVER_LABEL")};
	read_settings(service->config, ingress);
	struct kafka_producer_options kafka = {
		.cluster = service_kafka(service->config, "ohdc-ingress"),
		.report = accept_report,
		.context = ingress,
	};
	return service_wait_database(service, err) && claim_new(service, "ohdc-ingress", &program->claim, err) &&
	       kafka_producer_new(&kafka, &ingress->producer, err) &&
	       connection_cache_new(service->pool, service->daemon, &ingress->source, &ingress->cache, err) &&
	       reread_new(ingress, service->daemon, &ingress->reread, err) && listen_for_webhooks(program, err);
}

int main(int argc, char **argv)
{
	CLEANUP(program_close) struct program program = {0};
	const struct service_options options = {
		.program = "ohdc-ingress",
		.purpose = "takes signed webhooks and acknowledges them once they are durable",
		.reader = SETTING_INGRESS,
		.settings = settings_all,
		.extra_connections = 1,
	};
	return service_run(&options, argc, argv, &program.service, start, &program);
}
