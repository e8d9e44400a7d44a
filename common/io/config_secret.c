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

enum { NAME_BYTES = 128, FILE_BYTES = LIMIT_SETTING_BYTES + 2 /* with a line end */ };

static void close_fd(int *fd)
{
	if (*fd >= 0) (void)close(*fd);
}

static struct config_file_id id_of(const struct stat *stat)
{
	return (struct config_file_id){{(int64_t)stat->st_dev, (int64_t)stat->st_ino, stat->st_size, stat->st_mtim.tv_sec,
					stat->st_mtim.tv_nsec, stat->st_ctim.tv_sec, stat->st_ctim.tv_nsec}};
}

bool config_is_same_file(const struct config_file_id *a, const struct config_file_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct config_file_id config_look_at(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? id_of(&status) : (struct config_file_id){0};
}

/* NULL when `ret` was set, else what was found instead of a secret. */
static const char *keep(const char *bytes, size_t len, struct secret *ret)
{
	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	if (len == 0) return "an empty value";
	if (len > LIMIT_SETTING_BYTES) return "more than 64 KiB";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f) return "a control character";
	}
	secret_set(ret, bytes, len);
	return NULL;
}

/* O_NONBLOCK: a pipe must not stop the program. What grows meanwhile is seen as changed the next time. */
const char *config_read(const char *path, size_t most, struct secret *ret, struct config_file_id *ret_id)
{
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	ssize_t got;
	if (fd < 0) return errno == ENOENT ? "no such file" : "an unreadable file";
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return "something that is no regular file";
	if (status.st_size > (off_t)most) return "a file that is too large";
	CLEANUP(secret_done) struct secret text = {.text = mem_zalloc(1, (size_t)status.st_size + 1)};
	while ((got = read(fd, text.text + text.len, (size_t)status.st_size - text.len)) > 0)
		text.len += (size_t)got;
	if (got < 0) return "an unreadable file";
	*ret_id = id_of(&status);
	secret_done(ret);
	*ret = text;
	text = (struct secret){0};
	return NULL;
}

static const char *read_file(const char *path, struct secret *ret, struct config_file_id *ret_id)
{
	CLEANUP(secret_done) struct secret text = {0};
	struct config_file_id id;
	const char *fault = config_read(path, FILE_BYTES, &text, &id);
	if (!fault) fault = keep(text.text, text.len, ret);
	if (!fault) *ret_id = id;
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
	fault = keep(text, strlen(text), &value->secret);
	return !fault || err_set(err, ERR_INPUT, "%s: found %s, expected a secret of one line", name, fault);
}

static void complain_once(struct config_value *value, const struct config_file_id *now, const char *fault)
{
	struct config_file *file = &value->file;
	if (file->is_refused && config_is_same_file(&file->refused, now)) return;
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
	now = config_look_at(file->path);
	bool is_same = config_is_same_file(&now, &file->seen);
	file->is_refused = file->is_refused && !is_same;
	if (is_same) return;
	fault = read_file(file->path, &value->secret, &file->seen);
	if (fault) {
		complain_once(value, &now, fault);
		return;
	}
	file->is_refused = false;
	LOG_INFO("a changed secret is in use", LOG_TEXT("setting", value->setting->name));
}
