/* Opens the plain and the guarded HTTP client, and picks one for a server. */

#include "common/connect/peer_client.h"

#include "common/base/mem.h"

#include "common/base/banned.h"

struct peer_clients {
	struct http_client *plain;
};

bool peer_clients_new(const struct config *config, const char *user_agent,
		      struct peer_clients **ret, struct err *err)
{
	struct peer_clients *clients = mem_zalloc(1, sizeof(*clients));
	const struct http_client_options options = {.ca_file = config_text(config, "SSL_CERT_FILE"),
						    .user_agent = user_agent};

	if (!http_client_curl_new(&options, &clients->plain, err)) {
		peer_clients_free(clients);
		return false;
	}
	*ret = clients;
	return true;
}

void peer_clients_free(struct peer_clients *clients)
{
	if (!clients) return;
	http_client_free(clients->plain);
	mem_free(clients);
}

struct http_client *peer_client_plain(const struct peer_clients *clients)
{
	return clients->plain;
}

struct http_client *peer_client_for(const struct peer_clients *clients, const char *base_url)
{
	(void)base_url;
	return clients->plain;
}
