/*
 * The keeper: one thread that accepts connections and looks at deadlines, of connections and of suspended requests. It sleeps
 * until the earliest deadline; deadlines are mostly alike, so that a newer one is seldom earlier and wakes it seldom.
 */

#include "common/io/http_server_parts.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum {
	LOOK_GAP_MS = 5,       /* between two looks at all deadlines */
	ACCEPT_PAUSE_MS = 100, /* after accept failed for want of descriptors or memory */
	LONGEST_SLEEP_MS = 60000,
};

static const char late_reply[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
				 "Content-Type: application/json\r\nContent-Length: 28\r\n\r\n"
				 "{\"detail\":\"Request Timeout\"}";

void http_keeper_wake(struct http_server *server)
{
	(void)eventfd_write(server->wake_fd, 1);
}

/* Lower the time of the next look; whether it was later. */
static bool look_at(struct http_server *server, int64_t at_ms)
{
	int64_t planned = atomic_load(&server->wake_at_ms);
	while (at_ms < planned) {
		if (atomic_compare_exchange_weak(&server->wake_at_ms, &planned, at_ms)) return true;
	}
	return false;
}

void http_keeper_hint(struct http_server *server, int64_t deadline_ms)
{
	if (look_at(server, deadline_ms)) http_keeper_wake(server);
}

struct http_connection *http_connection_new(struct http_server *server, int fd)
{
	struct http_connection *connection = mem_zalloc(1, sizeof(*connection));
	int64_t deadline_ms = sysclock_monotonic_ms() + server->options.header_timeout_ms;
	connection->fd = fd;
	connection->request.server = server;
	connection->request.owner = connection;
	atomic_store(&connection->due, HTTP_DUE_REQUEST);
	atomic_store(&connection->deadline_ms, deadline_ms);
	(void)pthread_mutex_lock(&server->lock);
	LIST_INSERT_HEAD(&server->connections, connection, link);
	(void)pthread_mutex_unlock(&server->lock);
	http_keeper_hint(server, deadline_ms);
	return connection;
}

void http_connection_free(struct http_server *server, struct http_connection *connection)
{
	(void)pthread_mutex_lock(&server->lock);
	LIST_REMOVE(connection, link);
	(void)pthread_mutex_unlock(&server->lock);
	mem_free(connection->request.piece);
	http_reply_copy_done(&connection->request.reply);
	mem_free(connection);
	if (atomic_fetch_sub(&server->connection_count, 1) == server->options.connection_limit)
		http_keeper_wake(server);
}

bool http_connection_expect(struct http_request *request, enum http_due due, int64_t timeout_ms)
{
	struct http_connection *connection = request->owner;
	int64_t deadline_ms = timeout_ms > 0 ? sysclock_monotonic_ms() + timeout_ms : HTTP_NO_DEADLINE;
	int64_t old = atomic_load(&connection->deadline_ms);
	do {
		if (old == HTTP_REAPED) return false;
	} while (!atomic_compare_exchange_weak(&connection->deadline_ms, &old, deadline_ms));
	atomic_store(&connection->due, due);
	http_keeper_hint(request->server, deadline_ms);
	return true;
}

/* With the list locked the socket is still open: it is closed after the connection has left the list. */
static void reap(struct http_connection *connection)
{
	if (atomic_load(&connection->due) == HTTP_DUE_REQUEST)
		(void)send(connection->fd, late_reply, sizeof(late_reply) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(connection->fd, SHUT_RDWR);
}

static int64_t expire_connections(struct http_server *server, int64_t now_ms)
{
	int64_t next_ms = HTTP_NO_DEADLINE;
	(void)pthread_mutex_lock(&server->lock);
	for (struct http_connection *at = LIST_FIRST(&server->connections); at; at = LIST_NEXT(at, link)) {
		int64_t deadline_ms = atomic_load(&at->deadline_ms);
		if (deadline_ms == HTTP_REAPED) continue;
		if (deadline_ms > now_ms)
			next_ms = deadline_ms < next_ms ? deadline_ms : next_ms;
		else if (atomic_compare_exchange_strong(&at->deadline_ms, &deadline_ms, HTTP_REAPED))
			reap(at);
	}
	(void)pthread_mutex_unlock(&server->lock);
	return next_ms;
}

int64_t http_keeper_expire_slots(struct http_server *server, int64_t now_ms)
{
	int64_t next_ms = HTTP_NO_DEADLINE;
	uint32_t cursor = 0;
	struct http_slot *slot;
	while ((slot = http_slots_claim_expired(&server->slots, now_ms, &cursor, &next_ms))) {
		http_mhd_resume(slot->connection);
		if (server->options.late) server->options.late(server->options.late_context);
	}
	return next_ms;
}

/* A deadline set meanwhile lowers the time again, before or after, and wakes the next poll. */
static void look(struct http_server *server, int64_t now_ms)
{
	int64_t next_ms;
	atomic_store(&server->wake_at_ms, HTTP_NO_DEADLINE);
	next_ms = expire_connections(server, now_ms);
	if (next_ms != HTTP_NO_DEADLINE && next_ms < now_ms + LOOK_GAP_MS) next_ms = now_ms + LOOK_GAP_MS;
	(void)look_at(server, next_ms);
	(void)look_at(server, http_keeper_expire_slots(server, now_ms));
}

/* Take what waits in the backlog; false when the system has no more to give for now. */
static bool accept_all(struct http_server *server)
{
	while (atomic_load(&server->connection_count) < server->options.connection_limit) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR)) continue;
		if (fd < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
		atomic_fetch_add(&server->connection_count, 1);
		http_mhd_add(server, fd);
	}
	return true;
}

