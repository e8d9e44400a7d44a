/* Life of a web: the server, the queue of complete requests, and the threads that run their handlers. */

#include <pthread.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/io/lock.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"
#include "common/io/web_parts.h"

#include "common/base/banned.h"

enum {
	THREADS = 32, /* most wait for a peer; pages must not wait for them */
	DEADLINE_MS = 60000,
	WAITING_MAX = 256,   /* requests that wait or run */
	TRANSFER_MS = 60000, /* for a body to come, and for a large answer to be taken */
	BUSY_RETRY_S = 2,
	STACK_BYTES = 64 * 1024,
};

/* A route as the HTTP server sees it. */
struct place {
	struct web *web;
	struct web_route route;
};

struct web {
	struct web_options options;
	struct http_server *server;
	struct http_route *routes;
	struct place *places;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t changed;
	struct web_request *first;
	struct web_request *last;
	size_t running;
	size_t lanes[WEB_LANES]; /* how many of them in each lane */
	bool is_stopping;
	pthread_t *threads;
	size_t thread_count;
};

/* --- the HTTP threads ------------------------------------------------------------------------------------- */

static void refuse(struct http_request *http, int status, const char *body, int64_t retry_after_s)
{
	http_reply_now(http, &(struct http_reply){.status = status, .body = body, .retry_after_s = retry_after_s});
}

static void refuse_too_large(struct http_request *http)
{
	char body[96];
	(void)snprintf(body, sizeof(body), "{\"detail\":\"Request body is larger than %d bytes\"}", WEB_BODY_BYTES);
	refuse(http, 413, body, 0);
}

static void *begin(void *context, struct http_request *http)
{
	struct place *place = context;
	if (http_request_declared_length(http) > WEB_BODY_BYTES) refuse_too_large(http);
	return web_request_new(place->web, &place->route, http);
}

static void add_body(UNUSED void *context, void *state, struct http_request *http, struct bytes piece)
{
	if (!web_request_add_body(state, piece)) refuse_too_large(http);
}

static bool is_open(struct web *web)
{
	LOCK_HOLD(&web->lock);
	return !web->is_stopping;
}

static void enqueue(struct web *web, struct web_request *request)
{
	LOCK_HOLD(&web->lock);
	*(web->last ? &web->last->next : &web->first) = request;
	web->last = request;
	(void)pthread_cond_signal(&web->changed);
}

static void end(void *context, void *state, struct http_request *http)
{
	struct place *place = context;
	struct web *web = place->web;
	struct web_request *request = state;
	const struct http_reply late = {.status = 504, .body = "{\"detail\":\"The answer took too long, try again\"}"};
	web_request_read(request);
	if (request->is_bad) {
		refuse(http, 400, "{\"detail\":\"The request has a wrong percent escape\"}", 0);
		return;
	}
	request->due_ms = sysclock_monotonic_ms() + web->options.deadline_ms;
	/* The worker's hold comes first: it may be done before this returns. */
	atomic_fetch_add(&request->holders, 1);
	if (is_open(web) && http_suspend(http, web->options.deadline_ms, &late, &request->ticket)) {
		enqueue(web, request);
		return;
	}
	web_request_drop(request);
	refuse(http, 503, "{\"detail\":\"Too busy, try again\"}", BUSY_RETRY_S);
}

static void done(UNUSED void *context, void *state)
{
	web_request_drop(state);
}

/* --- the workers ------------------------------------------------------------------------------------------ */

/* The free lane leaves a third to the others, so that an OHE that hangs stops no sign-in. */
static bool has_room(const struct web *web, unsigned lane)
{
	size_t third = web->options.threads / WEB_LANES;
	return third == 0 || web->lanes[lane] < (lane == 0 ? web->options.threads - third : third);
}

/* Where the first request hangs whose lane has room; NULL: none does. Under the lock. */
static struct web_request **find_next(struct web *web)
{
	struct web_request **at = &web->first;
	while (*at && !has_room(web, (*at)->route->lane))
		at = &(*at)->next;
	return *at ? at : NULL;
}

/* Who waits for room in a lane is taken by the thread that makes it; the others may end meanwhile. */
static struct web_request *dequeue(struct web *web)
{
	struct web_request **at;
	LOCK_HOLD(&web->lock);
	while (!(at = find_next(web)) && !web->is_stopping)
		(void)pthread_cond_wait(&web->changed, &web->lock);
	if (!at) return NULL;
	struct web_request *request = *at;
	*at = request->next;
	for (web->last = web->first; web->last && web->last->next;)
		web->last = web->last->next;
	web->running++;
	web->lanes[request->route->lane]++;
	return request;
}

