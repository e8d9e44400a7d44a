/* Answers probes and scrapes from state that is at hand: no probe ever waits for a neighbour. */

#include "common/io/daemon_admin.h"

#include "common/base/banned.h"

enum { METRICS_TEXT_BYTES = 4 * 1024 * 1024 /* 1024 histograms with long labels */ };

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

static const struct {
	const char *path;
	void (*end)(void *, void *, struct http_request *);
} pages[] = {{"/livez", end_livez}, {"/readyz", end_readyz}, {"/metrics", end_metrics}};

bool daemon_admin_init(struct daemon_admin *admin, const char *listen, struct metrics *metrics, struct err *err)
{
	struct http_server_options options = {
		.listen = listen,
		.routes = admin->routes,
		.route_count = ARRAY_LEN(pages),
		.connection_limit = 32,
		.suspended_limit = 1,
	};
	admin->metrics = metrics;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		admin->routes[i] = (struct http_route){
			.method = "GET", .pattern = pages[i].path, .end = pages[i].end, .context = admin};
	return http_server_new(&options, &admin->server, err) || err_wrap(err, "admin listener");
}
