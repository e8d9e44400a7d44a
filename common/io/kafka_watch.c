/* What a client was made from changes while it lives: its password, its certificate, the CA. */
#include <stdio.h>
#include <sys/stat.h>

#include <librdkafka/rdkafka.h>

#include "common/base/mem.h"
#include "common/io/config.h"
#include "common/io/kafka_client.h"
#include "common/io/log.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

enum {
	LOOK_MS = 1000,
	TRIES = 10,
	PATH_SIZE = 4096,
};

#define PRIME 1099511628211U

static const char *const watched[] = {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location",
				      "ssl.keystore.location"};

bool kafka_client_again(rd_kafka_t *client, rd_kafka_t **ret, struct err *err)
{
	return kafka_client_new((int)rd_kafka_type(client), rd_kafka_conf_dup(rd_kafka_conf(client)), ret, err);
}

/* Never 0. Symbolic links are followed: Kubernetes swaps one. */
static uint64_t digest_files(rd_kafka_t *client)
{
	uint64_t digest = 1;
	char path[PATH_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
		struct stat file = {0};
		size_t size = sizeof(path);
		if (rd_kafka_conf_get(rd_kafka_conf(client), watched[i], path, &size) || stat(path, &file)) continue;
		digest = (digest * PRIME + (uint64_t)file.st_ino) * PRIME;
		digest = (digest + (uint64_t)file.st_mtim.tv_sec) * PRIME + (uint64_t)file.st_mtim.tv_nsec;
	}
	return digest | 1;
}

/* Connections that stand stay; the next one uses the new password. */
static void follow_password(struct kafka_watch *watch, rd_kafka_t *client)
{
	CLEANUP(secret_done) struct secret now = {0};
	char user[PATH_SIZE];
	size_t size = sizeof(user);
	if (!watch->config || !config_secret(watch->config, "OHDC_KAFKA_PASSWORD", &now) ||
	    bytes_equal(secret_bytes(&now), secret_bytes(&watch->password)) ||
	    rd_kafka_conf_get(rd_kafka_conf(client), "sasl.username", user, &size) != RD_KAFKA_CONF_OK)
		return;
	rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(client, user, now.text));
	if (watch->next) rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(watch->next, user, now.text));
	secret_set(&watch->password, now.text, now.len);
}

/* A client connects by itself, and then knows the cluster's name: nobody waits for a broker here, however far it is. */
static bool reaches_broker(struct kafka_watch *watch)
{
	char *cluster = rd_kafka_clusterid(watch->next, 0);
	if (!cluster && ++watch->tries == TRIES)
		LOG_WARN("changed Kafka TLS files reach no broker, the old ones stay in use",
			 LOG_TEXT("client", rd_kafka_name(watch->next)));
	rd_kafka_mem_free(watch->next, cluster);
	return cluster;
}

static void follow_files(struct kafka_watch *watch, rd_kafka_t *client)
{
	struct err err = {0};
	uint64_t files = digest_files(client);
	if (files == watch->files) return;
	bool is_first = watch->files == 0;
	kafka_watch_done(watch);
	watch->files = files;
	if (!is_first && !kafka_client_again(client, &watch->next, &err))
		log_err("changed Kafka TLS files cannot be used, the old ones stay in use", &err);
}

rd_kafka_t *kafka_watch_turn(struct kafka_watch *watch, rd_kafka_t *client)
{
	int64_t now_ms = sysclock_monotonic_ms();
	if (now_ms - watch->looked_ms < LOOK_MS) return NULL;
	watch->looked_ms = now_ms;
	follow_password(watch, client);
	follow_files(watch, client);
	if (!watch->next || !reaches_broker(watch)) return NULL;
	rd_kafka_t *proved = watch->next;
	watch->next = NULL;
	LOG_INFO("changed Kafka TLS files are in use", LOG_TEXT("client", rd_kafka_name(proved)));
	return proved;
}

/* The password goes with it: whatever client comes next is given the newest again. */
void kafka_watch_done(struct kafka_watch *watch)
{
	if (watch->next) rd_kafka_destroy(watch->next);
	secret_done(&watch->password);
	*watch = (struct kafka_watch){.config = watch->config, .looked_ms = watch->looked_ms};
}
