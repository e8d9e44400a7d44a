/* ohdc-installer: connections, hooks and recovery. So far the program with its health and metrics; its interface comes next. */

#include "common/domain/settings.h"
#include "common/io/log.h"
#include "common/io/service.h"

#include "common/base/banned.h"

int main(int argc, char **argv)
{
	CLEANUP(service_close) struct service service = {0};
	int status = DAEMON_EXIT_DRAINED;
	size_t setting_count;
	const struct setting *settings = settings_all(&setting_count);
	const struct service_options options = {
		.program = "ohdc-installer",
		.purpose = "connects Jira and Bitbucket: connections, hooks, pages, recovery of "
			   "missed events",
		.reader = SETTING_INSTALLER,
		.settings = settings,
		.setting_count = setting_count,
		.needs_keys = true,
	};
	if (!service_open(&options, argc, argv, &service, &status))
		return status;

	struct err err = {0};
	if (service_wait_database(&service, &err))
		daemon_set_ready(service.daemon, true);
	else if (err.code != ERR_NONE)
		daemon_fail(service.daemon, &err);
	return daemon_wait(service.daemon);
}
