/* From the opened service to the struct that the handlers share. */

#include "services/installer/installer.h"

#include "common/connect/peer_client.h"
#include "services/installer/texts.h"

#include "common/base/banned.h"

void installer_init(struct installer *installer, const struct service *service, const struct front *front)
{
	*installer = (struct installer){
		.config = service->config,
		.daemon = service->daemon,
		.pool = service->pool,
		.keys = &service->keys,
		.peers = front->peers,
		.callers = front->callers,
		.oauth = &front->oauth,
		.connections = {service->pool, &service->keys},
		.origin = config_text(service->config, "WEB_HOST"),
	};
}

bool installer_admit(const struct installer *installer, const struct web_request *request, const char *permission,
		     struct caller *ret, struct web_reply *reply)
{
	if (!web_is_same_origin(request, installer->origin)) return web_reply_detail(reply, 403, TEXT_OTHER_SITE);
	return callers_find(installer->callers, request, ret, reply) &&
	       (!permission || caller_must(ret, permission, reply));
}

bool installer_json(const struct web_request *request, json_t **ret, struct web_reply *reply)
{
	struct err err = {0};
	return web_json(request, ret, &err) || web_reply_detail(reply, 422, "%s", err.message);
}

void installer_server(const struct installer *installer, enum provider provider, const char *base_url,
		      const struct secret *token, struct bot_server *ret)
{
	bot_server_init(ret, installer->config, peer_client_for(installer->peers, base_url), provider, base_url);
	if (token && secret_is_set(token)) bot_server_use(ret, token);
}
