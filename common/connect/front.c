/* Opens and closes what linker and installer need to answer people. */

#include "common/connect/front.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

/* Most of them wait for a Jira or Bitbucket: where one of these hangs, whoever signs in must still find a free one. */
enum { THREADS = 32 };

/*
 * Said at the start, not at the first person's link. Nothing set at all: linking by OAuth is yet to come. Only the linker, which takes
 * people back from Jira, needs the secret.
 */
static bool is_client_whole(struct config *config, const char *program, struct err *err)
{
	CLEANUP(secret_done) struct secret secret = {0};
	bool has_id = config_text(config, "JIRA_DC_CLIENT_ID");
	bool has_secret = strcmp(program, "ohdc-linker") == 0 ? config_secret(config, "JIRA_DC_CLIENT_SECRET", &secret)
							      : has_id;
	bool has_url = config_text(config, "JIRA_DC_BASE_URL");
	if (!config_bool(config, "JIRA_DC_ENABLE_OAUTH") || (!has_id && !has_secret) || (has_id && has_secret && has_url))
		return true;
	return err_set(err, ERR_INPUT, "%s is not set, expected because JIRA_DC_CLIENT_%s is",
		       !has_id       ? "JIRA_DC_CLIENT_ID"
		       : !has_secret ? "JIRA_DC_CLIENT_SECRET"
				     : "JIRA_DC_BASE_URL",
		       has_id ? "ID" : "SECRET");
}

bool front_open(struct front *front, struct service *service, const char *program, struct err *err)
{
	if (!is_client_whole(service->config, program, err) ||
	    !peer_clients_new(service->config, program, &front->peers, err))
		return false;
	struct http_client *plain = peer_client_plain(front->peers);
	front->callers = callers_new(plain, service->config, sysclock_monotonic_ms);
	front->oauth = (struct oauth){
		.states = {service->pool, &service->keys}, .config = service->config, .client = plain};
	return true;
}

static bool is_on(const struct config *config, const struct web_route *route)
{
	if (text_starts(route->pattern, "/integration/jira-dc/")) return config_bool(config, "ENABLE_JIRA_DC");
	if (text_starts(route->pattern, "/integration/bitbucket-dc/") ||
	    text_starts(route->pattern, "/bitbucket-dc-proxy/"))
		return config_text(config, "BITBUCKET_DATA_CENTER_HOST");
	return true;
}

CLEANUP_FUNCTION(free_routes, struct web_route *, mem_free);

bool front_listen(struct front *front, const struct service *service, const struct web_route *routes, size_t count,
		  void *context, struct err *err)
{
	CLEANUP(free_routes) struct web_route *served = mem_zalloc(count + 1, sizeof(*served));
	struct web_options options = {.listen = config_text(service->config, "OHDC_HTTP_LISTEN"),
				      .routes = served,
				      .context = context,
				      .threads = THREADS};
	for (size_t i = 0; i < count; i++) {
		if (is_on(service->config, &routes[i])) served[options.route_count++] = routes[i];
	}
	return web_new(&options, &front->web, err);
}

void front_quiet(struct front *front)
{
	web_free(front->web);
	front->web = NULL;
}

void front_close(struct front *front)
{
	callers_free(front->callers);
	peer_clients_free(front->peers);
	*front = (struct front){0};
}
