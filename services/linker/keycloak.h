#ifndef OHDC_LINKER_KEYCLOAK_H
#define OHDC_LINKER_KEYCLOAK_H

/* Keycloak's admin API: a token, kept while it works, and user searches. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "services/linker/directory.h"

#include <jansson.h>
#include <stdbool.h>

struct keycloak;

/** New client of KEYCLOAK_SERVER_URL. ERR_INPUT: neither own client nor admin password is configured. */
NODISCARD bool keycloak_new(const struct directory_options *options, struct keycloak **ret, struct err *err);

/** Free; NULL is fine. */
void keycloak_free(struct keycloak *keycloak);

/**
 * Users for whom `query` holds ("email=…&exact=true"), as a new array. An empty array is certain: before it is believed, the
 * account is seen to be able to view users. ERR_AUTH: it may not; ERR_NETWORK, ERR_TIMEOUT, ERR_INTERNAL: ask again later.
 * A token that has run out is replaced once. Any thread.
 */
NODISCARD bool keycloak_search(struct keycloak *keycloak, const char *query, json_t **ret, struct err *err);

#endif
