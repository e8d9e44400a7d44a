/*
 * Root certificates for the HTTP client, as one file in memory: libcurl keeps what it parsed from one file, but parses bundles
 * given as bytes, and folders, anew for each connection.
 */

#include "common/io/http_client_ca.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/crypto.h"
#include "common/io/config.h"

#include "common/base/banned.h"

enum { BUNDLE_BYTES = 4 * 1024 * 1024 };

static void close_file(const int *fd)
{
	if (*fd >= 0) (void)close(*fd);
}

bool http_client_ca_join(const char *system_file, const char *extra_file, int *ret, struct err *err)
{
	CLEANUP(secret_done) struct secret own = {0}, system = {0};
	CLEANUP(close_file) int fd = memfd_create("ca-bundle", MFD_CLOEXEC);
	struct config_file_id seen;
	const char *fault = config_read(extra_file, BUNDLE_BYTES, &own, &seen);
	if (!fault && crypto_count_certificates(own.text) == 0) fault = "no PEM certificate, or a broken one";
	if (fault) return err_set(err, ERR_INPUT, "CA file '%s': found %s", extra_file, fault);
	fault = system_file ? config_read(system_file, BUNDLE_BYTES, &system, &seen) : "";
	if (fd < 0 || dprintf(fd, "%s\n%s", own.text, fault ? "" : system.text) < 0)
		return err_set(err, ERR_INTERNAL, "cannot join the CA files");
	if (*ret >= 0)
		return dup3(fd, *ret, O_CLOEXEC) >= 0 || err_set(err, ERR_INTERNAL, "cannot replace the CA files");
	*ret = fd;
	fd = -1; /* moved to the caller */
	return true;
}
