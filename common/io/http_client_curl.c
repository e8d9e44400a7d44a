/* The real HTTP port, over libcurl: a stack of easy handles, one per call under way. */

#include "common/io/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"
#include "common/io/config.h"
#include "common/io/http_client_ca.h"
#include "common/io/lock.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum {
	IDLE_HANDLES_MAX = 8,   /* each keeps about 1 MiB of parsed root certificates */
	IDLE_CONNECTION_S = 50, /* peers and proxies close idle connections after a minute or so */
	CONNECT_TIMEOUT_MS = 5000,
	RETRY_AFTER_MAX_S = 86400,
	HEADER_BYTES_MAX = 256 * 1024, /* of one answer, interim ones included */
	CA_PATH_SIZE = 32,
	ORIGIN_SIZE = 256,
};

/* A handle keeps the connections of its safe calls, so that the next call to the same origin had best use it too. */
struct handle {
	CURL *easy;
	unsigned ca_number; /* of the bundle it has parsed */
	char origin[ORIGIN_SIZE];
	struct handle *next;
};

struct curl_client {
	struct http_client port;
	struct http_client_options options;
	char *user_agent;
	char *proxy; /* for http URLs, where libcurl does not find it itself; else NULL */
	char *ca_file;
	struct config_file_id ca_seen;
	_Atomic unsigned ca_number; /* counts the contents of ca_file */
	int ca_fd;
	char ca_path[CA_PATH_SIZE]; /* "": the system's */
	pthread_mutex_t lock;       /* guards idle, idle_count and ca_seen */
	struct handle *idle;
	unsigned idle_count;
};

/* One call under way. */
struct transfer {
	struct curl_client *client;
	const struct http_call *call;
	struct curl_slist *headers;
	struct strbuf body;
	bool was_sent;     /* the request may have left us */
	bool was_stopped;  /* by its gate */
	bool was_filtered; /* an address of the host may not be used */
	bool was_opened;   /* another may */
	size_t header_bytes;
	bool has_headers; /* the answer's headers came to their end */
	char message[CURL_ERROR_SIZE];
};

static void transfer_done(struct transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	strbuf_done(&transfer->body);
}

/* --- handles -------------------------------------------------------------------------------------- */

/* "https://host:port" of a URL. */
static void origin_of(const char *url, char ret[ORIGIN_SIZE])
{
	const char *host = strstr(url, "://");
	size_t len = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
	(void)snprintf(ret, ORIGIN_SIZE, "%.*s", len < ORIGIN_SIZE ? (int)len : 0, url);
}

static struct handle *pop(struct curl_client *client, const char *origin)
{
	struct handle **place = &client->idle;
	struct handle *handle;
	LOCK_HOLD(&client->lock);

	while (*place && strcmp((*place)->origin, origin) != 0)
		place = &(*place)->next;
	if (!*place) place = &client->idle;
	handle = *place;
	if (handle) {
		*place = handle->next;
		client->idle_count--;
	}
	return handle;
}

static void handle_free(struct handle *handle)
{
	curl_easy_cleanup(handle->easy);
	mem_free(handle);
}

static void free_idle(struct curl_client *client)
{
	while (client->idle) {
		struct handle *handle = client->idle;
		client->idle = handle->next;
		handle_free(handle);
	}
	client->idle_count = 0;
}

/* Once, and again when the file has changed: handles keep what they have parsed, and go with it. */
static bool join_roots(struct curl_client *client, struct err *err)
{
	struct config_file_id now = config_look_at(client->ca_file ? client->ca_file : "");
	LOCK_HOLD(&client->lock);
	if (!client->ca_file || (client->ca_fd >= 0 && config_is_same_file(&now, &client->ca_seen))) return true;
	client->ca_seen = now;
	if (!http_client_ca_join(curl_version_info(CURLVERSION_NOW)->cainfo, client->ca_file, &client->ca_fd, err))
		return false;
	client->ca_number++;
	free_idle(client);
	return true;
}

static struct handle *handle_take(struct curl_client *client, const char *url)
{
	char origin[ORIGIN_SIZE];
	origin_of(url, origin);
	struct handle *handle = pop(client, origin);
	if (!handle) {
		CURL *easy = curl_easy_init();
		if (!easy) return NULL;
		handle = mem_zalloc(1, sizeof(*handle));
		handle->easy = easy;
		handle->ca_number = client->ca_number;
	}
	memcpy(handle->origin, origin, sizeof(origin));
	return handle;
}

/* False: there are enough of them. */
static bool push(struct curl_client *client, struct handle *handle)
{
	LOCK_HOLD(&client->lock);
	if (client->idle_count == IDLE_HANDLES_MAX || handle->ca_number != client->ca_number) return false;
	handle->next = client->idle;
	client->idle = handle;
	client->idle_count++;
	return true;
}

