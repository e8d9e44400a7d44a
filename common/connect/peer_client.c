/* Opens the plain and the guarded HTTP client, and picks one for a server. */

#include "common/connect/peer_client.h"

#include "common/base/mem.h"
#include "common/base/network.h"
#include "common/base/url.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/banned.h"

/* Where libcurl and our client read that there is a proxy. */
static const char *const proxy_names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
					  "HTTPS_PROXY", "all_proxy",  "ALL_PROXY"};

/*
 * Addresses are judged when a socket is opened, so that no name can change its meaning in between. Through a proxy only the
 * proxy's address is seen then: hosts are looked up before the call as well, and the proxy itself is let through.
 */
struct guard {
	struct http_client port;
	struct http_client *inner;
	struct network_list denied;
	struct network_list allowed;
};

struct peer_clients {
	const struct config *config;
	struct http_client *plain;
	struct guard guard;
};

/* --- whose server ----------------------------------------------------------------------------------------- */

static bool is_base_url(const struct config *config, const char *name, const char *base_url)
{
	const char *own = config_text(config, name);
	return own && strcmp(own, base_url) == 0;
}

bool peer_is_own(const struct config *config, enum provider provider, const char *base_url)
{
	CLEANUP(mem_free_text) char *words = NULL;
	if (provider == PROVIDER_BITBUCKET) return is_base_url(config, "BITBUCKET_DATA_CENTER_HOST", base_url);
	if (is_base_url(config, "JIRA_DC_BASE_URL", base_url)) return true;
	words = mem_dup(config_text(config, "OHDC_JIRA_ALLOWED_HOSTS"));
	for (char *rest = words, *word; (word = strsep(&rest, ", "));) {
		if (*word != '\0' && url_has_host(base_url, word)) return true;
	}
	return false;
}

/* --- addresses -------------------------------------------------------------------------------------------- */

CLEANUP_FUNCTION(free_found, struct addrinfo *, freeaddrinfo);

/* New: host of a URL or of what a proxy's setting says, without user, port, brackets. */
static char *host_of(const char *url)
{
	const char *start = strstr(url, "://");
	start = start ? start + 3 : url;
	CLEANUP(mem_free_text) char *authority = mem_dup_n(start, strcspn(start, "/?#"));
	const char *at = strrchr(authority, '@');
	const char *host = at ? at + 1 : authority;
	return *host == '[' ? mem_dup_n(host + 1, strcspn(host + 1, "]")) : mem_dup_n(host, strcspn(host, ":"));
}

/* Whether `judge` says so of an address of the host. A name that is not known here has none. */
static bool any_address(const char *url, bool (*judge)(const void *context, const char *address), const void *context)
{
	static const struct addrinfo stream = {.ai_socktype = SOCK_STREAM};
	CLEANUP(free_found) struct addrinfo *found = NULL;
	CLEANUP(mem_free_text) char *host = host_of(url);
	char text[NI_MAXHOST];
	if (getaddrinfo(host, NULL, &stream, &found) != 0) return false;
	for (const struct addrinfo *at = found; at; at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0 &&
		    judge(context, text))
			return true;
	}
	return false;
}

static bool is_denied(const void *context, const char *address)
{
	const struct guard *guard = context;
	return !network_may_open(address, &guard->denied, &guard->allowed);
}

static bool is_same(const void *context, const char *address)
{
	return strcmp(context, address) == 0;
}

/* Whether there is a proxy, of this address (NULL: of any). */
static bool has_proxy(const char *address)
{
	for (size_t i = 0; i < ARRAY_LEN(proxy_names); i++) {
		const char *proxy = getenv(proxy_names[i]);
		if (proxy && (!address || any_address(proxy, is_same, address))) return true;
	}
	return false;
}

/* --- clients ---------------------------------------------------------------------------------------------- */

static bool may_open(void *context, const char *address)
{
	return !is_denied(context, address) || has_proxy(address);
}

static bool guarded_send(struct http_client *self, const struct http_call *call, struct http_result *ret, struct err *err)
{
	struct guard *guard = (struct guard *)self;
	if (has_proxy(NULL) && any_address(call->url, is_denied, guard))
		return err_set(err, ERR_INPUT, "%s: the host's address may not be used", call->method);
	return http_client_send(guard->inner, call, ret, err);
}

static bool add_networks(const struct config *config, const char *name, struct network_list *ret, struct err *err)
{
	return network_list_add(ret, config_text(config, name), err) || err_wrap(err, "%s", name);
}

static bool open_clients(struct peer_clients *clients, const char *user_agent, struct err *err)
{
	struct guard *guard = &clients->guard;
	const struct http_client_options plain = {.ca_file = config_text(clients->config, "SSL_CERT_FILE"),
						  .user_agent = user_agent};
	struct http_client_options guarded = plain;
	guarded.may_open = may_open;
	guarded.context = guard;
	guard->port.send = guarded_send;
	/* In a cluster, its API server; a name there is no address and says nothing. */
	(void)!network_list_add(&guard->denied, getenv("KUBERNETES_SERVICE_HOST"), NULL);
	return add_networks(clients->config, "OHDC_DENIED_NETWORKS", &guard->denied, err) &&
	       add_networks(clients->config, "OHDC_ALLOWED_NETWORKS", &guard->allowed, err) &&
	       http_client_curl_new(&plain, &clients->plain, err) && http_client_curl_new(&guarded, &guard->inner, err);
}

CLEANUP_FUNCTION(free_pointed, struct peer_clients *, peer_clients_free);

bool peer_clients_new(const struct config *config, const char *user_agent, struct peer_clients **ret, struct err *err)
{
	CLEANUP(free_pointed) struct peer_clients *clients = mem_zalloc(1, sizeof(*clients));
	clients->config = config;
	return open_clients(clients, user_agent, err) && MOVE(ret, clients);
}

void peer_clients_free(struct peer_clients *clients)
{
	if (!clients) return;
	http_client_free(clients->plain);
	http_client_free(clients->guard.inner);
	mem_free(clients);
}

struct http_client *peer_client_plain(const struct peer_clients *clients)
{
	return clients->plain;
}

struct http_client *peer_client_for(struct peer_clients *clients, const char *base_url)
{
	bool is_own = peer_is_own(clients->config, PROVIDER_JIRA, base_url) ||
		      peer_is_own(clients->config, PROVIDER_BITBUCKET, base_url);
	return is_own ? clients->plain : &clients->guard.port;
}
