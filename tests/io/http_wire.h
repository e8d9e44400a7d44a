#ifndef OHDC_TESTS_IO_HTTP_WIRE_H
#define OHDC_TESTS_IO_HTTP_WIRE_H

/* Hand-written HTTP over loopback sockets: every byte is the test's own. All waits end after WIRE_PATIENCE_MS. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_PATIENCE_MS = 10000, WIRE_SIZE = 128 * 1024 };

/** What came from a socket. */
struct wire {
	int fd;
	size_t len;
	char text[WIRE_SIZE]; /**< NUL-terminated */
};

/** Connect to 127.0.0.1; -1 when refused. */
int wire_connect(uint16_t port);

/** A listening socket on 127.0.0.1; its port in `*ret_port`. */
int wire_listen(uint16_t *ret_port);

/** Accept one connection, -1 when none comes. */
int wire_accept(int listen_fd);

/** Send all of the text; false when the peer is gone. */
bool wire_send(int fd, const char *text);

/** Send `len` bytes; false when the peer is gone. */
bool wire_send_bytes(int fd, const void *bytes, size_t len);

/** Start reading from a socket. */
void wire_init(struct wire *wire, int fd);

/** Read one whole message (headers and Content-Length bytes) and forget the one before; false: the peer closed first. */
bool wire_read_message(struct wire *wire);

/** Read until the peer closes; false when it does not. */
bool wire_read_end(struct wire *wire);

/** Whether something can be read within `timeout_ms`. */
bool wire_is_readable(int fd, int timeout_ms);

/** The number at `text`, after spaces. */
size_t wire_number(const char *text);

/** Status of the answer that was read, 0 when there is none. */
int wire_status(const struct wire *wire);

/** Wait until `*(condition)(context)` holds; false when it does not. */
bool wire_wait(bool (*condition)(void *context), void *context);

#endif
