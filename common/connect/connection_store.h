#ifndef OHDC_CONNECT_CONNECTION_STORE_H
#define OHDC_CONNECT_CONNECTION_STORE_H

/* Servers and connections as they are made and changed (tables instance, connection). Who listens is told by the tables' triggers. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/strbuf.h"
#include "common/domain/person.h"
#include "common/domain/provider.h"
#include "common/domain/workspace_name.h"
#include "common/io/db.h"

#include <stdbool.h>
#include <stdint.h>

/** A connection with its server; texts owned, NULL where null. */
struct connection_row {
	enum provider provider;
	int64_t id; /**< 0: not stored yet */
	int64_t instance_id;
	char *base_url; /**< normalised */
	char *project_key;
	char *repo_slug;
	int64_t repo_id;
	char *status; /**< pending, active, paused, shadow */
	char *hook_id;
	char *owner_user_id;
	char *org_id;
	char *svc_email;
	char *hook_error;
	char *created_at; /**< naive ISO 8601, UTC */
	char *updated_at;
	bool has_bot_token;
	bool has_next_secret;
	bool is_secret_shown;
};

/** Free and zero. */
void connection_row_done(struct connection_row *row);

/** Whether it works: active or shadow. */
NODISCARD bool connection_row_is_on(const struct connection_row *row);

/** Where they are stored; borrowed. */
struct connection_store {
	struct db_pool *pool;
	const struct crypto_keyring *keys;
};

/** By product and id. ERR_NOT_FOUND. */
NODISCARD bool connection_read(const struct connection_store *store, enum provider provider, int64_t id,
			       struct connection_row *ret, struct err *err);

/** Jira's, by base URL. ERR_NOT_FOUND. */
NODISCARD bool connection_of_url(const struct connection_store *store, const char *base_url, struct connection_row *ret,
				 struct err *err);

/** Jira's, as a person named it: its context path may be missing unless it is the configured one. ERR_NOT_FOUND. */
NODISCARD bool connection_named(const struct connection_store *store, const struct workspace_name *name,
				struct connection_row *ret, struct err *err);

/** Jira's, by its server. ERR_NOT_FOUND. */
NODISCARD bool connection_of_instance(const struct connection_store *store, int64_t instance_id,
				      struct connection_row *ret, struct err *err);

/** The Jira connection that a user owns (of several the newest). ERR_NOT_FOUND. */
NODISCARD bool connection_of_owner(const struct connection_store *store, const char *user_id,
				   struct connection_row *ret, struct err *err);

/** Jira's oldest that is active or in shadow. ERR_NOT_FOUND. */
NODISCARD bool connection_first_active(const struct connection_store *store, struct connection_row *ret, struct err *err);

/** Bitbucket's, by repository: numeric id when known, else key and slug in any case. ERR_NOT_FOUND. */
NODISCARD bool connection_of_repo(const struct connection_store *store, const char *base_url, int64_t repo_id,
				  const char *project_key, const char *repo_slug, struct connection_row *ret,
				  struct err *err);

/** Store the server (and who the bot is there, NULL: not asked); `ret_id` its id. Within a transaction. */
NODISCARD bool instance_put(struct db *db, enum provider provider, const char *base_url, const struct person *bot,
			    int64_t *ret_id, struct err *err);

/**
 * Insert (row->id 0: gets the next id) or update status, hook_id, owner, org, e-mail, repository, hook_error and whether the
 * secret was shown, of a connection.
 * `secret` is needed for a new one and otherwise NULL: secrets change through the calls below. ERR_CONFLICT: somebody else made it
 * meanwhile. Within a transaction.
 */
NODISCARD bool connection_put(struct db *db, const struct crypto_keyring *keys, struct connection_row *row,
			      const struct secret *secret, struct err *err);

/** Store the bot's token (place "connection.bot_token:{provider}/{id}"). Within a transaction. */
NODISCARD bool connection_put_bot_token(struct db *db, const struct crypto_keyring *keys,
					const struct connection_row *row, const struct secret *token, struct err *err);

/** Seal a secret of a connection for the column "secret" (current, next and previous alike) or "bot_token"; `ret` is initialised here. */
NODISCARD bool connection_seal(const struct crypto_keyring *keys, const struct connection_row *row, const char *column,
			       const struct secret *secret, struct strbuf *ret, struct err *err);

/** Note in table audit who did what ("connection.add") to the connection. Within a transaction. */
NODISCARD bool connection_audit(struct db *db, const char *operator_name, const char *action,
				const struct connection_row *row, struct err *err);

/** Open the bot's token of a connection. ERR_NOT_FOUND: none is stored. */
NODISCARD bool connection_bot_token(const struct connection_store *store, const struct connection_row *row,
				    struct secret *ret, struct err *err);

/** New random webhook secret: 32 bytes as base64url, 43 characters. */
void connection_make_secret(struct secret *ret);

/** The address a webhook is sent to: WEB_HOST + /integration/{provider}-dc/connections/{id}/events; new. */
NODISCARD char *connection_events_url(const char *web_host, enum provider provider, int64_t id);

/* --- changing a secret without refusing a delivery: next is accepted, then the hook is changed, then next becomes current ------ */

/** The secret that the hook has or is about to get: the next one, else the current one. Within a transaction, as all of these. */
NODISCARD bool connection_secret_kept(struct db *db, const struct crypto_keyring *keys,
				      const struct connection_row *row, struct secret *ret, struct err *err);

/**
 * Prepare: `secret` (not set or NULL: a new random one) becomes the next one, accepted from now on beside the current and previous;
 * `ret` gets the secret to put into the hook. A next one that is there already stays in use: without `secret` it is given
 * back, another one takes its place no sooner than a minute later, and it becomes the previous one then. Within ten seconds after
 * a change: the current one is given back, or ERR_LIMIT for another one.
 */
NODISCARD bool connection_secret_next(struct db *db, const struct crypto_keyring *keys, const struct connection_row *row,
				      const struct secret *secret, struct secret *ret, struct err *err);

/** The hook was changed: next becomes current, current becomes previous. Nothing to do without a next one. */
NODISCARD bool connection_secret_promote(struct db *db, const struct connection_row *row, struct err *err);

/** The kept secret in clear, to show it once: sets secret_shown_at, ERR_CONFLICT when it was shown before. */
NODISCARD bool connection_secret_show(struct db *db, const struct crypto_keyring *keys,
				      const struct connection_row *row, struct secret *ret, struct err *err);

#endif
