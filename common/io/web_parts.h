#ifndef OHDC_IO_WEB_PARTS_H
#define OHDC_IO_WEB_PARTS_H

/*
 * What the files of the web do for each other. web.c: server, threads, deadlines · web_request.c: what a request says ·
 * web_fields.c: names and values · web_reply.c: answers.
 */

#include "common/io/http_server.h"
#include "common/io/web.h"

#include <stdatomic.h>

/** Append a name and a value, each with its NUL: that is how headers, parameters, fields and cookies are kept. */
void web_fields_add(struct strbuf *fields, struct bytes name, struct bytes value);

/** Append one, percent-decoded; false on a bad escape. What is no UTF-8 then is as good as absent. */
NODISCARD bool web_fields_decode(struct strbuf *fields, struct bytes name, struct bytes value);

/** Append all of "a=b&c=d", percent-decoded, `+` a space; false on a bad escape. */
NODISCARD bool web_fields_read_form(struct strbuf *fields, struct bytes form);

/** Append all of "a=b; c=d". */
void web_fields_read_cookies(struct strbuf *fields, const char *header);

/** The next value of `name` after `from` (NULL: the first); NULL: no further one. */
NODISCARD const char *web_fields_next(const struct strbuf *fields, const char *name, bool ignores_case, const char *from);

/** The one value of `name`; NULL when absent or there twice. */
NODISCARD const char *web_fields_one(const struct strbuf *fields, const char *name, bool ignores_case);

/** A request on its way through a thread; freed by the last of its two holders: server and worker. */
struct web_request {
	struct web *web;
	const struct web_route *route;
	struct http_ticket ticket;
	_Atomic(int) holders;
	struct web_request *next; /**< in the queue */
	int64_t due_ms;           /**< monotonic; 504 was sent then */
	char *path;
	char *piece;
	uint8_t *body; /**< own pages of WEB_BODY_BYTES, locked; NULL: none */
	size_t body_len;
	bool is_bad; /**< an escape that cannot be decoded */
	struct strbuf headers;
	struct strbuf query;
	struct strbuf form;
	struct strbuf cookies;
};

/** New, with everything that the headers say; one holder. */
NODISCARD struct web_request *web_request_new(struct web *web, const struct web_route *route,
					      const struct http_request *http);

/** Forget all but the path: the handler is done. */
void web_request_wipe(struct web_request *request);

/** Let go; the last one wipes and frees. */
void web_request_drop(struct web_request *request);

/** Append to the body; false when it would be longer than WEB_BODY_BYTES. */
NODISCARD bool web_request_add_body(struct web_request *request, struct bytes piece);

/** The body is complete: read cookies and form. */
void web_request_read(struct web_request *request);

/** What is sent for a reply; takes its texts. `ret` borrows the header lines from the reply. */
void web_reply_finish(struct web_reply *reply, struct http_reply *ret);

#endif
