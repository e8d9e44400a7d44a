#ifndef OHDC_CONNECT_BOT_IDENTITY_H
#define OHDC_CONNECT_BOT_IDENTITY_H

/* Asks Jira or Bitbucket who our bot is there, with the token from the environment; never sends it to another server. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/domain/person.h"
#include "common/domain/provider.h"
#include "common/io/config.h"
#include "common/io/http_client.h"

#include <stdbool.h>
#include <stdint.h>

/** A server and the token that may be used there. */
struct bot_server {
	enum provider provider;
	const char *base_url; /**< borrowed */
	struct http_client *client;
	struct secret token; /**< not set: none is configured for this server */
	int64_t deadline_ms;
};

/** A repository as Bitbucket names it; texts owned. */
struct bot_repository {
	char *project_key;
	char *slug;
	int64_t id; /**< 0: not asked */
};

/** Prepare for one server; `base_url` is normalised. Release with bot_server_done() also after a failure. */
NODISCARD bool bot_server_open(struct config *config, enum provider provider, const char *base_url,
			       struct bot_server *ret, struct err *err);

/** Free and zero. */
void bot_server_done(struct bot_server *server);

/** Free and zero. */
void bot_repository_done(struct bot_repository *repository);

/** Ask. ERR_AUTH: the token is refused or belongs to nobody. `ret` is released with person_done(). */
NODISCARD bool bot_identity_read(const struct bot_server *server, struct person *ret,
				 struct err *err);

/** Ask Bitbucket for a repository. ERR_NOT_FOUND: not there, or the bot cannot see it (Bitbucket does not tell). */
NODISCARD bool bot_repository_read(const struct bot_server *server, const char *project_key,
				   const char *slug, struct bot_repository *ret, struct err *err);

#endif
