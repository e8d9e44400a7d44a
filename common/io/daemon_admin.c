/* Answers probes and scrapes from state that is at hand: no probe ever waits for a neighbour. */

#include "common/io/daemon_admin.h"

#include <stdatomic.h>

#include "common/base/mem.h"
#include "common/io/http_server.h"

#include "common/base/banned.h"

enum { METRICS_TEXT_BYTES = 4 * 1024 * 1024 /* 1024 histograms with long labels */ };

enum { ROUTE_COUNT = 3 };

struct daemon_admin {
	struct http_server *server;
	struct metrics *metrics; /* borrowed */
	atomic_bool is_ready;
	atomic_bool is_stopping;
	struct http_route routes[ROUTE_COUNT];
};

static void free_pointed(struct daemon_admin **admin)
{
	daemon_admin_free(*admin);
}

static void reply_text(struct http_request *request, int status, const char *body)
{
	http_reply_now(request, &(struct http_reply){
					.status = status,
					.content_type = "text/plain; charset=utf-8",
					.body = body,
				});
}

static void end_livez(UNUSED void *context, UNUSED void *state, struct http_request *request)
{
	reply_text(request, 200, "ok\n");
}

static void end_readyz(void *context, UNUSED void *state, struct http_request *request)
{
	struct daemon_admin *admin = context;
	if (atomic_load(&admin->is_stopping))
		reply_text(request, 503, "stopping\n");
	else if (!atomic_load(&admin->is_ready))
		reply_text(request, 503, "not ready\n");
	else
		reply_text(request, 200, "ok\n");
}

static void end_metrics(void *context, UNUSED void *state, struct http_request *request)
{
	struct daemon_admin *admin = context;
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(METRICS_TEXT_BYTES);
	if (admin->metrics) metrics_write(admin->metrics, &text);
	if (text.is_cut) {
		reply_text(request, 500, "too many metrics\n");
		return;
	}
	http_reply_now(request, &(struct http_reply){
					.status = 200,
					.content_type = "text/plain; version=0.0.4; charset=utf-8",
					.body = strbuf_text(&text),
				});
}

static struct http_route route_of(struct daemon_admin *admin, const char *path,
				  void (*end)(void *, void *, struct http_request *))
{
	return (struct http_route){
		.method = "GET",
		.pattern = path,
		.end = end,
		.context = admin,
	};
}

bool daemon_admin_new(const char *listen, struct metrics *metrics, struct daemon_admin **ret, struct err *err)
{
	CLEANUP(free_pointed) struct daemon_admin *admin = mem_zalloc(1, sizeof(*admin));
	struct http_server_options options = {
		.listen = listen,
		.routes = admin->routes,
		.route_count = ROUTE_COUNT,
		.threads = 1,
		.connection_limit = 32,
		.suspended_limit = 1,
	};
	admin->metrics = metrics;
	admin->routes[0] = route_of(admin, "/livez", end_livez);
	admin->routes[1] = route_of(admin, "/readyz", end_readyz);
	admin->routes[2] = route_of(admin, "/metrics", end_metrics);
	if (!http_server_new(&options, &admin->server, err)) return err_wrap(err, "admin listener");
	return MOVE(ret, admin);
}

void daemon_admin_free(struct daemon_admin *admin)
{
	if (!admin) return;
	http_server_free(admin->server);
	mem_free(admin);
}

uint16_t daemon_admin_listens_on(const struct daemon_admin *admin)
{
	return http_server_port(admin->server);
}

bool daemon_admin_set_ready(struct daemon_admin *admin, bool ready)
{
	return atomic_exchange(&admin->is_ready, ready);
}

void daemon_admin_stop(struct daemon_admin *admin)
{
	atomic_store(&admin->is_stopping, true);
}
