#ifndef OHDC_INSTALLER_PAGE_H
#define OHDC_INSTALLER_PAGE_H

/*
 * The frame of the installer's own pages: who looks, what they may, what is shown; and of the forms on them. A form is sent to the
 * endpoint's function that OHE's screens use as well, and the page says what came of it.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/connect/caller.h"
#include "common/io/web.h"
#include "services/installer/installer.h"
#include "services/installer/workspace_setup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** A page, or what one of its forms does, for a caller who may. */
struct page {
	struct installer *installer;
	const struct web_request *request;
	struct web_reply *reply;
	struct caller caller;
	json_t *data; /**< for the template; owned */
};

/** Fills `data` of a page, or does what a form asks and ends with page_go(), page_show() or page_say(). */
typedef void page_fn(struct page *page);

/** Routes for GET and POST of everything in the tables of page.c. */
web_handler page_get;
web_handler page_post;

/** Answer with a page of the table (its fill runs), status 200 or that of a refusal. */
void page_show(struct page *page, int status, const char *path);

/** Answer with a template outside the table. */
void page_say(struct page *page, int status, const char *title, const char *file);

/** Answer 303 to an own address: the form did its work. */
void page_go(struct page *page, const char *url);

/** Put a failure on the page: what went wrong, why or what to do (NULL: nothing to add), the field it is about (NULL: none). */
void page_fail(struct page *page, const char *what, const char *why, const char *field);

/**
 * Run an endpoint's function with `input` (taken, wiped). True: it succeeded, `ret` is its answer (new reference). False: the
 * failure is on the page, beside the field too where it is about one, and `reply` has the status.
 */
NODISCARD bool page_run(struct page *page, workspace_call *run, json_t *input, json_t **ret);

/** Wipe, free and zero. */
void page_done(struct page *page);

/** A form's field, else the query's, as it was sent; "" when absent. Borrowed. */
NODISCARD const char *page_text(const struct page *page, const char *name);

/** The same as a number from 0 to `most`; 0 for anything else. */
NODISCARD int64_t page_number(const struct page *page, const char *name, int64_t most);

/** Text of a form field without spaces around it, "" when absent: a new JSON text. */
NODISCARD json_t *page_field(const struct page *page, const char *name);

/** Put the result of a statement whose only cell is JSON under `key`; a failure is put on the page. */
void page_query(struct page *page, const char *key, const char *sql, const struct db_params *params);

#endif