static void handle_give_back(struct curl_client *client, struct handle *handle)
{
	/* Options point into the call and the stack; connections stay. */
	curl_easy_reset(handle->easy);
	if (!push(client, handle)) handle_free(handle);
}

/* --- callbacks ------------------------------------------------------------------------------------ */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	strbuf_add_bytes(&transfer->body, bytes_of(bytes, size * count));
	return transfer->body.is_cut ? 0 : size * count;
}

/* libcurl takes a connection that closes between two header lines for a whole answer. */
static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count;
	if (len >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		transfer->has_headers = false; /* the real answer, after an interim one */
	else if (len > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
		transfer->has_headers = true;
	transfer->header_bytes += len;
	return transfer->header_bytes > HEADER_BYTES_MAX ? 0 : len;
}

/* Connected, nothing of the request sent yet. A second time would be a repetition inside libcurl. */
static int on_connected(void *context, UNUSED char *remote, UNUSED char *local, UNUSED int remote_port,
			UNUSED int local_port)
{
	struct transfer *transfer = context;
	const struct http_call *call = transfer->call;
	if (call->is_unsafe && transfer->was_sent) return CURL_PREREQFUNC_ABORT;
	if (call->is_unsafe && call->may_send && !call->may_send(call->gate)) {
		transfer->was_stopped = true;
		return CURL_PREREQFUNC_ABORT;
	}
	transfer->was_sent = true;
	return CURL_PREREQFUNC_OK;
}

static bool address_text(const struct curl_sockaddr *address, char ret[INET6_ADDRSTRLEN])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	if (address->family == AF_INET) {
		memcpy(&in, &address->addr, sizeof(in));
		return inet_ntop(AF_INET, &in.sin_addr, ret, INET6_ADDRSTRLEN) != NULL;
	}
	if (address->family != AF_INET6 || address->addrlen < sizeof(in6)) return false;
	memcpy(&in6, &address->addr, sizeof(in6));
	return inet_ntop(AF_INET6, &in6.sin6_addr, ret, INET6_ADDRSTRLEN) != NULL;
}

static curl_socket_t on_open(void *context, UNUSED curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	const struct http_client_options *options = &transfer->client->options;
	char text[INET6_ADDRSTRLEN];
	if (!address_text(address, text) || !options->may_open(options->context, text)) {
		transfer->was_filtered = true;
		return CURL_SOCKET_BAD;
	}
	transfer->was_opened = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- one call ------------------------------------------------------------------------------------- */

static void add_header(struct transfer *transfer, const char *line)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);
	if (longer) transfer->headers = longer;
}

static void set_headers(struct transfer *transfer, CURL *easy)
{
	const struct http_call *call = transfer->call;
	char type[LIMIT_NAME_BYTES];
	for (size_t i = 0; i < HTTP_CALL_HEADERS_MAX && call->headers[i]; i++)
		add_header(transfer, call->headers[i]);
	if (call->body.len > 0) {
		(void)snprintf(type, sizeof(type), "Content-Type: %s",
			       call->content_type ? call->content_type : "application/json");
		add_header(transfer, type);
	}
	add_header(transfer, "Expect:"); /* no waiting for 100, no second try after 417 */
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_method(const struct http_call *call, CURL *easy)
{
	bool is_post = strcmp(call->method, "POST") == 0;
	if (is_post || call->body.len > 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.len > 0 ? (const char *)call->body.ptr : "");
	}
	if (!is_post && strcmp(call->method, "GET") != 0) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_peer(const struct transfer *transfer, CURL *easy)
{
	const struct curl_client *client = transfer->client;
	/* No folder of certificates: with one, libcurl parses all of them for each connection. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (client->ca_path[0] != '\0') curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_path);
	/* libcurl itself reads only the lower-case name for http. */
	if (client->proxy && text_starts(transfer->call->url, "http://"))
		curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy);
	if (client->options.may_open) {
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	}
	if (client->user_agent) curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
}

static void set_times(const struct transfer *transfer, CURL *easy)
{
	int64_t deadline_ms = transfer->call->deadline_ms;
	int64_t connect_ms = transfer->call->connect_ms;
	if (connect_ms <= 0) connect_ms = CONNECT_TIMEOUT_MS;
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(deadline_ms < connect_ms ? deadline_ms : connect_ms));
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
}

static void set_up(struct transfer *transfer, CURL *easy)
{
	const struct http_call *call = transfer->call;
	long is_unsafe = call->is_unsafe ? 1L : 0L;
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/* On a connection that was used before, libcurl would repeat even a POST when the connection dies. */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, is_unsafe);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, is_unsafe);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	set_method(call, easy);
	set_headers(transfer, easy);
	set_peer(transfer, easy);
	set_times(transfer, easy);
}

static bool is_forbidden(const struct transfer *transfer)
{
	return transfer->was_filtered && !transfer->was_opened && !transfer->was_sent;
}

