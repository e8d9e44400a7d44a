/* libmicrohttpd: threads, callbacks, headers and responses. Nothing here decides anything. */

#include "common/io/http_server_parts.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/base/strbuf.h"
#include "common/base/text.h"

#include "common/base/banned.h"

enum { EARLY_REPLY_BYTES = 8 * 1024, SPARE_CONNECTIONS = 64, HEADER_NAME_SIZE = 64, NUMBER_SIZE = 24 };

CLEANUP_FUNCTION(destroy_response, struct MHD_Response *, MHD_destroy_response);

/* --- callbacks ------------------------------------------------------------------------------------ */

static void on_connection(void *context, struct MHD_Connection *connection, void **ret,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;
	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		*ret = http_connection_new(
			server, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		http_connection_free(server, *ret);
		*ret = NULL;
		break;
	}
}

static void *on_request_line(UNUSED void *context, UNUSED const char *target, struct MHD_Connection *connection)
{
	struct http_connection *owner =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	owner->request.connection = connection;
	http_exchange_start(&owner->request);
	return &owner->request;
}

static enum MHD_Result on_request(UNUSED void *context, UNUSED struct MHD_Connection *connection, const char *path,
				  const char *method, UNUSED const char *version, const char *piece, size_t *piece_len,
				  void **request_context)
{
	struct http_request *request = *request_context;
	size_t len = *piece_len;
	bool goes_on;
	*piece_len = 0;
	if (len > 0)
		goes_on = http_exchange_piece(request, bytes_of(piece, len));
	else if (request->phase == HTTP_PHASE_HEADERS)
		goes_on = http_exchange_headers(request, method, path);
	else
		goes_on = http_exchange_end(request);
	return goes_on ? MHD_YES : MHD_NO;
}

static void on_done(UNUSED void *context, UNUSED struct MHD_Connection *connection, void **request_context,
		    UNUSED enum MHD_RequestTerminationCode code)
{
	if (*request_context) http_exchange_done(*request_context);
	*request_context = NULL;
}

/* Escapes stay as they are sent: `%2f` in a path is no slash. */
static size_t keep_escapes(UNUSED void *context, UNUSED struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

/* --- threads -------------------------------------------------------------------------------------- */

bool http_mhd_start(struct http_server *server, struct err *err)
{
	const struct http_server_options *options = &server->options;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_NO_LISTEN_SOCKET;
	/* The keeper counts. This limit only has to be out of the way: it is shared out among the threads, and a closed
	 * connection leaves it a moment later than the keeper's count. */
	unsigned limit = (options->connection_limit + SPARE_CONNECTIONS) * options->threads;

	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
		MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->connection_bytes,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_done, server,
		MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, options->threads, MHD_OPTION_END);
	if (!server->daemon) return err_set(err, ERR_BUSY, "cannot start the HTTP threads");
	return true;
}

void http_mhd_stop(struct http_server *server)
{
	if (server->daemon) MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
}

void http_mhd_add(struct http_server *server, int fd)
{
	if (MHD_add_connection(server->daemon, fd, NULL, 0) == MHD_NO) atomic_fetch_sub(&server->connection_count, 1);
}

void http_mhd_suspend(struct http_request *request)
{
	MHD_suspend_connection(request->connection);
}

void http_mhd_resume(struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
}

/* --- headers of a request ------------------------------------------------------------------------- */

static enum MHD_Result frame(void *context, UNUSED enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct http_framing *framing = context;
	if (strcasecmp(name, "Content-Length") == 0) {
		framing->lengths++;
		framing->is_bad |= !number_parse(value, 0, INT64_MAX, &framing->declared, NULL);
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		framing->encodings++;
		framing->is_chunked = true;
		framing->is_bad |= !text_equal_nocase(value, "chunked");
	} else if (strcasecmp(name, "Expect") == 0) {
		framing->expects = text_equal_nocase(value, "100-continue");
	}
	return MHD_YES;
}

