/* The listening socket: an address as text becomes a bound port. */

#include "common/io/http_server_parts.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/banned.h"

enum { LISTEN_BACKLOG = 1024, HOST_SIZE = 256 };

CLEANUP_FUNCTION(done_addresses, struct addrinfo *, freeaddrinfo);

/* "1.2.3.4:80", "[::]:80" and ":80". */
static bool look_up(const char *text, struct addrinfo **ret, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	const char *colon = strrchr(text, ':');
	bool is_bracketed = colon && colon - text >= 2 && text[0] == '[' && colon[-1] == ']';
	char host[HOST_SIZE];
	int len = colon ? (int)(colon - text) - (is_bracketed ? 2 : 0) : 0;
	(void)snprintf(host, sizeof(host), "%.*s", len, text + (is_bracketed ? 1 : 0));
	if (!colon || colon[1] == '\0' || len >= HOST_SIZE ||
	    getaddrinfo(len > 0 ? host : NULL, colon + 1, &hints, ret) != 0)
		return err_set(err, ERR_INPUT, "listen address '%s' is not ADDRESS:PORT", text);
	return true;
}

static bool listen_on(int fd, const struct addrinfo *address)
{
	const int on = 1;
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, LISTEN_BACKLOG) == 0;
}

static bool refuse(int fd, const char *text, struct err *err)
{
	enum err_code code = errno == EADDRINUSE ? ERR_BUSY : ERR_INPUT;
	(void)err_set(err, code, "cannot listen at '%s': %s", text, strerrordesc_np(errno));
	if (fd >= 0) (void)close(fd);
	return false;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in in;
	socklen_t size = sizeof(address);
	(void)getsockname(fd, (struct sockaddr *)&address, &size);
	/* The port is at the same place in both families. */
	memcpy(&in, &address, sizeof(in));
	return ntohs(in.sin_port);
}

bool http_listen(const char *address, int *ret_fd, uint16_t *ret_port, struct err *err)
{
	CLEANUP(done_addresses) struct addrinfo *found = NULL;
	int fd;
	if (!look_up(address, &found, err)) return false;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !listen_on(fd, found)) return refuse(fd, address, err);
	*ret_fd = fd;
	*ret_port = port_of(fd);
	return true;
}
