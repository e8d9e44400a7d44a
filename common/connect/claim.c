/* The thread that looks whose a prefix is. */

#include "common/connect/claim.h"

#include "common/base/mem.h"
#include "common/io/kafka_topics.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { AGAIN_MS = 15000, RARELY_MS = 600000, RETRY_MS = 1000, WAIT_MS = 20 };

struct claim_place claim_place(struct config *config, const char *client_id, const struct uuid *installation)
{
	struct claim_place place = {
		.cluster = service_kafka(config, client_id),
		.prefix = config_text(config, "OHDC_KAFKA_PREFIX"),
	};
	group_name(GROUP_LINKER, place.prefix, place.group);
	topic_name(TOPIC_WEBHOOK, place.prefix, place.topic);
	uuid_text(installation, place.own);
	return place;
}

/* Settled: ours or nobody's, or a question that waiting does not answer. */
static bool look(const struct claim *claim, bool is_first)
{
	const struct claim_place *place = &claim->place;
	char other[UUID_TEXT_SIZE];
	struct err err = {0};
	bool is_read = kafka_claim(&place->cluster, place->topic, place->group, place->own, false, other, &err);
	bool is_final = is_read || err.code == ERR_AUTH || err.code == ERR_NOT_FOUND;
	bool is_told = err.code != ERR_NETWORK && err.code != ERR_TIMEOUT && err.code != ERR_NOT_FOUND;
	if (is_first && !is_read && is_told) log_err("not seen whose the prefix is", &err);
	if (!is_read || other[0] == '\0') return is_final;
	err_set(&err, ERR_INPUT,
		"OHDC_KAFKA_PREFIX is '%s', which on %.40s is installation %s's, and this is %s: set another, or run "
		"'ohdc topics claim'",
		place->prefix, place->cluster.brokers, other, place->own);
	daemon_fail(claim->daemon, &err);
	return false;
}

static void *watch(void *context)
{
	struct claim *claim = context;
	bool is_settled = false;
	int64_t pause_ms = RETRY_MS;
	/* Each look is a client of its own: often while two installations may be starting, ever more rarely after that. */
	do {
		is_settled = look(claim, !is_settled) || is_settled;
		atomic_store(&claim->is_settled, is_settled);
		if (is_settled && pause_ms < RARELY_MS) pause_ms = pause_ms == RETRY_MS ? AGAIN_MS : 2 * pause_ms;
	} while (!daemon_pause(claim->daemon, pause_ms));
	return NULL;
}

bool claim_new(struct service *service, const char *client_id, struct claim **ret, struct err *err)
{
	struct claim *claim = mem_zalloc(1, sizeof(*claim));
	claim->place = claim_place(service->config, client_id, &service->installation);
	claim->daemon = service->daemon;
	if (pthread_create(&claim->thread, NULL, watch, claim) == 0) return MOVE(ret, claim);
	mem_free(claim);
	return err_set(err, ERR_BUSY, "no thread for the claim");
}

bool claim_is_settled(const struct claim *claim)
{
	if (!claim || atomic_load(&claim->is_settled)) return true;
	daemon_pause(claim->daemon, WAIT_MS);
	return false;
}

void claim_free(struct claim *claim)
{
	if (!claim) return;
	pthread_join(claim->thread, NULL);
	mem_free(claim);
}
