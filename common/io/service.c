/* Opens and closes what every service has. */

#include "common/io/service.h"

#include "common/io/entropy.h"
#include "common/io/installation.h"
#include "common/io/log.h"
#include "common/io/migrate.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/banned.h"

#ifndef OHDC_VERSION
#define OHDC_VERSION "0.1.0"
#endif

enum { DATABASE_PAUSE_MS = 1000, REFRESH_MS = 2000 };

static bool answer_arguments(const struct service_options *options, int argc, char **argv, int *ret_status)
{
	if (argc == 1) return true;
	size_t count;
	const struct setting *settings = options->settings(&count);
	*ret_status = DAEMON_EXIT_DRAINED;
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", options->program, OHDC_VERSION);
	} else if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("%s: %s\n\n", options->program, options->purpose);
		config_print_help(stdout, settings, count, options->reader);
	} else {
		(void)fprintf(stderr, "%s: unknown argument '%s', expected --help, --version or none\n",
			      options->program, argv[1]);
		*ret_status = DAEMON_EXIT_CONFIGURATION;
	}
	return false;
}

static bool open_settings(const struct service_options *options, struct service *service, struct err *err)
{
	size_t count;
	const struct setting *settings = options->settings(&count);
	if (!config_load(settings, count, options->reader, &service->config, err) ||
	    !installation_load_keys(config_text(service->config, "OHDC_SEAL_KEYS_FILE"), &service->keys, err))
		return false;
	service->key_list = service->keys;
	return true;
}

static bool open_pool(const struct service_options *options, struct service *service, struct err *err)
{
	struct db_options database = {
		.config = service->config,
		.program = options->program,
		.size = (size_t)config_int(service->config, "OHDC_DATABASE_POOL") + options->extra_connections,
	};
	return db_pool_new(&database, &service->pool, err);
}

static bool open_frame(const struct service_options *options, struct service *service, struct err *err)
{
	service->metrics = metrics_new();
	metric_set(metrics_cell(service->metrics, METRIC_GAUGE, "ohdc_build_info", "version=\"" OHDC_VERSION "\"",
				"Version of this program"),
		   1);
	struct daemon_options frame = {
		.program = options->program,
		.admin_listen = config_text(service->config, "OHDC_ADMIN_LISTEN"),
		.grace_ms = config_int(service->config, "OHDC_GRACE_MS"),
		.drain_ms = config_int(service->config, "OHDC_DRAIN_MS"),
		.metrics = service->metrics,
	};
	return daemon_new(&frame, &service->daemon, err) && open_pool(options, service, err);
}

/* False: leave with `*ret_status`. */
static bool open_service(const struct service_options *options, int argc, char **argv, struct service *ret,
			 int *ret_status)
{
	struct err err = {0};
	if (!answer_arguments(options, argc, argv, ret_status)) return false;
	*ret_status = DAEMON_EXIT_CONFIGURATION;
	log_open(options->program, "info");
	bool is_read = open_settings(options, ret, &err);
	if (is_read) log_open(options->program, config_text(ret->config, "OHDC_LOG_LEVEL"));
	if (!is_read || !open_frame(options, ret, &err)) {
		(void)fprintf(stderr, "%s: %s\n", options->program, err.message);
		if (is_read && err.code != ERR_INPUT) *ret_status = DAEMON_EXIT_FAILED;
		return false;
	}
	*ret_status = DAEMON_EXIT_DRAINED;
	LOG_INFO("starting", LOG_TEXT("version", OHDC_VERSION));
	return true;
}

/* A core file would hold credentials. Nobody may read our memory either; a leak checker has to. */
static void forbid_dumps(void)
{
	const struct rlimit none = {0};
	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* A list counts as read when all is well with it: until then each look says the same, once. */
static void refresh_keys(struct service *service)
{
	CLEANUP(crypto_keyring_done) struct crypto_keyring list = {0};
	struct err err = {0};
	struct uuid installation;
	if (installation_load_keys(config_text(service->config, "OHDC_SEAL_KEYS_FILE"), &list, &err) &&
	    memcmp(list.keys, service->key_list.keys, sizeof(list.keys)) != 0 &&
	    installation_open(service->pool, &list, &installation, &err) &&
	    crypto_keyring_add(&service->keys, &list, &err)) {
		service->key_list = list;
		LOG_INFO("changed sealing keys are in use", LOG_TEXT("newest", list.keys[0].id));
	}
	metric_set(config_refused(service->metrics, "OHDC_SEAL_KEYS_FILE"), err.code != ERR_NONE);
	if (err.code != ERR_NONE && strcmp(err.message, service->key_fault.message) != 0)
		log_err("changed sealing keys cannot be used, the old ones stay in use", &err);
	service->key_fault = err;
}

int service_run(const struct service_options *options, int argc, char **argv, struct service *service,
		service_start_fn *start, void *program)
{
	forbid_dumps();
	int status;
	if (!open_service(options, argc, argv, service, &status)) return status;
	struct err err = {0};
	if (start(program, &err))
		daemon_set_ready(service->daemon, true);
	else if (err.code != ERR_NONE)
		daemon_fail(service->daemon, &err);
	while (!daemon_pause(service->daemon, REFRESH_MS)) {
		config_refresh(service->config, service->metrics);
		refresh_keys(service);
	}
	return daemon_wait(service->daemon);
}

bool service_wait_database(struct service *service, struct err *err)
{
	while (!daemon_is_stopping(service->daemon)) {
		*err = (struct err){0};
		if (migrate_check(&migration_own, service->pool, err) &&
		    installation_open(service->pool, &service->keys, &service->installation, err))
			return true;
		if (err->code == ERR_INPUT) return false;
		log_err("waiting for the database", err);
		daemon_pause(service->daemon, DATABASE_PAUSE_MS);
	}
	*err = (struct err){0};
	return false;
}

struct kafka_cluster service_kafka(struct config *config, const char *client_id)
{
	return (struct kafka_cluster){
		.brokers = config_text(config, "OHDC_KAFKA_BROKERS"),
		.config_file = config_text(config, "OHDC_KAFKA_CONFIG_FILE"),
		.client_id = client_id,
		.ca_file = config_text(config, "SSL_CERT_FILE"),
		.config = config,
	};
}

void service_name_owner(const char *service, char *ret, size_t size)
{
	char host[48] = "";
	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(ret, size, "%s:%s:%ld:%08x", service, host, (long)getpid(), entropy_u32());
}

void service_close(struct service *service)
{
	if (service->daemon) LOG_INFO("stopped", LOG_INT("status", daemon_status(service->daemon)));
	db_pool_free(service->pool);
	daemon_free(service->daemon);
	metrics_free(service->metrics);
	crypto_keyring_done(&service->keys);
	crypto_keyring_done(&service->key_list);
	config_free(service->config);
	*service = (struct service){0};
}
