#ifndef OHDC_DISPATCHER_BITBUCKET_CALL_H
#define OHDC_DISPATCHER_BITBUCKET_CALL_H

/* Inside of the Bitbucket client, for its own files: one call with the token, paths of pull requests. */

#include "common/io/api_call.h"
#include "services/dispatcher/bitbucket_api.h"

enum { BITBUCKET_PAGE_MAX = 100 /**< values asked for on one page; the server may send fewer */ };

/** Make `call` with the token: Bearer, or Basic when it has a colon. */
NODISCARD bool bitbucket_call(const struct bitbucket_api *api, const struct api_call *call,
			      bool need_json, struct api_answer *ret, struct err *err);

/** GET a path; JSON is needed. */
NODISCARD bool bitbucket_get(const struct bitbucket_api *api, const char *path,
			     struct api_answer *ret, struct err *err);

/** Start `path` with the address of the pull request under `/rest/{api}/latest`. */
void bitbucket_pull_path(const char *api, const struct pull_request_ref *ref, struct strbuf *path);

#endif
