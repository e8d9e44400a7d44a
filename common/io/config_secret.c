/* Secrets from NAME or NAME_FILE; a file is read again when it changed, and a wrong new value never replaces a right one. */

#include "common/io/config.h"
#include "common/io/config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/io/log.h"

#include "common/base/banned.h"

enum { NAME_BYTES = 128 };

static void close_fd(int *fd)
{
	if (*fd >= 0) (void)close(*fd);
}

static struct config_file_id id_of(const struct stat *stat)
{
	return (struct config_file_id){{(int64_t)stat->st_dev, (int64_t)stat->st_ino, stat->st_size, stat->st_mtim.tv_sec,
					stat->st_mtim.tv_nsec, stat->st_ctim.tv_sec, stat->st_ctim.tv_nsec}};
}

static bool is_same_file(const struct config_file_id *a, const struct config_file_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* The file as it is now, symbolic links followed (Kubernetes swaps one); zeroed when it cannot be seen. */
static struct config_file_id look_at(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? id_of(&status) : (struct config_file_id){0};
}

/* NULL when the bytes are fit to be a secret, else what they are. Trailing line ends were cut off. */
static const char *fault_of(const uint8_t *bytes, size_t len)
{
	if (len == 0) return "an empty value";
	if (len > LIMIT_SETTING_BYTES) return "more than 64 KiB";
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < 0x20 || bytes[i] == 0x7f) return "a control character";
	}
	return NULL;
}

/* NULL when `ret` was set, else what was found instead of a secret. */
static const char *keep(const uint8_t *bytes, size_t len, struct secret *ret)
{
	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	const char *fault = fault_of(bytes, len);
	if (!fault) secret_set(ret, bytes, len);
	return fault;
}

static bool read_all(int fd, uint8_t *buffer, size_t size, size_t *ret_len)
{
	size_t len = 0;
	while (len < size) {
		ssize_t got = read(fd, buffer + len, size - len);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return false;
		if (got == 0) break;
		len += (size_t)got;
	}
	*ret_len = len;
	return true;
}

/* One byte more than a secret and its line end may have shows that a file is too large. */
static const char *read_secret(int fd, struct secret *ret)
{
	size_t size = LIMIT_SETTING_BYTES + 3;
	uint8_t *buffer = mem_zalloc(1, size);
	const char *fault = "an unreadable file";
	size_t len = 0;
	if (read_all(fd, buffer, size, &len)) fault = keep(buffer, len, ret);
	mem_wipe(buffer, size);
	mem_free(buffer);
	return fault;
}

/* NULL when `ret` and `ret_id` were set, else what was found. O_NONBLOCK: a pipe must not stop the program. */
static const char *read_file(const char *path, struct secret *ret, struct config_file_id *ret_id)
{
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	const char *fault;
	if (fd < 0) return errno == ENOENT ? "no such file" : "an unreadable file";
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return "something that is no regular file";
	fault = read_secret(fd, ret);
	if (!fault) *ret_id = id_of(&status);
	return fault;
}

static bool refuse_file(const char *name, const char *path, const char *fault, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf shown = strbuf_of(CONFIG_PHRASE_BYTES);
	config_add_found(&shown, path);
	return err_set(err, ERR_INPUT, "%s: found %s, %s, expected a file with a secret of one line", name,
		       strbuf_text(&shown), fault);
}

/* A path that begins with - may be missing, as systemd has it: the secret is unset until the file is there. */
static bool load_file(struct config_value *value, const char *name, const char *path, struct err *err)
{
	bool may_miss = path[0] == '-';
	path += may_miss;
	const char *fault = read_file(path, &value->secret, &value->file.seen);
	if (fault && !(may_miss && access(path, F_OK) != 0)) return refuse_file(name, path, fault, err);
	value->file.path = mem_dup(path);
	return true;
}

bool config_read_file(const char *name, const char *path, struct secret *ret, struct err *err)
{
	struct config_file_id id;
	const char *fault = read_file(path, ret, &id);
	return !fault || refuse_file(name, path, fault, err);
}

const char *config_environment(const char *name)
{
	const char *text = getenv(name);
	return text && text[0] != '\0' ? text : NULL;
}

bool config_secret_load(struct config_value *value, struct err *err)
{
	const char *name = value->setting->name;
	const char *text = config_environment(name);
	char file_name[NAME_BYTES];
	const char *path;
	const char *fault;
	(void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
	path = config_environment(file_name);
	if (text && path)
		return err_set(err, ERR_INPUT, "%s: found %s set as well, expected one of both", name, file_name);
	if (path) return load_file(value, file_name, path, err);
	if (!text) return true;
	fault = keep((const uint8_t *)text, strlen(text), &value->secret);
	return !fault || err_set(err, ERR_INPUT, "%s: found %s, expected a secret of one line", name, fault);
}

static void complain_once(struct config_value *value, const struct config_file_id *now, const char *fault)
{
	struct config_file *file = &value->file;
	if (file->is_refused && is_same_file(&file->refused, now)) return;
	file->is_refused = true;
	file->refused = *now;
	LOG_WARN("a changed secret cannot be used, the old one stays in use", LOG_TEXT("setting", value->setting->name),
		 LOG_TEXT("path", file->path), LOG_TEXT("found", fault));
}

void config_secret_refresh(struct config_value *value)
{
	struct config_file *file = &value->file;
	struct config_file_id now;
	const char *fault;
	if (!file->path) return;
	now = look_at(file->path);
	if (is_same_file(&now, &file->seen)) return;
	fault = read_file(file->path, &value->secret, &file->seen);
	if (fault) {
		complain_once(value, &now, fault);
		return;
	}
	file->is_refused = false;
	LOG_INFO("a changed secret is in use", LOG_TEXT("setting", value->setting->name));
}
