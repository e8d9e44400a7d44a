/* ohdc-installer: connections, hooks and recovery. So far the program with its health and metrics; its interface comes next. */

#include "common/domain/settings.h"
#include "common/io/service.h"

#include "common/base/banned.h"

static bool start(void *context, struct err *err)
{
	return service_wait_database(context, err);
}

int main(int argc, char **argv)
{
	CLEANUP(service_close) struct service service = {0};
	const struct service_options options = {
		.program = "ohdc-installer",
		.purpose = "connects Jira and Bitbucket: connections, hooks, pages, recovery of "
			   "missed events",
		.reader = SETTING_INSTALLER,
		.settings = settings_all,
		.needs_keys = true,
	};
	return service_run(&options, argc, argv, &service, start, &service);
}
