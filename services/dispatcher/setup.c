/* Reads the dispatcher's settings once, at start. */

#include "services/dispatcher/setup.h"

#include "common/base/mem.h"
#include "common/connect/jira_token.h"
#include "common/io/sysclock.h"

#include <string.h>

#include "common/base/banned.h"

/* A failing step is tried again after a second, then less and less often. */
enum { RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 5 * 60 * 1000, ANSWER_DEADLINE_MS = 24 * 60 * 60 * 1000 };

static bool service_key(void *context, struct secret *ret)
{
	return config_secret(context, "AUTOMATIONS_SERVICE_KEY", ret);
}

static void split_providers(struct dispatcher *dispatcher, char *list)
{
	char *rest = list;
	char *word;
	while (dispatcher->git_provider_count < DISPATCHER_GIT_PROVIDERS_MAX && (word = strsep(&rest, ", "))) {
		if (word[0]) dispatcher->git_providers[dispatcher->git_provider_count++] = word;
	}
}

static struct job_rules read_rules(const struct config *config)
{
	return (struct job_rules){
		.retry = {RETRY_FIRST_MS, RETRY_MAX_MS},
		.poll = {config_int(config, "OHDC_POLL_MIN_MS"), config_int(config, "OHDC_POLL_MAX_MS")},
		.horizon_ms = config_int(config, "OHDC_RETRY_HORIZON_S") * 1000,
		.start_deadline_ms = config_int(config, "OHDC_START_DEADLINE_S") * 1000,
		.run_deadline_ms = config_int(config, "OHDC_RUN_DEADLINE_S") * 1000,
		.answer_deadline_ms = ANSWER_DEADLINE_MS,
	};
}

/* An unsafe call needs a lease that outlives it; a short lease (tests, small trials) shortens the call. */
static bool read_ledger(const struct config *config, struct db_pool *pool, struct ledger *ret, struct err *err)
{
	ret->pool = pool;
	ret->lease_ms = config_int(config, "OHDC_LEASE_MS");
	ret->margin_ms = config_int(config, "OHDC_LEASE_MARGIN_MS");
	ret->call_deadline_ms = config_int(config, "OHDC_CALL_DEADLINE_MS");
	if (ret->lease_ms < ret->call_deadline_ms + 2 * ret->margin_ms)
		return err_set(err, ERR_INPUT,
			       "OHDC_LEASE_MS is %lld, expected at least OHDC_CALL_DEADLINE_MS + 2 "
			       "× OHDC_LEASE_MARGIN_MS"
			       " (%lld)",
			       (long long)ret->lease_ms, (long long)(ret->call_deadline_ms + 2 * ret->margin_ms));
	size_t count = config_ints(config, "OHDC_PROBE_DELAYS_MS", ret->probe_delays_ms, EFFECT_PROBE_DELAYS);
	if (count != EFFECT_PROBE_DELAYS)
		return err_set(err, ERR_INPUT, "OHDC_PROBE_DELAYS_MS has %zu numbers, expected %d", count,
			       EFFECT_PROBE_DELAYS);
	return true;
}

bool dispatcher_init(struct dispatcher *ret, struct service *service, struct peer_clients *clients,
		     struct kafka_producer *producer, struct err *err)
{
	struct config *config = service->config;
	struct openhands_options peer = {
		.client = peer_client_plain(clients),
		.base_url = config_text(config, "OHDC_OPENHANDS_URL"),
		.service_key = service_key,
		.context = config,
		.now_ms = sysclock_now_ms,
	};
	if (!read_ledger(config, service->pool, &ret->ledger, err) || !jira_token_check(config, err)) return false;
	ret->config = config;
	ret->pool = service->pool;
	ret->producer = producer;
	ret->metrics = service->metrics;
	ret->openhands = openhands_new(&peer);
	ret->peers = (struct peer_source){service->pool, config, &service->keys, clients};
	ret->rules = read_rules(config);
	ret->installation = service->installation;
	ret->topic_prefix = config_text(config, "OHDC_KAFKA_PREFIX");
	ret->app_url = config_text(config, "WEB_HOST");
	const char *host = strstr(ret->app_url, "://");
	ret->app_host = host ? host + strlen("://") : ret->app_url;
	ret->provider_list = mem_dup(config_text(config, "OHDC_GIT_PROVIDERS"));
	split_providers(ret, ret->provider_list);
	service_name_owner("dispatcher", ret->owner, sizeof(ret->owner));
	return true;
}

void dispatcher_done(struct dispatcher *dispatcher)
{
	openhands_free(dispatcher->openhands);
	mem_free(dispatcher->provider_list);
	*dispatcher = (struct dispatcher){0};
}
