/* ohdc-installer: connections, hooks, the pages for people. */

#include "common/domain/settings.h"
#include "common/io/service.h"
#include "services/installer/installer.h"
#include "services/installer/repo_lists.h"
#include "services/installer/rotation.h"
#include "services/installer/routes.h"

#include <malloc.h>

#include "common/base/banned.h"

/* What lives as long as the program. */
struct program {
	struct service service;
	struct front front;
	struct installer installer;
	struct rotation *rotation;
};

/* The handlers end first: they use everything else. */
static void program_close(struct program *program)
{
	front_quiet(&program->front);
	rotation_free(program->rotation);
	repo_lists_free(program->installer.repo_lists);
	front_close(&program->front);
	service_close(&program->service);
}

static bool start(void *context, struct err *err)
{
	struct program *program = context;
	struct service *service = &program->service;
	size_t count;
	const struct web_route *routes = installer_routes(&count);
	if (!front_open(&program->front, service, "ohdc-installer", err) || !service_wait_database(service, err))
		return false;
	installer_init(&program->installer, service, &program->front);
	return rotation_new(service->pool, service->daemon, &program->rotation, err) &&
	       repo_lists_new(&program->installer, &program->installer.repo_lists, err) &&
	       front_listen(&program->front, service, routes, count, &program->installer, err);
}

int main(int argc, char **argv)
{
	CLEANUP(program_close) struct program program = {0};
	/* Answers of 12 MB come and go: their memory goes back to the system. */
	(void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	(void)mallopt(M_ARENA_MAX, 2);
	const struct service_options options = {
		.program = "ohdc-installer",
		.purpose = "connects Jira and Bitbucket: connections, hooks, pages, recovery of "
			   "missed events",
		.reader = SETTING_INSTALLER,
		.settings = settings_all,
	};
	return service_run(&options, argc, argv, &program.service, start, &program);
}