void http_mhd_framing(struct http_request *request)
{
	request->framing = (struct http_framing){.declared = -1};
	(void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, frame, &request->framing);
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct showing {
	http_field_fn *show;
	void *context;
};

static enum MHD_Result show_field(void *context, UNUSED enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct showing *showing = context;
	showing->show(showing->context, name, value ? value : "");
	return MHD_YES;
}

void http_request_each(const struct http_request *request, enum http_fields fields, http_field_fn *show, void *context)
{
	struct showing showing = {show, context};
	(void)MHD_get_connection_values(request->connection,
					fields == HTTP_FIELDS_HEADERS ? MHD_HEADER_KIND : MHD_GET_ARGUMENT_KIND,
					show_field, &showing);
}

struct count {
	const char *name;
	size_t count;
};

static void count_name(void *context, const char *name, UNUSED const char *value)
{
	struct count *count = context;
	if (strcasecmp(name, count->name) == 0) count->count++;
}

size_t http_request_header_count(const struct http_request *request, const char *name)
{
	struct count count = {.name = name};
	http_request_each(request, HTTP_FIELDS_HEADERS, count_name, &count);
	return count.count;
}

/* --- replies -------------------------------------------------------------------------------------- */

/* "Name: value"; what does not fit or what libmicrohttpd refuses (line breaks) is our own mistake and left out. */
static void add_line(struct MHD_Response *response, const char *line)
{
	char name[HEADER_NAME_SIZE];
	size_t len = strcspn(line, ":");
	if (line[len] == '\0' || len >= sizeof(name)) return;
	memcpy(name, line, len);
	name[len] = '\0';
	(void)MHD_add_response_header(response, name, line + len + 1 + strspn(line + len + 1, " "));
}

static const char *body_of(const struct http_reply *reply)
{
	const char *body = reply->own_body ? reply->own_body : reply->body;
	return body ? body : "";
}

static const char *content_type_of(const struct http_reply *reply)
{
	if (reply->content_type) return reply->content_type;
	return *body_of(reply) == '\0' ? NULL : "application/json";
}

static bool must_close(const struct http_request *request)
{
	return request->reply.reply.closes || atomic_load(&request->server->is_quiescing);
}

static void add_headers(struct MHD_Response *response, const struct http_request *request)
{
	const struct http_reply *reply = &request->reply.reply;
	char number[NUMBER_SIZE];
	if (content_type_of(reply)) (void)MHD_add_response_header(response, "Content-Type", content_type_of(reply));
	if (reply->retry_after_s > 0) {
		(void)snprintf(number, sizeof(number), "%" PRId64, reply->retry_after_s);
		(void)MHD_add_response_header(response, "Retry-After", number);
	}
	if (must_close(request)) (void)MHD_add_response_header(response, "Connection", "close");
	for (size_t i = 0; i < HTTP_REPLY_HEADERS_MAX && reply->headers[i]; i++)
		add_line(response, reply->headers[i]);
}

bool http_mhd_queue(struct http_request *request)
{
	const struct http_reply *reply = &request->reply.reply;
	/* The text lives in the request, which outlives the response. */
	CLEANUP(destroy_response) struct MHD_Response *response = MHD_create_response_from_buffer_static(
		strlen(body_of(reply)), body_of(reply));
	if (!response) return false;
	add_headers(response, request);
	return MHD_queue_response(request->connection, (unsigned)reply->status, response) == MHD_YES;
}

static void add_early_headers(struct strbuf *text, const struct http_reply *reply)
{
	if (content_type_of(reply)) strbuf_addf(text, "Content-Type: %s\r\n", content_type_of(reply));
	if (reply->retry_after_s > 0) strbuf_addf(text, "Retry-After: %" PRId64 "\r\n", reply->retry_after_s);
	for (size_t i = 0; i < HTTP_REPLY_HEADERS_MAX && reply->headers[i]; i++)
		strbuf_addf(text, "%s\r\n", reply->headers[i]);
}

void http_mhd_send_early(struct http_request *request)
{
	const struct http_reply *reply = &request->reply.reply;
	const char *body = body_of(reply);
	CLEANUP(strbuf_done) struct strbuf text;
	strbuf_init(&text, EARLY_REPLY_BYTES);
	strbuf_addf(&text, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %zu\r\n", reply->status,
		    MHD_get_reason_phrase_for((unsigned)reply->status), strlen(body));
	add_early_headers(&text, reply);
	strbuf_addf(&text, "\r\n%s", body);
	/* Nothing was sent for this request before, so that a refusal fits into the socket's buffer. */
	(void)send(request->owner->fd, strbuf_text(&text), text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(request->owner->fd, SHUT_WR);
}
