/*
 * Root certificates for the HTTP client, as one file in memory: libcurl keeps what it parsed from one file, but parses bundles
 * given as bytes, and folders, anew for each connection.
 */

#include "common/io/http_client_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/strbuf.h"

#include "common/base/banned.h"

enum { BUNDLE_BYTES = 4 * 1024 * 1024, READ_BYTES = 16 * 1024 };

static void close_file(const int *fd)
{
	if (*fd >= 0) (void)close(*fd);
}

static bool add_file(struct strbuf *text, const char *path)
{
	CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char part[READ_BYTES];
	ssize_t got;
	if (fd < 0) return false;
	while ((got = read(fd, part, sizeof(part))) > 0)
		strbuf_add_bytes(text, bytes_of(part, (size_t)got));
	strbuf_add(text, "\n");
	return got == 0 && !text->is_cut;
}

static bool write_all(int fd, const struct strbuf *text)
{
	size_t done = 0;
	while (done < text->len) {
		ssize_t wrote = write(fd, text->text + done, text->len - done);
		if (wrote <= 0) return false;
		done += (size_t)wrote;
	}
	return true;
}

bool http_client_ca_join(const char *system_file, const char *extra_file, int *ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf text;
	CLEANUP(close_file) int fd = memfd_create("ca-bundle", MFD_CLOEXEC);
	strbuf_init(&text, BUNDLE_BYTES);
	if (!add_file(&text, extra_file))
		return err_set(err, ERR_INPUT, "cannot read CA file '%s': %s", extra_file,
			       text.is_cut ? "too large" : strerrordesc_np(errno));
	if (!strstr(strbuf_text(&text), "-----BEGIN CERTIFICATE-----"))
		return err_set(err, ERR_INPUT, "CA file '%s' has no PEM certificate", extra_file);
	if (system_file) (void)add_file(&text, system_file);
	if (fd < 0 || text.is_cut || !write_all(fd, &text))
		return err_set(err, ERR_INTERNAL, "cannot join the CA files");
	*ret = fd;
	fd = -1; /* moved to the caller */
	return true;
}
