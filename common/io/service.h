#ifndef OHDC_IO_SERVICE_H
#define OHDC_IO_SERVICE_H

/* What every service has: settings, log, metrics, the daemon frame, the database, the sealing keys. The first paragraph of main. */

#include "common/base/attr.h"
#include "common/base/crypto.h"
#include "common/base/err.h"
#include "common/base/setting.h"
#include "common/base/uuid.h"
#include "common/io/config.h"
#include "common/io/daemon.h"
#include "common/io/db.h"
#include "common/io/kafka.h"
#include "common/io/metrics.h"

#include <stdbool.h>
#include <stddef.h>

/** What main says about its program; static. */
struct service_options {
	const char *program; /**< "ohdc-linker" */
	const char *purpose; /**< one line for --help */
	enum setting_reader reader;
	const struct setting *(*settings)(size_t *ret_count); /**< the table of all settings */
	size_t extra_connections; /**< database connections beside OHDC_DATABASE_POOL (threads of their own) */
};

/** The opened frame; zeroed means not open. */
struct service {
	struct config *config;
	struct metrics *metrics;
	struct daemon *daemon;
	struct db_pool *pool;
	struct crypto_keyring keys;
	struct crypto_keyring key_list; /**< the file as it was read last */
	struct err key_fault;           /**< why that file was refused */
	struct uuid installation;       /**< after service_wait_database() */
};

/** What a service does between its opened frame and its readiness. False with an empty `err`: stopping was asked for. */
typedef bool service_start_fn(void *program, struct err *err);

/**
 * The life of a service, main's whole body: answer --help and --version, read the settings, block the signals, open log, metrics,
 * admin listener and pool; `start`; ready; wait for the stop. Returns the exit status: 0 after --help or a drained stop, 2 for
 * settings that cannot be used (ERR_INPUT), with one line on standard error when the frame is not open yet, 1 otherwise. The
 * caller closes what `start` opened, then the service.
 */
NODISCARD int service_run(const struct service_options *options, int argc, char **argv, struct service *service,
			  service_start_fn *start, void *program);

/**
 * Wait until the database answers with a schema this program knows and the sealing keys fit, saying once a second what is
 * missing. False: stopping was asked for (`err` is empty), or the keys are wrong.
 */
NODISCARD bool service_wait_database(struct service *service, struct err *err);

/** The Kafka cluster of the settings; texts borrowed from the config. */
NODISCARD struct kafka_cluster service_kafka(struct config *config, const char *client_id);

/** A name for this process as owner of leases, not to be had twice: service, host, process, a number drawn. */
void service_name_owner(const char *service, char *ret, size_t size);

/** Log the last line, close everything in order. */
void service_close(struct service *service);

#endif