/* What the handler and its libraries left below: the deepest calls need less. */
__attribute__((noinline)) static void wipe_stack(void)
{
	char area[STACK_BYTES];
	mem_wipe(area, sizeof(area));
}

static void handle(struct web *web, struct web_request *request)
{
	CLEANUP(web_reply_done) struct web_reply reply = {.status = 500};
	struct http_reply http;
	int64_t start_ms = sysclock_monotonic_ms();
	strbuf_init(&reply.body, WEB_REPLY_BYTES);
	request->route->handle(web->options.context, request, &reply);
	web_request_wipe(request);
	wipe_stack();
	web_reply_finish(&reply, &http);
	LOG_DEBUG("request", LOG_TEXT("method", request->route->method), LOG_TEXT("route", request->route->pattern),
		  LOG_INT("status", http.status), LOG_INT("duration_ms", sysclock_monotonic_ms() - start_ms));
	(void)http_answer(web->server, request->ticket, &http);
}

static void *work(void *context)
{
	struct web *web = context;
	struct web_request *request;
	while ((request = dequeue(web))) {
		/* One that was answered with 504 while it waited is not begun. */
		if (sysclock_monotonic_ms() < request->due_ms) handle(web, request);
		unsigned lane = request->route->lane;
		web_request_drop(request);
		LOCK_HOLD(&web->lock);
		web->running--;
		web->lanes[lane]--;
	}
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------- */

static bool start_threads(struct web *web, struct err *err)
{
	web->threads = mem_zalloc(web->options.threads, sizeof(*web->threads));
	while (web->thread_count < web->options.threads) {
		if (pthread_create(&web->threads[web->thread_count], NULL, work, web) != 0)
			return err_set(err, ERR_BUSY, "cannot start the threads that answer");
		web->thread_count++;
	}
	return true;
}

static bool start_server(struct web *web, struct err *err)
{
	size_t count = web->options.route_count;
	web->routes = mem_zalloc(count + 1, sizeof(*web->routes));
	web->places = mem_zalloc(count + 1, sizeof(*web->places));
	for (size_t i = 0; i < count; i++) {
		web->places[i] = (struct place){web, web->options.routes[i]};
		web->routes[i] = (struct http_route){.method = web->places[i].route.method,
						     .pattern = web->places[i].route.pattern,
						     .begin = begin,
						     .body = add_body,
						     .end = end,
						     .done = done,
						     .context = &web->places[i]};
	}
	const struct http_server_options options = {
		.listen = web->options.listen,
		.routes = web->routes,
		.route_count = count,
		.suspended_limit = WAITING_MAX,
		.body_timeout_ms = TRANSFER_MS,
	};
	return http_server_new(&options, &web->server, err);
}

CLEANUP_FUNCTION(free_pointed, struct web *, web_free);

bool web_new(const struct web_options *options, struct web **ret, struct err *err)
{
	CLEANUP(free_pointed) struct web *web = mem_zalloc(1, sizeof(*web));
	web->options = *options;
	if (web->options.threads == 0) web->options.threads = THREADS;
	if (web->options.deadline_ms <= 0) web->options.deadline_ms = DEADLINE_MS;
	(void)pthread_mutex_init(&web->lock, NULL);
	(void)pthread_cond_init(&web->changed, NULL);
	/* The threads need the server; what comes before they run waits in the queue. */
	return start_server(web, err) && start_threads(web, err) && MOVE(ret, web);
}

uint16_t web_port(const struct web *web)
{
	return http_server_port(web->server);
}

void web_quiesce(struct web *web)
{
	http_server_quiesce(web->server);
}

static bool is_resting(struct web *web)
{
	LOCK_HOLD(&web->lock);
	return !web->first && web->running == 0;
}

bool web_is_idle(struct web *web)
{
	return is_resting(web) && http_server_suspended(web->server) == 0;
}

/* Handlers end first, what is queued included; only then may the server go, which their answers need. */
void web_free(struct web *web)
{
	if (!web) return;
	if (web->server) web_quiesce(web);
	(void)pthread_mutex_lock(&web->lock);
	web->is_stopping = true;
	(void)pthread_cond_broadcast(&web->changed);
	(void)pthread_mutex_unlock(&web->lock);
	for (size_t i = 0; i < web->thread_count; i++)
		(void)pthread_join(web->threads[i], NULL);
	http_server_free(web->server);
	for (struct web_request *next; web->first; web->first = next) {
		next = web->first->next;
		web_request_drop(web->first);
	}
	(void)pthread_mutex_destroy(&web->lock);
	(void)pthread_cond_destroy(&web->changed);
	MEM_FREE_ALL(web->threads, web->places, web->routes, web);
}
