#ifndef OHDC_CONNECT_ACCESS_STORE_H
#define OHDC_CONNECT_ACCESS_STORE_H

/* The allow and deny lists (table access_rule) and the organisations of projects (table org_map), with their audit. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/io/db.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Rules of a server (`instance_id` 0: of all), by server, kind, effect and value: list of {"id", "instance_id", "provider", "server"
 * (base URL), "effect" ("allow", "deny"), "kind" ("project", "repository", "user", "org"), "value"}. `ret` is new.
 */
NODISCARD bool access_list(struct db_pool *pool, int64_t instance_id, json_t **ret, struct err *err);

/**
 * Add a rule; `typed` as in access_value(). A rule that is there already is fine. ERR_INPUT: what is wrong, for people;
 * ERR_NOT_FOUND: no such server. `user_id` goes into the audit.
 */
NODISCARD bool access_add(struct db_pool *pool, const char *user_id, int64_t instance_id, const char *effect,
			  const char *kind, const char *typed, struct err *err);

/** Remove a rule. ERR_NOT_FOUND: it is not there. */
NODISCARD bool access_remove(struct db_pool *pool, const char *user_id, int64_t id, struct err *err);

/** Organisations of projects, by server and project: list of {"instance_id", "provider", "server", "project", "org_id"}. */
NODISCARD bool org_map_list(struct db_pool *pool, json_t **ret, struct err *err);

/** Let a project's jobs run in an organisation; both as typed. Errors as access_add(). */
NODISCARD bool org_map_set(struct db_pool *pool, const char *user_id, int64_t instance_id, const char *project,
			   const char *org_id, struct err *err);

/** Undo. ERR_NOT_FOUND: the project has none. */
NODISCARD bool org_map_unset(struct db_pool *pool, const char *user_id, int64_t instance_id, const char *project,
			     struct err *err);

#endif
