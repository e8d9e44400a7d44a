/* ohdc-linker: understands each delivery, finds out who asked, hands the job on. */

#include "common/connect/jira_token.h"
#include "common/domain/settings.h"
#include "common/io/kafka_wait.h"
#include "common/io/service.h"
#include "services/linker/intake.h"
#include "services/linker/outbox.h"
#include "services/linker/resolver.h"
#include "services/linker/routes.h"
#include "services/linker/sweeper.h"

#include "common/base/banned.h"

enum { FLUSH_MS = 5000 };

/* What lives as long as the program; closed from the source of work to its end. */
struct program {
	struct service service;
	struct front front;
	struct linker linker;
	struct intake *intake;
	struct resolver *resolver;
	struct sweeper *sweeper;
	struct outbox *outbox;
};

/* The intake first: another linker takes its partitions over, also where a handler waits for its peer to the end of the drain. */
static void program_close(struct program *program)
{
	intake_free(program->intake);
	front_quiet(&program->front);
	resolver_free(program->resolver);
	sweeper_free(program->sweeper);
	outbox_free(program->outbox);
	connections_free(program->linker.connections);
	directories_free(program->linker.directories);
	kafka_producer_free(program->linker.producer, FLUSH_MS);
	linker_done(&program->linker);
	front_close(&program->front);
	service_close(&program->service);
}

static bool open_adapters(struct program *program, struct err *err)
{
	const struct kafka_producer_options kafka = {
		.cluster = program->linker.cluster,
		.report = kafka_wait_report,
	};
	return front_open(&program->front, &program->service, "ohdc-linker", err) &&
	       kafka_producer_new(&kafka, &program->linker.producer, err);
}

static bool open_directories(struct program *program, struct err *err)
{
	const struct directory_options options = {
		.pool = program->service.pool,
		.config = program->service.config,
		.client = peer_client_plain(program->front.peers),
		.call_deadline_ms = linker_call_deadline_ms(program->service.config),
		.keys = &program->service.keys,
	};
	return directories_new(&options, &program->linker.directories, err);
}

static bool listen_for_people(struct program *program, struct err *err)
{
	size_t count;
	const struct web_route *routes = linker_routes(&count);
	return front_listen(&program->front, &program->service, routes, count, &program->linker, err);
}

static bool start(void *context, struct err *err)
{
	struct program *program = context;
	struct linker *linker = &program->linker;
	linker_init(linker, &program->service);
	const struct connections_options connections = {linker->pool, linker->config, linker->daemon};
	if (!jira_token_check(linker->config, err) || !open_adapters(program, err) || !open_directories(program, err) ||
	    !service_wait_database(&program->service, err))
		return false;
	linker_join(linker, &program->service, &program->front);
	return connections_new(&connections, &linker->connections, err) && outbox_new(linker, &program->outbox, err) &&
	       sweeper_new(linker, &program->sweeper, err) && resolver_new(linker, &program->resolver, err) &&
	       intake_new(linker, &program->intake, err) && listen_for_people(program, err);
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
		.needs_keys = true,
	};
	return service_run(&options, argc, argv, &program.service, start, &program);
}