static enum err_code code_of(const struct transfer *transfer, CURLcode code)
{
	bool is_input = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL || is_forbidden(transfer);
	if (transfer->was_stopped) return ERR_CONFLICT;
	if (!transfer->was_sent) return is_input ? ERR_INPUT : ERR_NETWORK;
	if (transfer->call->is_unsafe) return ERR_UNCERTAIN;
	if (transfer->body.is_cut) return ERR_LIMIT;
	return code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_NETWORK;
}

static bool fail(const struct transfer *transfer, CURLcode code, struct err *err)
{
	const char *why = transfer->message[0] != '\0' ? transfer->message : curl_easy_strerror(code);
	if (transfer->was_stopped)
		why = "stopped before it was sent";
	else if (is_forbidden(transfer))
		why = "the host's address may not be used";
	else if (transfer->body.is_cut)
		why = "the answer is too large";
	return err_set(err, code_of(transfer, code), "%s: %s", transfer->call->method, why);
}

static void read_result(struct transfer *transfer, CURL *easy, struct http_result *ret)
{
	long status = 0;
	curl_off_t retry_after_s = 0;
	struct curl_header *user = NULL;
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (retry_after_s > RETRY_AFTER_MAX_S) retry_after_s = RETRY_AFTER_MAX_S;
	*ret = (struct http_result){
		.status = (int)status, .retry_after_ms = (int64_t)retry_after_s * 1000, .body_len = transfer->body.len};
	ret->body = strbuf_take(&transfer->body);
	if (curl_easy_header(easy, "X-AUSERNAME", 0, CURLH_HEADER, -1, &user) == CURLHE_OK)
		ret->user_name = mem_dup(user->value);
}

/* Tokens come from outside: none may bring a second header along. */
static bool has_broken_header(const struct http_call *call)
{
	for (size_t i = 0; i < HTTP_CALL_HEADERS_MAX && call->headers[i]; i++) {
		if (text_has_control(call->headers[i])) return true;
	}
	return false;
}

static bool curl_send(struct http_client *self, const struct http_call *call, struct http_result *ret, struct err *err)
{
	struct curl_client *client = (struct curl_client *)self;
	CLEANUP(transfer_done) struct transfer transfer = {.client = client, .call = call};
	struct err failure = {0};
	struct handle *handle;
	CURLcode code;
	if (call->deadline_ms <= 0) return err_set(err, ERR_NETWORK, "%s: no time left to send it", call->method);
	if (has_broken_header(call))
		return err_set(err, ERR_INPUT, "%s: a header holds a control character", call->method);
	strbuf_init(&transfer.body, call->ceiling_bytes > 0 ? call->ceiling_bytes : LIMIT_HTTP_RESPONSE_BYTES);
	if (!join_roots(client, &failure))
		log_err("a changed CA file cannot be used, the old one stays in use", &failure);
	handle = handle_take(client, call->url);
	if (!handle) return err_set(err, ERR_NETWORK, "%s: no HTTP handle", call->method);
	set_up(&transfer, handle->easy);
	code = curl_easy_perform(handle->easy);
	if (code == CURLE_OK && !transfer.has_headers) code = CURLE_PARTIAL_FILE;
	if (code == CURLE_OK) read_result(&transfer, handle->easy, ret);
	handle_give_back(client, handle);
	return code == CURLE_OK || fail(&transfer, code, err);
}

/* --- life ----------------------------------------------------------------------------------------- */

static void curl_free_client(struct http_client *self)
{
	struct curl_client *client = (struct curl_client *)self;
	free_idle(client);
	if (client->ca_fd >= 0) (void)close(client->ca_fd);
	MEM_FREE_ALL(client->user_agent, client->proxy, client->ca_file);
	(void)pthread_mutex_destroy(&client->lock);
	mem_free(client);
	curl_global_cleanup();
}

bool http_client_curl_new(const struct http_client_options *options, struct http_client **ret, struct err *err)
{
	struct curl_client *client;
	/* Counted and thread-safe since libcurl 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl cannot be set up");
	client = mem_zalloc(1, sizeof(*client));
	client->port = (struct http_client){.send = curl_send, .free = curl_free_client};
	client->options = *options;
	client->user_agent = mem_dup(options->user_agent);
	client->proxy = getenv("http_proxy") ? NULL : mem_dup(getenv("HTTP_PROXY"));
	client->ca_file = mem_dup(options->ca_file);
	client->ca_fd = -1;
	(void)pthread_mutex_init(&client->lock, NULL);
	if (!join_roots(client, err)) {
		curl_free_client(&client->port);
		return false;
	}
	if (client->ca_file) (void)snprintf(client->ca_path, CA_PATH_SIZE, "/proc/self/fd/%d", client->ca_fd);
	*ret = &client->port;
	return true;
}
