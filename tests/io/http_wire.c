/* Hand-written HTTP over loopback sockets: every byte is the test's own. */
#include "tests/io/http_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/banned.h"

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int wire_connect(uint16_t port)
{
	struct sockaddr_in address = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) return fd;
	(void)close(fd);
	return -1;
}

int wire_listen(uint16_t *ret_port)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		abort();
	*ret_port = ntohs(address.sin_port);
	return fd;
}

bool wire_is_readable(int fd, int timeout_ms)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	return poll(&poller, 1, timeout_ms) == 1;
}

int wire_accept(int listen_fd)
{
	if (!wire_is_readable(listen_fd, WIRE_PATIENCE_MS)) return -1;
	return accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

bool wire_send_bytes(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;
	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
		if (sent <= 0) return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

bool wire_send(int fd, const char *text)
{
	return wire_send_bytes(fd, text, strlen(text));
}

void wire_init(struct wire *wire, int fd)
{
	wire->fd = fd;
	wire->len = 0;
	wire->text[0] = '\0';
}

/* One read; false at the end, on an error and when nothing comes. */
static bool read_more(struct wire *wire)
{
	ssize_t got;
	if (wire->len + 1 >= WIRE_SIZE || !wire_is_readable(wire->fd, WIRE_PATIENCE_MS)) return false;
	got = recv(wire->fd, wire->text + wire->len, WIRE_SIZE - 1 - wire->len, 0);
	if (got <= 0) return false;
	wire->len += (size_t)got;
	wire->text[wire->len] = '\0';
	return true;
}

size_t wire_number(const char *text)
{
	size_t number = 0;
	for (text += strspn(text, " "); *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (size_t)(*text - '0');
	return number;
}

/* Length of the first message in the buffer, 0 while it is not whole. */
static size_t message_len(const struct wire *wire)
{
	const char *end = strstr(wire->text, "\r\n\r\n");
	const char *length = strcasestr(wire->text, "\r\nContent-Length:");
	size_t len;
	if (!end) return 0;
	len = (size_t)(end - wire->text) + 4;
	if (length && length < end) len += wire_number(length + strlen("\r\nContent-Length:"));
	return len <= wire->len ? len : 0;
}

bool wire_read_message(struct wire *wire)
{
	/* Between two calls the first message stays, NUL-terminated, with the rest behind its NUL. */
	size_t old = strlen(wire->text);
	bool is_cut = old < wire->len;
	if (is_cut) memmove(wire->text, wire->text + old + 1, wire->len - old);
	wire->len = is_cut ? wire->len - old - 1 : 0;
	wire->text[wire->len] = '\0';
	while (message_len(wire) == 0) {
		if (!read_more(wire)) return false;
	}
	old = message_len(wire);
	if (old < wire->len) {
		memmove(wire->text + old + 1, wire->text + old, wire->len - old);
		wire->len++;
		wire->text[wire->len] = '\0';
		wire->text[old] = '\0';
	}
	return true;
}

bool wire_read_end(struct wire *wire)
{
	char byte;
	while (read_more(wire))
		;
	return wire_is_readable(wire->fd, 0) && recv(wire->fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

int wire_status(const struct wire *wire)
{
	return strncmp(wire->text, "HTTP/1.1 ", 9) == 0 ? (int)wire_number(wire->text + 9) : 0;
}

bool wire_wait(bool (*condition)(void *context), void *context)
{
	const struct timespec step = {.tv_nsec = 1000000};
	for (int i = 0; i < WIRE_PATIENCE_MS; i++) {
		if (condition(context)) return true;
		(void)nanosleep(&step, NULL);
	}
	return false;
}
