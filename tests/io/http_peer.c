/* A server that plays a script of raw answers. */
#include "tests/io/http_peer.h"
#include "tests/io/http_wire.h"

#include "common/base/mem.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/banned.h"

/* A connection is either TLS or plain; both are read byte for byte until the request is whole. */
struct stream {
	int fd;
	SSL *tls;
};

static size_t stream_read(struct stream *stream, char *byte)
{
	if (stream->tls) return SSL_read(stream->tls, byte, 1) == 1 ? 1 : 0;
	return recv(stream->fd, byte, 1, 0) == 1 ? 1 : 0;
}

static void stream_write(struct stream *stream, const char *text)
{
	if (stream->tls)
		(void)SSL_write(stream->tls, text, (int)strlen(text));
	else
		(void)wire_send(stream->fd, text);
}

static size_t body_len(const char *text)
{
	const char *length = strcasestr(text, "\r\nContent-Length: ");
	return length ? wire_number(length + strlen("\r\nContent-Length:")) : 0;
}

/* Read a whole request; false when the client has closed. */
static bool read_request(struct stream *stream, char text[PEER_REQUEST_SIZE])
{
	size_t len = 0;
	size_t whole = PEER_REQUEST_SIZE - 1;
	while (len < whole) {
		if (stream_read(stream, text + len) == 0) return false;
		text[++len] = '\0';
		if (whole == PEER_REQUEST_SIZE - 1 && len >= 4 && strcmp(text + len - 4, "\r\n\r\n") == 0)
			whole = len + body_len(text);
	}
	return true;
}

static void serve(struct http_peer *peer, struct stream *stream)
{
	char text[PEER_REQUEST_SIZE];
	while (read_request(stream, text)) {
		size_t number = atomic_load(&peer->request_count);
		struct peer_step step = {0};
		if (number < peer->count) step = peer->steps[number];
		memcpy(peer->requests[number], text, sizeof(text));
		atomic_store(&peer->request_count, number + 1);
		if (step.answer) stream_write(stream, step.answer);
		if (step.closes) return;
	}
}

static void *run_connection(void *context)
{
	struct peer_connection *connection = context;
	struct stream stream = {.fd = connection->fd};
	if (connection->peer->tls) {
		stream.tls = SSL_new(connection->peer->tls);
		(void)SSL_set_fd(stream.tls, stream.fd);
	}
	if (!stream.tls || SSL_accept(stream.tls) == 1) serve(connection->peer, &stream);
	SSL_free(stream.tls);
	(void)close(stream.fd);
	return NULL;
}

static void *run_acceptor(void *context)
{
	struct http_peer *peer = context;
	for (;;) {
		size_t number = atomic_load(&peer->connection_count);
		int fd = accept4(peer->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) return NULL;
		peer->connections[number] = (struct peer_connection){.peer = peer, .fd = fd};
		if (pthread_create(&peer->connections[number].thread, NULL, run_connection,
				   &peer->connections[number]) != 0)
			abort();
		atomic_store(&peer->connection_count, number + 1);
	}
}

static void start(struct http_peer *peer)
{
	peer->listen_fd = wire_listen(&peer->port);
	if (pthread_create(&peer->acceptor, NULL, run_acceptor, peer) != 0) abort();
}

static struct http_peer *peer_of(const struct peer_step *steps, size_t count)
{
	struct http_peer *peer = mem_zalloc(1, sizeof(*peer));
	peer->steps = steps;
	peer->count = count;
	return peer;
}

struct http_peer *http_peer_new(const struct peer_step *steps, size_t count)
{
	struct http_peer *peer = peer_of(steps, count);
	start(peer);
	return peer;
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"loopback", -1, -1, 0);
	(void)X509_set_issuer_name(cert, name);
	(void)X509_set_pubkey(cert, key);
	(void)X509_add_ext(cert, san, -1);
	X509_EXTENSION_free(san);
	if (X509_sign(cert, key, EVP_sha256()) == 0) abort();
	return cert;
}

static void write_pem(const char *path, X509 *cert)
{
	FILE *file = fopen(path, "w");
	if (!file || PEM_write_X509(file, cert) != 1 || fclose(file) != 0) abort();
}

struct http_peer *http_peer_tls_new(const struct peer_step *steps, size_t count, const char *path)
{
	struct http_peer *peer = peer_of(steps, count);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = self_signed(key);

	peer->tls = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate(peer->tls, cert) != 1 || SSL_CTX_use_PrivateKey(peer->tls, key) != 1) abort();
	write_pem(path, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	start(peer);
	return peer;
}

void http_peer_free(struct http_peer *peer)
{
	(void)shutdown(peer->listen_fd, SHUT_RDWR);
	(void)pthread_join(peer->acceptor, NULL);
	for (size_t i = 0; i < atomic_load(&peer->connection_count); i++)
		(void)pthread_join(peer->connections[i].thread, NULL);
	(void)close(peer->listen_fd);
	SSL_CTX_free(peer->tls);
	mem_free(peer);
}
