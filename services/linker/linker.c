/* From the opened service to the struct that the threads share. */

#include "services/linker/linker.h"

#include "common/base/banned.h"

enum {
	CALLS_PER_LEASE = 6, /* token, search by id, token again, by slug, count, and one to spare */
	CALL_DEADLINE_MAX_MS = 10000,
};

void linker_init(struct linker *linker, const struct service *service, const struct front *front)
{
	*linker = (struct linker){
		.config = service->config,
		.daemon = service->daemon,
		.metrics = service->metrics,
		.pool = service->pool,
		.cluster = service_kafka(service->config, "ohdc-linker"),
		.keys = &service->keys,
		.peers = front->peers,
		.callers = front->callers,
		.oauth = &front->oauth,
		.connection_store = {service->pool, &service->keys},
		.origin = config_text(service->config, "WEB_HOST"),
	};
	wake_init(&linker->to_decide, (size_t)config_int(service->config, "OHDC_WORKERS"));
	wake_init(&linker->to_send, 1);
	service_name_owner("linker", linker->owner, sizeof(linker->owner));
}

void linker_done(struct linker *linker)
{
	if (!linker->config) return;
	wake_done(&linker->to_decide);
	wake_done(&linker->to_send);
	*linker = (struct linker){0};
}

int64_t linker_call_deadline_ms(const struct config *config)
{
	int64_t share_ms = config_int(config, "OHDC_LEASE_MS") / CALLS_PER_LEASE;
	return share_ms < CALL_DEADLINE_MAX_MS ? share_ms : CALL_DEADLINE_MAX_MS;
}
