/* ohdc-linker: understands each delivery, finds out who asked, hands the job on. */

#include "common/domain/settings.h"
#include "common/io/kafka_wait.h"
#include "common/io/service.h"
#include "services/linker/intake.h"
#include "services/linker/outbox.h"
#include "services/linker/resolver.h"
#include "services/linker/sweeper.h"

#include "common/base/banned.h"

enum { FLUSH_MS = 5000 };

/* What lives as long as the program; closed from the source of work to its end. */
struct program {
	struct service service;
	struct http_client *client;
	struct linker linker;
	struct intake *intake;
	struct resolver *resolver;
	struct sweeper *sweeper;
	struct outbox *outbox;
};

static void program_close(struct program *program)
{
	intake_free(program->intake);
	resolver_free(program->resolver);
	sweeper_free(program->sweeper);
	outbox_free(program->outbox);
	connections_free(program->linker.connections);
	directories_free(program->linker.directories);
	kafka_producer_free(program->linker.producer, FLUSH_MS);
	http_client_free(program->client);
	linker_done(&program->linker);
	service_close(&program->service);
}

static bool open_adapters(struct program *program, struct err *err)
{
	const struct service *service = &program->service;
	const struct http_client_options http = {
		.ca_file = config_text(service->config, "SSL_CERT_FILE"),
		.user_agent = "ohdc-linker",
	};
	const struct kafka_producer_options kafka = {
		.cluster = program->linker.cluster,
		.report = kafka_wait_report,
	};

	return http_client_curl_new(&http, &program->client, err) &&
	       kafka_producer_new(&kafka, &program->linker.producer, err);
}

static bool open_directories(struct program *program, struct err *err)
{
	const struct directory_options options = {
		.pool = program->service.pool,
		.config = program->service.config,
		.client = program->client,
		.call_deadline_ms = linker_call_deadline_ms(program->service.config),
	};

	return directories_new(&options, &program->linker.directories, err);
}

static bool start(void *context, struct err *err)
{
	struct program *program = context;
	struct linker *linker = &program->linker;

	linker_init(linker, &program->service);
	const struct connections_options connections = {linker->pool, linker->config, linker->daemon};
	if (!open_adapters(program, err) || !open_directories(program, err) ||
	    !service_wait_database(&program->service, err))
		return false;
	linker->installation = program->service.installation;
	return connections_new(&connections, &linker->connections, err) &&
	       outbox_new(linker, &program->outbox, err) &&
	       sweeper_new(linker, &program->sweeper, err) &&
	       resolver_new(linker, &program->resolver, err) &&
	       intake_new(linker, &program->intake, err);
}

int main(int argc, char **argv)
{
	CLEANUP(program_close) struct program program = {0};
	const struct service_options options = {
		.program = "ohdc-linker",
		.purpose = "understands each delivery, finds out who asked, hands the job on",
		.reader = SETTING_LINKER,
		.settings = settings_all,
		.extra_connections = 4,
	};
	return service_run(&options, argc, argv, &program.service, start, &program);
}