static int sleep_ms(struct http_server *server, bool is_paused)
{
	int64_t now_ms = sysclock_monotonic_ms();
	int64_t left_ms = atomic_load(&server->wake_at_ms) - now_ms;
	int64_t longest_ms = is_paused ? ACCEPT_PAUSE_MS : LONGEST_SLEEP_MS;
	if (left_ms < 0) return 0;
	return (int)(left_ms < longest_ms ? left_ms : longest_ms);
}

static void stop_listening(struct http_server *server)
{
	if (server->listen_fd >= 0) (void)close(server->listen_fd);
	server->listen_fd = -1;
}

static void *run(void *context)
{
	struct http_server *server = context;
	bool is_paused = false;
	while (!atomic_load(&server->is_stopping)) {
		bool is_full = atomic_load(&server->connection_count) >= server->options.connection_limit;
		struct pollfd fds[] = {
			{.fd = server->wake_fd, .events = POLLIN},
			{.fd = is_full || is_paused ? -1 : server->listen_fd, .events = POLLIN},
		};
		eventfd_t ignored;
		(void)poll(fds, ARRAY_LEN(fds), sleep_ms(server, is_paused));
		if (fds[0].revents != 0) (void)eventfd_read(server->wake_fd, &ignored);
		if (atomic_load(&server->is_quiescing)) stop_listening(server);
		is_paused = fds[1].revents != 0 && server->listen_fd >= 0 && !accept_all(server);
		if (sysclock_monotonic_ms() >= atomic_load(&server->wake_at_ms)) look(server, sysclock_monotonic_ms());
	}
	return NULL;
}

bool http_keeper_start(struct http_server *server, struct err *err)
{
	if (pthread_create(&server->keeper, NULL, run, server) != 0)
		return err_set(err, ERR_BUSY, "cannot start the thread that accepts connections");
	server->has_keeper = true;
	return true;
}

void http_keeper_stop(struct http_server *server)
{
	atomic_store(&server->is_stopping, true);
	if (server->has_keeper) {
		http_keeper_wake(server);
		(void)pthread_join(server->keeper, NULL);
	}
	stop_listening(server);
}
