/* Life of an HTTP server, and answers to suspended requests. */

#include "common/io/http_server_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum {
	FLUSH_MS = 1000, /* how long a stopping server waits for its last answers to be taken */
	STEP_MS = 1,
};

static void set_defaults(struct http_server_options *options)
{
	if (options->threads == 0) options->threads = 1;
	if (options->connection_limit == 0) options->connection_limit = 1024;
	if (options->suspended_limit == 0) options->suspended_limit = 4096;
	if (options->header_timeout_ms <= 0) options->header_timeout_ms = 5000;
	if (options->body_timeout_ms <= 0) options->body_timeout_ms = 10000;
	if (options->idle_timeout_ms <= 0) options->idle_timeout_ms = 75000;
	if (options->connection_bytes == 0) options->connection_bytes = 32 * 1024;
	if (options->body_ceiling_bytes == 0) options->body_ceiling_bytes = 64 * 1024;
}

CLEANUP_FUNCTION(free_server, struct http_server *, http_server_free);

static bool start(struct http_server *server, struct err *err)
{
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->wake_fd < 0) return err_set(err, ERR_BUSY, "cannot make an event descriptor");
	return http_listen(server->options.listen, &server->listen_fd, &server->port, err) &&
	       http_mhd_start(server, err) && http_keeper_start(server, err);
}

bool http_server_new(const struct http_server_options *options, struct http_server **ret, struct err *err)
{
	CLEANUP(free_server) struct http_server *server = mem_zalloc(1, sizeof(*server));
	server->options = *options;
	set_defaults(&server->options);
	server->paths = http_paths_new(options->routes, options->route_count);
	server->listen_fd = -1;
	server->wake_fd = -1;
	atomic_store(&server->wake_at_ms, HTTP_NO_DEADLINE);
	(void)pthread_mutex_init(&server->lock, NULL);
	http_slots_init(&server->slots, server->options.suspended_limit);
	return start(server, err) && MOVE(ret, server);
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_quiesce(struct http_server *server)
{
	atomic_store(&server->is_quiescing, true);
	http_keeper_wake(server);
}

size_t http_server_suspended(struct http_server *server)
{
	return atomic_load(&server->slots.taken);
}

static void pause_step(void)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};
	(void)nanosleep(&step, NULL);
}

/* libmicrohttpd cannot be stopped while a connection is suspended, nor while a thread is about to resume one. */
static void answer_all(struct http_server *server)
{
	while (http_server_suspended(server) > 0 || atomic_load(&server->answering) > 0) {
		(void)http_keeper_expire_slots(server, HTTP_NO_DEADLINE);
		pause_step();
	}
}

static void flush(struct http_server *server)
{
	int64_t end_ms = sysclock_monotonic_ms() + FLUSH_MS;
	while (atomic_load(&server->sending) > 0 && sysclock_monotonic_ms() < end_ms)
		pause_step();
}

void http_server_free(struct http_server *server)
{
	if (!server) return;
	http_server_quiesce(server);
	http_keeper_stop(server);
	answer_all(server);
	flush(server);
	http_mhd_stop(server);
	http_slots_done(&server->slots);
	mem_free(server->paths);
	(void)pthread_mutex_destroy(&server->lock);
	if (server->wake_fd >= 0) (void)close(server->wake_fd);
	mem_free(server);
}

bool http_suspend(struct http_request *request, int64_t deadline_ms, const struct http_reply *on_deadline,
		  struct http_ticket *ret)
{
	struct http_server *server = request->server;
	struct http_slot *slot;
	int64_t at_ms = sysclock_monotonic_ms() + deadline_ms;
	if (request->phase != HTTP_PHASE_END || request->has_reply) return false;
	slot = http_slots_take(&server->slots);
	if (!slot) return false;
	/* After taking the slot: either this sees the stop, or the stopping thread sees the slot and waits. */
	if (atomic_load(&server->is_stopping)) {
		http_slots_release(&server->slots, slot);
		return false;
	}
	slot->connection = request->connection;
	http_reply_copy_set(&slot->reply, on_deadline);
	atomic_store(&slot->deadline_ms, at_ms);
	request->slot = slot;
	request->phase = HTTP_PHASE_WAIT;
	http_mhd_suspend(request);
	*ret = http_slot_open(slot);
	http_keeper_hint(server, at_ms);
	return true;
}

bool http_answer(struct http_server *server, struct http_ticket ticket, const struct http_reply *reply)
{
	struct http_slot *slot;
	atomic_fetch_add(&server->answering, 1);
	slot = http_slots_claim(&server->slots, ticket);
	if (slot) {
		http_reply_copy_set(&slot->reply, reply);
		http_mhd_resume(slot->connection);
	} else {
		mem_wipe_free(reply->own_body);
	}
	atomic_fetch_sub(&server->answering, 1);
	return slot;
}
