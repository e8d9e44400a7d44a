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
	claim_free(program->linker.claim);
	table_cache_free(program->linker.connections);
	directories_free(program->linker.directories);
	kafka_producer_free(program->linker.producer, FLUSH_MS);
	linker_done(&program->linker);
	front_close(&program->front);
	service_close(&program->service);
}

/* What is there before the database answers. */
static bool open_adapters(struct program *program, struct err *err)
{
	struct linker *linker = &program->linker;
	if (!jira_token_check(program->service.config, err) ||
	    !front_open(&program->front, &program->service, "ohdc-linker", err))
		return false;
	linker_init(linker, &program->service, &program->front);
	const struct kafka_producer_options kafka = {.cluster = linker->cluster, .report = kafka_wait_report};
	const struct directory_options directories = {
		.pool = linker->pool,
		.config = linker->config,
		.client = peer_client_plain(linker->peers),
		.call_deadline_ms = linker_call_deadline_ms(linker->config),
		.keys = linker->keys,
	};
	return kafka_producer_new(&kafka, &linker->producer, err) &&
	       directories_new(&directories, &linker->directories, err);
}

static bool start(void *context, struct err *err)
{
	struct program *program = context;
	struct linker *linker = &program->linker;
	size_t count;
	const struct web_route *routes = linker_routes(&count);
	if (!open_adapters(program, err) || !service_wait_database(&program->service, err)) return false;
	linker->installation = program->service.installation;
	return claim_new(&program->service, "ohdc-linker", &linker->claim, err) &&
	       connections_new(linker->pool, linker->config, linker->daemon, &linker->connections, err) &&
	       outbox_new(linker, &program->outbox, err) && sweeper_new(linker, &program->sweeper, err) &&
	       resolver_new(linker, &program->resolver, err) && intake_new(linker, &program->intake, err) &&
	       front_listen(&program->front, &program->service, routes, count, linker, err);
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
