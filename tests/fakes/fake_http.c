/* A scripted, strict HTTP client. */
#include "tests/fakes/fake_http.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { PROBLEM_SIZE = 1024 };

struct fake_http {
	struct http_client port;
	const struct fake_http_step *steps;
	size_t count;
	pthread_mutex_t lock; /* guards what follows */
	size_t played;
	size_t stopped;
	char problem[PROBLEM_SIZE];
	char left[PROBLEM_SIZE];
};

static struct fake_http *fake_of(struct http_client *client)
{
	return (struct fake_http *)client;
}

/* Remember the first problem; false. */
PRINTF_LIKE(2, 3) static bool complain(struct fake_http *fake, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	if (fake->problem[0] == '\0') (void)vsnprintf(fake->problem, sizeof(fake->problem), format, values);
	va_end(values);
	return false;
}

static bool has_header(const struct http_call *call, const char *header)
{
	for (size_t i = 0; i < HTTP_CALL_HEADERS_MAX && call->headers[i]; i++) {
		if (strcmp(call->headers[i], header) == 0) return true;
	}
	return false;
}

static bool has_body(const struct http_call *call, const char *text)
{
	if (text[0] == '\0') return call->body.len == 0;
	return call->body.len > 0 && memmem(call->body.ptr, call->body.len, text, strlen(text)) != NULL;
}

static bool is_same_call(const struct fake_http_step *step, const struct http_call *call)
{
	return strcmp(step->method, call->method) == 0 && strcmp(step->url, call->url) == 0;
}

static bool check(struct fake_http *fake, const struct fake_http_step *step, const struct http_call *call)
{
	size_t number = fake->played + 1;
	if (!is_same_call(step, call))
		return complain(fake, "call %zu is %s %s instead of %s %s", number, call->method, call->url,
				step->method, step->url);
	if (step->header && !has_header(call, step->header))
		return complain(fake, "call %zu, %s: no header '%s'", number, call->url, step->header);
	if (step->body && !has_body(call, step->body))
		return complain(fake, "call %zu, %s: body '%.*s' without '%s'", number, call->url,
				(int)(call->body.len < 400 ? call->body.len : 400),
				call->body.len > 0 ? (const char *)call->body.ptr : "", step->body);
	if (step->is_unsafe != call->is_unsafe)
		return complain(fake, "call %zu, %s: is %s", number, call->url, call->is_unsafe ? "unsafe" : "safe");
	if (call->deadline_ms <= 0) return complain(fake, "call %zu, %s: without deadline", number, call->url);
	return true;
}

static const struct fake_http_step *next_step(struct fake_http *fake, const struct http_call *call)
{
	const struct fake_http_step *step = NULL;
	(void)pthread_mutex_lock(&fake->lock);
	if (fake->played == fake->count)
		(void)complain(fake, "%s %s was not expected: the script is over", call->method, call->url);
	else if (check(fake, &fake->steps[fake->played], call))
		step = &fake->steps[fake->played++];
	(void)pthread_mutex_unlock(&fake->lock);
	return step;
}

static bool stop(struct fake_http *fake, struct err *err)
{
	(void)pthread_mutex_lock(&fake->lock);
	fake->stopped++;
	(void)pthread_mutex_unlock(&fake->lock);
	return err_set(err, ERR_CONFLICT, "stopped before it was sent");
}

static bool is_too_large(const struct fake_http_step *step, const struct http_call *call)
{
	return step->answer && call->ceiling_bytes > 0 && strlen(step->answer) > call->ceiling_bytes;
}

static bool play(struct http_client *self, const struct http_call *call, struct http_result *ret, struct err *err)
{
	struct fake_http *fake = fake_of(self);
	const struct fake_http_step *step;
	if (call->is_unsafe && call->may_send && !call->may_send(call->gate)) return stop(fake, err);
	step = next_step(fake, call);
	if (!step) return err_set(err, ERR_INTERNAL, "the fake did not expect this call");
	if (step->meanwhile) step->meanwhile(step->context);
	if (step->fails != ERR_NONE) return err_set(err, step->fails, "as the script says");
	if (is_too_large(step, call))
		return err_set(err, call->is_unsafe ? ERR_UNCERTAIN : ERR_LIMIT, "the answer is too large");
	*ret = (struct http_result){.status = step->status,
				    .body = mem_dup(step->answer ? step->answer : ""),
				    .body_len = step->answer ? strlen(step->answer) : 0,
				    .retry_after_ms = step->retry_after_ms,
				    .user_name = mem_dup(step->user_name)};
	return true;
}

static void fake_free(struct http_client *self)
{
	(void)pthread_mutex_destroy(&fake_of(self)->lock);
	mem_free(self);
}

struct http_client *fake_http_new(const struct fake_http_step *steps, size_t count)
{
	struct fake_http *fake = mem_zalloc(1, sizeof(*fake));
	fake->port = (struct http_client){.send = play, .free = fake_free};
	fake->steps = steps;
	fake->count = count;
	(void)pthread_mutex_init(&fake->lock, NULL);
	return &fake->port;
}

size_t fake_http_played(struct http_client *fake)
{
	return fake_of(fake)->played;
}

size_t fake_http_stopped(struct http_client *fake)
{
	return fake_of(fake)->stopped;
}

const char *fake_http_problem(struct http_client *client)
{
	struct fake_http *fake = fake_of(client);
	if (fake->problem[0] != '\0') return fake->problem;
	if (fake->played == fake->count) return NULL;
	(void)snprintf(fake->left, sizeof(fake->left), "step %zu was not called: %s %s", fake->played + 1,
		       fake->steps[fake->played].method, fake->steps[fake->played].url);
	return fake->left;
}
