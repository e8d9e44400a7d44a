#ifndef OHDC_IO_API_CALL_H
#define OHDC_IO_API_CALL_H

/* One JSON call to a peer: build, send, judge the status, parse. Shared by the clients of OpenHands, Jira and Bitbucket. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/strbuf.h"
#include "common/io/call_gate.h"
#include "common/io/http_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** A peer's address; everything borrowed. The URL of a call is always `base_url` + path: nothing from a payload. */
struct api_peer {
	struct http_client *client;
	const char *base_url; /**< normalised, with context path, without trailing slash */
	const char *name;     /**< for messages: "Jira" */
	int64_t deadline_ms;  /**< of calls without a gate; 0: 30 s */
};

/** One call; everything borrowed. */
struct api_call {
	const char *method;
	const char *path;        /**< "/rest/api/2/myself?x=y", already escaped */
	const char *auth_name;   /**< header of the credential: "Authorization" (NULL: none) */
	const char *auth_prefix; /**< put before the credential: "Bearer " or "" */
	const struct secret *auth;
	const char *extra_header;     /**< "Name: value", NULL: none */
	const json_t *body;           /**< NULL: none */
	const struct call_gate *gate; /**< NULL: safe to repeat; else an unsafe call */
	/** Adds what a refusal's body says (NULL: it was no JSON) to the error made of it; NULL: nothing to add. */
	void (*explain)(const json_t *body, void *context, struct err *err);
	void *context;
};

/** What came back with a 2xx; zeroed means nothing. */
struct api_answer {
	int status;
	json_t *json;    /**< owned; NULL when the body is empty or no JSON */
	char *user_name; /**< X-AUSERNAME, owned, NULL when absent */
};

/** Free and zero. */
void api_answer_done(struct api_answer *answer);

/**
 * Make the call. A status that is not 2xx becomes an error as http_result_ok() says, its message carrying what the peer's JSON
 * body says (`detail`, `message`, `errorMessages`, `errors[].message`; HTML is not quoted). With `need_json` a 2xx without JSON
 * is ERR_INTERNAL, or ERR_UNCERTAIN for an unsafe call. Thread-safe.
 */
NODISCARD bool api_call_send(const struct api_peer *peer, const struct api_call *call, bool need_json,
			     struct api_answer *ret, struct err *err);

/** End a call whose refusal may be as good as success: true when `is_fine`, else false with `failure` in `err`. */
NODISCARD bool api_call_settle(bool is_fine, const struct err *failure, struct err *err);

/** Whether a peer refused for good what is a favour only: 4xx apart from 429. */
NODISCARD bool api_call_is_refused(const struct err *failure);

/** Start a path of at most LIMIT_URL_BYTES. `format` knows only %s, and each text is percent-encoded. */
PRINTF_LIKE(2, 3) void api_path(struct strbuf *path, const char *format, ...);

/** Append to a path, as above. */
PRINTF_LIKE(2, 3) void api_path_add(struct strbuf *path, const char *format, ...);

/** New text at `path`, cut to `max_bytes`; a copy of `fallback` (may be NULL) when there is none. */
NODISCARD char *api_text(const json_t *root, const char *path, size_t max_bytes, const char *fallback);

/** Where the next page of a Bitbucket list starts; false on the last one, or where it would go backwards. */
NODISCARD bool api_next_page(const json_t *page, int64_t *ret);

/** New text of the member `id`, NULL when there is none. */
NODISCARD char *api_id(const json_t *root);

#endif
