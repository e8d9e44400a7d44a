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
	PROVE_MS = 100,
	TRIES = 100,
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
static uint64_t digest_login(rd_kafka_t *client, const struct secret *password)
{
	uint64_t digest = 1;
	char path[PATH_SIZE];
	for (size_t i = 0; i < password->len; i++)
		digest = (digest + (unsigned char)password->text[i]) * PRIME;
	for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
		struct stat file = {0};
		size_t size = sizeof(path);
		if (rd_kafka_conf_get(rd_kafka_conf(client), watched[i], path, &size) || stat(path, &file)) continue;
		digest = (digest * PRIME + (uint64_t)file.st_ino) * PRIME;
		digest = (digest + (uint64_t)file.st_mtim.tv_sec) * PRIME + (uint64_t)file.st_mtim.tv_nsec;
	}
	return digest | 1;
}

/* The password is there before the first connection is: what reaches a broker has come in with it. */
static bool make_next(const struct secret *password, rd_kafka_t *client, rd_kafka_t **ret, struct err *err)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(rd_kafka_conf(client));
	if (secret_is_set(password)) {
		char ignored[1];
		(void)rd_kafka_conf_set(conf, "sasl.password", password->text, ignored, sizeof(ignored));
	}
	return kafka_client_new((int)rd_kafka_type(client), conf, ret, err);
}

/* A client connects by itself, and then knows the cluster's name: nobody waits for a broker here, however far it is. */
static bool reaches_broker(struct kafka_watch *watch)
{
	char *cluster = rd_kafka_clusterid(watch->next, 0);
	if (!cluster && ++watch->tries == TRIES)
		LOG_WARN("changed Kafka credentials reach no broker, the old ones stay in use",
			 LOG_TEXT("client", rd_kafka_name(watch->next)));
	rd_kafka_mem_free(watch->next, cluster);
	return cluster;
}

/* What is on its way in a client that is followed by another arrives too: it may have to connect anew. */
static void give_password(rd_kafka_t *client, const struct secret *password)
{
	char user[PATH_SIZE];
	size_t size = sizeof(user);
	if (secret_is_set(password) && !rd_kafka_conf_get(rd_kafka_conf(client), "sasl.username", user, &size))
		rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(client, user, password->text));
}

static void follow(struct kafka_watch *watch, rd_kafka_t *client, const struct secret *password)
{
	struct err err = {0};
	uint64_t login = digest_login(client, password);
	if (login == watch->login) return;
	bool is_first = watch->login == 0;
	kafka_watch_done(watch);
	watch->login = login;
	if (!is_first && !make_next(password, client, &watch->next, &err))
		log_err("changed Kafka credentials cannot be used, the old ones stay in use", &err);
}

rd_kafka_t *kafka_watch_turn(struct kafka_watch *watch, rd_kafka_t *client)
{
	CLEANUP(secret_done) struct secret password = {0};
	int64_t now_ms = sysclock_monotonic_ms();
	if (now_ms - watch->looked_ms < (watch->next && watch->tries < TRIES ? PROVE_MS : LOOK_MS)) return NULL;
	watch->looked_ms = now_ms;
	if (watch->config) (void)config_secret(watch->config, "OHDC_KAFKA_PASSWORD", &password);
	follow(watch, client, &password);
	if (!watch->next || !reaches_broker(watch)) return NULL;
	give_password(client, &password);
	rd_kafka_t *proved = watch->next;
	watch->next = NULL;
	LOG_INFO("changed Kafka credentials are in use", LOG_TEXT("client", rd_kafka_name(proved)));
	return proved;
}

void kafka_watch_done(struct kafka_watch *watch)
{
	if (watch->next) rd_kafka_destroy(watch->next);
	*watch = (struct kafka_watch){.config = watch->config, .looked_ms = watch->looked_ms};
}
