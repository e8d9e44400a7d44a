#ifndef OHDC_DISPATCHER_BITBUCKET_CALL_H
#define OHDC_DISPATCHER_BITBUCKET_CALL_H

/* Inside of the Bitbucket client, for its own files: paths of pull requests. */

#include "common/io/api_call.h"
#include "services/dispatcher/bitbucket_api.h"

enum { BITBUCKET_PAGE_MAX = 100 /**< values asked for on one page; the server may send fewer */ };

/** Start `path` with the address of the pull request under `/rest/{api}/latest`. */
void bitbucket_pull_path(const char *api, const struct pull_request_ref *ref, struct strbuf *path);

#endif
