#ifndef OHDC_CONNECT_BOT_IDENTITY_H
#define OHDC_CONNECT_BOT_IDENTITY_H

/*
 * A Jira or Bitbucket server seen with one token: who its owner is there, and which repository is meant. The bot's token from the
 * environment goes to no other server than the configured ones; a token that somebody gave goes where they said.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/domain/person.h"
#include "common/domain/provider.h"
#include "common/io/api_call.h"
#include "common/io/config.h"
#include "common/io/http_client.h"

#include <stdbool.h>
#include <stdint.h>

/** A server and the token that may be used there. */
struct bot_server {
	enum provider provider;
	const char *base_url;       /**< borrowed, normalised */
	struct http_client *client; /**< borrowed */
	struct secret token;        /**< not set: none is known for this server */
	const char *auth_prefix;
	int64_t deadline_ms;
};

/** A repository as Bitbucket names it; texts owned. */
struct bot_repository {
	char *project_key;
	char *slug;
	int64_t id; /**< 0: not asked */
};

/** Prepare for one server, without a token. */
void bot_server_init(struct bot_server *ret, const struct config *config, struct http_client *client,
		     enum provider provider, const char *base_url);

/** Use a given token. */
void bot_server_use(struct bot_server *server, const struct secret *token);

/** Use the bot's token from the environment, if it may go to this server; whether it may and there is one. */
bool bot_server_use_configured(struct bot_server *server, struct config *config);

/** Wipe, free and zero. */
void bot_server_done(struct bot_server *server);

/** Free and zero. */
void bot_repository_done(struct bot_repository *repository);

/** Make `call` with the token, if there is one. */
NODISCARD bool bot_server_call(const struct bot_server *server, const struct api_call *call, bool need_json,
			       struct api_answer *ret, struct err *err);

/** GET a path; JSON is needed. ERR_AUTH also when the server answers as to somebody anonymous (a wrong token on a public one). */
NODISCARD bool bot_server_get(const struct bot_server *server, const char *path, struct api_answer *ret, struct err *err);

/** Say before a failed call's reason which server it is and what is mostly wrong then; false. */
bool bot_server_explain(const struct bot_server *server, struct err *err);

/** Whether a Jira can sign webhooks. ERR_INPUT: it is older than Jira 10 or Jira Cloud, the message says so. */
NODISCARD bool bot_server_can_sign(const struct bot_server *server, struct err *err);

/** Who owns the token. ERR_AUTH: the token is refused or belongs to nobody. `ret` is released with person_done(). */
NODISCARD bool bot_identity_read(const struct bot_server *server, struct person *ret, struct err *err);

/** Ask Bitbucket for a repository. ERR_NOT_FOUND: not there, or the bot cannot see it (Bitbucket does not tell). */
NODISCARD bool bot_repository_read(const struct bot_server *server, const char *project_key, const char *slug,
				   struct bot_repository *ret, struct err *err);

#endif
