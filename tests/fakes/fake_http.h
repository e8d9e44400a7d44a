#ifndef OHDC_TESTS_FAKES_FAKE_HTTP_H
#define OHDC_TESTS_FAKES_FAKE_HTTP_H

/*
 * A scripted, strict HTTP client: each call must be the next one of the script. Anything else is remembered as the problem,
 * answered ERR_INTERNAL, and makes fake_http_problem() speak.
 */

#include "common/io/http_client.h"

#include <stdbool.h>
#include <stddef.h>

/** One call that must come, and what it gets. Texts are borrowed. */
struct fake_http_step {
	const char *method;
	const char *url;     /**< whole URL */
	const char *header;  /**< "Name: value" that must be among the headers; NULL: not looked at */
	const char *body;    /**< text that the body must contain; "": no body at all; NULL: not looked at */
	bool is_unsafe;      /**< what the call must say of itself */
	enum err_code fails; /**< not ERR_NONE: the call fails so; ERR_UNCERTAIN only fits unsafe calls */
	int status;          /**< else: the answer */
	const char *answer;  /**< NULL: "" */
	int64_t retry_after_ms;
	const char *user_name;
	/** Called while the request is under way (after the gate); NULL: nothing. */
	void (*meanwhile)(void *context);
	void *context;
};

/** New fake that plays `count` steps, borrowed. Free with http_client_free(). Calls may come from any thread. */
NODISCARD struct http_client *fake_http_new(const struct fake_http_step *steps, size_t count);

/** How many steps have been played. */
NODISCARD size_t fake_http_played(struct http_client *fake);

/** How many unsafe calls were stopped by their gate (they play no step). */
NODISCARD size_t fake_http_stopped(struct http_client *fake);

/** What went wrong first, or "step N was not called: …" when steps are left, or NULL. Borrowed until the next call. */
NODISCARD const char *fake_http_problem(struct http_client *fake);

#endif
