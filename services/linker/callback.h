#ifndef OHDC_LINKER_CALLBACK_H
#define OHDC_LINKER_CALLBACK_H

/* Where Jira sends the browser back to: the code becomes tokens, the tokens a person, and the person is asked to confirm. */

#include "common/io/web.h"

/** GET /integration/jira-dc/callback. Always a page: the question, or what happened and what to do. Nothing is linked here. */
web_handler callback_get;

#endif
