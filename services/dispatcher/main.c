/* ohdc-dispatcher: starts jobs as the person who asked, follows them, answers where it was asked. */

#include "common/domain/settings.h"
#include "common/io/kafka_wait.h"
#include "common/io/service.h"
#include "services/dispatcher/job_intake.h"
#include "services/dispatcher/setup.h"
#include "services/dispatcher/worker.h"

#include "common/base/banned.h"

/* What lives as long as the program; closed in reverse order. */
struct program {
	struct service service;
	struct peer_clients *clients;
	struct kafka_producer *producer;
	struct dispatcher dispatcher;
	struct workers *workers;
	struct job_intake *intake;
};

enum { FLUSH_MS = 5000 };

static void program_close(struct program *program)
{
	job_intake_free(program->intake);
	workers_free(program->workers);
	claim_free(program->dispatcher.claim);
	dispatcher_done(&program->dispatcher);
	kafka_producer_free(program->producer, FLUSH_MS);
	peer_clients_free(program->clients);
	service_close(&program->service);
}

static bool start(void *context, struct err *err)
{
	struct program *program = context;
	struct service *service = &program->service;
	struct kafka_cluster cluster = service_kafka(service->config, "ohdc-dispatcher");
	struct kafka_producer_options kafka = {.cluster = cluster, .report = kafka_wait_report};
	size_t worker_count = (size_t)config_int(service->config, "OHDC_WORKERS");
	if (!peer_clients_new(service->config, "ohdc-dispatcher", &program->clients, err) ||
	    !kafka_producer_new(&kafka, &program->producer, err) || !service_wait_database(service, err) ||
	    !dispatcher_init(&program->dispatcher, service, program->clients, program->producer, err))
		return false;
	return claim_new(service, "ohdc-dispatcher", &program->dispatcher.claim, err) &&
	       workers_new(&program->dispatcher, service->daemon, worker_count, &program->workers, err) &&
	       job_intake_new(&program->dispatcher, &cluster, service->daemon, program->workers, &program->intake, err);
}

int main(int argc, char **argv)
{
	CLEANUP(program_close) struct program program = {0};
	const struct service_options options = {
		.program = "ohdc-dispatcher",
		.purpose = "starts jobs as the person who asked, follows them, answers where it "
			   "was asked",
		.reader = SETTING_DISPATCHER,
		.settings = settings_all,
		.extra_connections = 8,
	};
	return service_run(&options, argc, argv, &program.service, start, &program);
}
