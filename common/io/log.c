/* JSON lines on standard error, each by one write(2), with the fields of the thread's scopes. */

#include "common/io/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/io/log_line.h"
#include "common/io/sysclock.h"

#include "common/base/banned.h"

/* Set by log_open() before threads start. The one state that is not passed down: every adapter logs. */
static struct {
	const char *program;
	enum log_level level;
} log_state = {"ohdc", LOG_LEVEL_INFO};

static _Thread_local struct log_scope *innermost;

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

void log_open(const char *program, const char *level)
{
	log_state.program = program;
	log_state.level = LOG_LEVEL_INFO;
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (strcmp(level, level_names[i]) == 0) log_state.level = (enum log_level)i;
	}
}

static bool has_key(const struct log_field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].key, key) == 0) return true;
	}
	return false;
}

/* Whether a scope between the thread's innermost and `scope` has the same key. */
static bool is_shadowed(const struct log_scope *scope)
{
	for (const struct log_scope *inner = innermost; inner != scope; inner = inner->outer) {
		if (strcmp(inner->field.key, scope->field.key) == 0) return true;
	}
	return false;
}

static void add_head(struct log_line *line, enum log_level level, const char *message)
{
	char time[SYSCLOCK_TEXT_SIZE];
	sysclock_text(sysclock_now_ms(), time);
	log_line_add(line, LOG_TEXT("time", time));
	log_line_add(line, LOG_TEXT("level", level_names[level]));
	log_line_add(line, LOG_TEXT("program", log_state.program));
	log_line_add(line, LOG_TEXT("message", message));
}

static void put_line(const struct log_line *line)
{
	ssize_t written;
	do {
		written = write(STDERR_FILENO, line->text, line->len);
	} while (written < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t count)
{
	struct log_line line;
	int saved_errno = errno;
	if (level < log_state.level) return;
	line.len = 0;
	line.is_cut = false;
	add_head(&line, level, message);
	for (const struct log_scope *scope = innermost; scope; scope = scope->outer) {
		if (!is_shadowed(scope) && !has_key(fields, count, scope->field.key)) log_line_add(&line, scope->field);
	}
	for (size_t i = 0; i < count; i++)
		log_line_add(&line, fields[i]);
	log_line_close(&line);
	put_line(&line);
	errno = saved_errno;
}

void log_err(const char *message, const struct err *err)
{
	struct log_field fields[] = {
		LOG_TEXT("code", err_code_name(err->code)),
		LOG_TEXT("error", err->message),
		LOG_INT("http_status", err->http_status),
	};
	log_write(LOG_LEVEL_WARN, message, fields, err->http_status != 0 ? 3 : 2);
}

bool log_gap_passed(struct log_gap *gap, int64_t gap_ms)
{
	int64_t now_ms = sysclock_monotonic_ms();
	int64_t next_ms = atomic_load(&gap->next_ms);
	return now_ms >= next_ms && atomic_compare_exchange_strong(&gap->next_ms, &next_ms, now_ms + gap_ms);
}

void log_scope_enter(struct log_scope *scope, struct log_field field)
{
	scope->field = field;
	scope->outer = innermost;
	innermost = scope;
}

void log_scope_leave(struct log_scope *scope)
{
	innermost = scope->outer;
}
