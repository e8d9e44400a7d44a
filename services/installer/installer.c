/* From the opened service to the struct that the handlers share. */

#include "services/installer/installer.h"

#include "common/base/banned.h"

void installer_init(struct installer *installer, const struct service *service, const struct front *front)
{
	*installer = (struct installer){
		.config = service->config,
		.daemon = service->daemon,
		.metrics = service->metrics,
		.pool = service->pool,
		.keys = &service->keys,
		.installation = service->installation,
		.peers = front->peers,
		.callers = front->callers,
		.oauth = &front->oauth,
		.connections = {service->pool, &service->keys},
		.origin = config_text(service->config, "WEB_HOST"),
	};
}
