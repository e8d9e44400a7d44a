#ifndef OHDC_DISPATCHER_OPENHANDS_CALL_H
#define OHDC_DISPATCHER_OPENHANDS_CALL_H

/* Inside of the OpenHands client, for its own files: one call as a person, and small readers. */

#include "common/base/strbuf.h"
#include "common/base/uuid.h"
#include "common/io/api_call.h"
#include "services/dispatcher/openhands_follow.h"

#include <jansson.h>

enum { OPENHANDS_PAGE_SIZE = 2048 /**< opaque page ids */ };

/** The client's time. */
NODISCARD int64_t openhands_now_ms(const struct openhands *self);

/** Make `call` with the person's key (minted when needed; once more after a 401). Sets auth and the reading of refusals. */
NODISCARD bool openhands_call(struct openhands *self, const struct openhands_user *user, const struct api_call *call,
			      bool need_json, struct api_answer *ret, struct err *err);

/** GET `path` as the person; JSON is needed. */
NODISCARD bool openhands_get(struct openhands *self, const struct openhands_user *user, const char *path,
			     struct api_answer *ret, struct err *err);

/** Fill an ERR_LIMIT from a refusal's body: which limit, and when to come back. `context` is the client. */
void openhands_explain_limit(const json_t *body, void *context, struct err *err);

/** The object of an array whose id at `key` is `id` (dashes aside), NULL when it is not there. Borrowed. */
NODISCARD const json_t *openhands_find(const json_t *array, const char *key, const char *id);

/**
 * GET `path` with "?name=id", the id without dashes, as the person; an array is needed. `ret_item` borrows from `ret`; NULL: the
 * server does not know that id.
 */
NODISCARD bool openhands_get_item(struct openhands *self, const struct openhands_user *user, const char *path,
				  const char *name, const char *id, struct api_answer *ret, const json_t **ret_item,
				  struct err *err);

/** The state that a word of the server means; NONE for NULL and unknown words. */
NODISCARD enum openhands_execution openhands_execution_of(const char *word);

#endif
