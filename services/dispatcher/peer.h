#ifndef OHDC_DISPATCHER_PEER_H
#define OHDC_DISPATCHER_PEER_H

/* The Jira or Bitbucket behind a job's connection: where it is, who our bot is there, with which token we speak. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/connect/peer_client.h"
#include "common/domain/job.h"
#include "common/domain/mention.h"
#include "common/io/config.h"
#include "common/io/db.h"
#include "common/io/http_client.h"
#include "services/dispatcher/bitbucket_api.h"
#include "services/dispatcher/jira_api.h"

#include <stdbool.h>
#include <stdint.h>

/** A peer, read for one piece of work; texts owned. */
struct peer {
	enum provider provider;
	char *base_url;
	char *org_id;     /**< of the connection, NULL: install-wide */
	char *project;    /**< key of the job's project, NULL: not known */
	char *mapped_org; /**< from org_map for that project, NULL: none */
	char *bot_names[LIMIT_BOT_NAMES];
	struct bot bot;           /**< borrows from bot_names */
	struct bot_server server; /**< without a token we cannot speak there; borrows base_url */
};

/** Where peers are read from; borrowed. */
struct peer_source {
	struct db_pool *pool;
	struct config *config;
	const struct crypto_keyring *keys;
	struct peer_clients *clients;
};

/** Free and zero. */
void peer_done(struct peer *peer);

/** Read the peer of a job. ERR_NOT_FOUND: no such connection. `ret` must be zeroed and stay where it is. */
NODISCARD bool peer_load(const struct peer_source *source, const struct job_record *record, struct peer *ret,
			 struct err *err);

#endif
