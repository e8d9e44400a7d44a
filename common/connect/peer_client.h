#ifndef OHDC_CONNECT_PEER_CLIENT_H
#define OHDC_CONNECT_PEER_CLIENT_H

/*
 * The HTTP clients of a program: a plain one for the servers of the configuration, and a guarded one, which opens no connection
 * to addresses of this machine or the cluster, for servers that people named. Neither follows redirects.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/domain/provider.h"
#include "common/io/config.h"
#include "common/io/http_client.h"

#include <stdbool.h>

struct peer_clients;

/** New clients, with SSL_CERT_FILE. ERR_INPUT: a setting (OHDC_DENIED_NETWORKS, OHDC_ALLOWED_NETWORKS) that cannot be used. */
NODISCARD bool peer_clients_new(const struct config *config, const char *user_agent, struct peer_clients **ret,
				struct err *err);

/** Free; NULL is fine. */
void peer_clients_free(struct peer_clients *clients);

/** The plain client, for base URLs that come from settings (OpenHands, Keycloak); borrowed. */
NODISCARD struct http_client *peer_client_plain(const struct peer_clients *clients);

/**
 * The client for a Jira or Bitbucket: plain for JIRA_DC_BASE_URL, BITBUCKET_DATA_CENTER_HOST and hosts of
 * OHDC_JIRA_ALLOWED_HOSTS, guarded for every other (ERR_INPUT "… address may not be used" before anything is sent); borrowed.
 */
NODISCARD struct http_client *peer_client_for(struct peer_clients *clients, const char *base_url);

/**
 * Whether a server is one of the configuration, so that credentials from the environment may go there: JIRA_DC_BASE_URL, a host
 * of OHDC_JIRA_ALLOWED_HOSTS; BITBUCKET_DATA_CENTER_HOST. `base_url` is normalised.
 */
NODISCARD bool peer_is_own(const struct config *config, enum provider provider, const char *base_url);

#endif
