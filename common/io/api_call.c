/* One JSON call to a peer: build, send, judge the status, parse. */
#include "common/io/api_call.h"

#include "common/base/encode.h"
#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { DEFAULT_DEADLINE_MS = 30000 };

void api_answer_done(struct api_answer *answer)
{
	if (!answer) return;
	json_decref(answer->json);
	mem_free(answer->user_name);
	*answer = (struct api_answer){0};
}

/* --- paths and texts -------------------------------------------------------------------------------- */

static void fill_path(struct strbuf *path, const char *format, va_list texts)
{
	const char *hole;
	while ((hole = strstr(format, "%s"))) {
		strbuf_add_bytes(path, bytes_of(format, (size_t)(hole - format)));
		encode_percent(path, bytes_text(va_arg(texts, const char *)));
		format = hole + 2;
	}
	strbuf_add(path, format);
}

void api_path(struct strbuf *path, const char *format, ...)
{
	va_list texts;
	strbuf_init(path, LIMIT_URL_BYTES);
	va_start(texts, format);
	fill_path(path, format, texts);
	va_end(texts);
}

void api_path_add(struct strbuf *path, const char *format, ...)
{
	va_list texts;
	va_start(texts, format);
	fill_path(path, format, texts);
	va_end(texts);
}

char *api_text(const json_t *root, const char *path, size_t max_bytes, const char *fallback)
{
	const char *text = json_text_at(root, path);
	return text ? mem_dup_n(text, text_cut(text, max_bytes)) : mem_dup(fallback);
}

char *api_id(const json_t *root)
{
	char id[LIMIT_ID_BYTES];
	return json_id_at(root, "id", id, sizeof(id)) ? mem_dup(id) : NULL;
}

bool api_next_page(const json_t *page, int64_t *ret)
{
	int64_t next = json_int_at(page, "nextPageStart", -1);
	/* A page that points at itself or backwards would never end. */
	if (json_bool_at(page, "isLastPage", false) || next <= json_int_at(page, "start", -1)) return false;
	*ret = next;
	return true;
}

/* --- one call -------------------------------------------------------------------------------------- */

bool api_call_settle(bool is_fine, const struct err *failure, struct err *err)
{
	if (!is_fine && err) *err = *failure;
	return is_fine;
}

bool api_call_is_refused(const struct err *failure)
{
	return failure->http_status >= 400 && failure->http_status < 500 && failure->http_status != 429;
}

/* A header line that holds a credential is wiped, not only freed. */
CLEANUP_FUNCTION(wipe_header, char *, mem_wipe_free);

static char *auth_header(const struct api_call *call)
{
	if (!call->auth_name || !secret_is_set(call->auth)) return NULL;

	size_t size = strlen(call->auth_name) + 2 + strlen(call->auth_prefix) + call->auth->len + 1;
	char *header = mem_zalloc(size, 1);
	(void)snprintf(header, size, "%s: %s%s", call->auth_name, call->auth_prefix, call->auth->text);
	return header;
}

/* The first text that a peer's error body offers to people; NULL when there is none. */
static const char *words_of(const json_t *body)
{
	static const char *const paths[] = {"detail.message", "detail", "message", "error"};
	const json_t *list = json_at(body, "errorMessages");
	json_t *errors = json_at(body, "errors");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *text = json_text_at(body, paths[i]);
		if (text) return text;
	}
	if (json_array_size(list) > 0) return json_string_value(json_array_get(list, 0));
	if (json_is_array(errors)) return json_text_at(json_array_get(errors, 0), "message");
	if (json_is_object(errors)) return json_string_value(json_object_iter_value(json_object_iter(errors)));
	return json_text_at(json_array_get(json_at(body, "detail"), 0), "msg");
}

/* The body as JSON, NULL when it is none. */
static json_t *parse(const struct http_result *result)
{
	json_t *json = NULL;
	bool is_json = json_read(bytes_of(result->body, result->body_len), LIMIT_HTTP_RESPONSE_BYTES, LIMIT_JSON_DEPTH,
				 &json, NULL);
	return is_json ? json : NULL;
}

static bool refuse(const struct api_peer *peer, const struct api_call *call, const struct http_result *result,
		   struct err *err)
{
	struct err first = err ? *err : (struct err){0};
	json_auto_t *body = parse(result);
	const char *words = words_of(body);
	if (call->auth) secret_mask(call->auth->text, (char *)(uintptr_t)words);
	(void)err_set(err, first.code, "%s answered %d%s%s", peer->name, result->status, words ? ": " : "",
		      words ? words : "");
	if (err) {
		err->retry_after_ms = first.retry_after_ms;
		err->http_status = result->status;
		if (call->explain) call->explain(body, call->context, err);
	}
	return false;
}

static bool take_answer(const struct api_peer *peer, const struct api_call *call, bool need_json,
			struct http_result *result, struct api_answer *ret, struct err *err)
{
	json_t *json = parse(result);
	if (!json && need_json)
		return err_set(err, call->gate ? ERR_UNCERTAIN : ERR_INTERNAL, "%s answered %d without usable JSON",
			       peer->name, result->status);
	*ret = (struct api_answer){.status = result->status, .json = json, .user_name = result->user_name};
	result->user_name = NULL;
	return true;
}

static void prepare(const struct api_peer *peer, const struct api_call *call, const char *url, const char *auth,
		    struct http_call *ret)
{
	size_t at = 0;
	int64_t usual_ms = peer->deadline_ms > 0 ? peer->deadline_ms : DEFAULT_DEADLINE_MS;
	*ret = (struct http_call){
		.method = call->method, .url = url, .deadline_ms = usual_ms, .ceiling_bytes = LIMIT_HTTP_RESPONSE_BYTES};
	ret->headers[at++] = "Accept: application/json";
	if (auth) ret->headers[at++] = auth;
	if (call->extra_header) ret->headers[at] = call->extra_header;
	if (!call->gate) return;
	ret->is_unsafe = true;
	ret->may_send = call->gate->may_send;
	ret->gate = call->gate->gate;
	if (call->gate->deadline_ms > 0) ret->deadline_ms = call->gate->deadline_ms;
}

bool api_call_send(const struct api_peer *peer, const struct api_call *call, bool need_json, struct api_answer *ret,
		   struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf url = strbuf_of(LIMIT_URL_BYTES);
	CLEANUP(mem_free_text) char *body = call->body ? json_compact(call->body) : NULL;
	CLEANUP(wipe_header) char *auth = auth_header(call);
	CLEANUP(http_result_done) struct http_result result = {0};
	struct http_call http;
	strbuf_add(&url, peer->base_url);
	strbuf_add(&url, call->path);
	if (url.is_cut)
		return err_set(err, ERR_INPUT, "address for %s is longer than %d bytes", peer->name, LIMIT_URL_BYTES);
	prepare(peer, call, strbuf_text(&url), auth, &http);
	http.body = bytes_text(body);
	if (!http_client_send(peer->client, &http, &result, err)) return err_wrap(err, "%s", peer->name);
	if (!http_result_ok(&http, &result, err)) return refuse(peer, call, &result, err);
	return take_answer(peer, call, need_json, &result, ret, err);
}
