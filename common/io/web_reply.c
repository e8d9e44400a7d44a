/* Answers: built by handlers, handed to the HTTP server without copying the body. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/web_parts.h"

#include "common/base/banned.h"

enum { DETAIL_BYTES = 4096 };

void web_reply_done(struct web_reply *reply)
{
	strbuf_wipe(&reply->body);
	for (size_t i = 0; i < reply->header_count; i++)
		mem_wipe_free(reply->headers[i]);
	*reply = (struct web_reply){0};
}

void web_reply_json(struct web_reply *reply, int status, json_t *json)
{
	char *text = json_compact(json);
	strbuf_wipe(&reply->body);
	reply->status = status;
	reply->content_type = NULL;
	/* The text moves in as it is: a list of repositories may have megabytes. */
	reply->body = (struct strbuf){
		.text = text, .len = strlen(text), .size = strlen(text) + 1, .ceiling = WEB_REPLY_BYTES};
	json_decref(json);
}

bool web_reply_detail(struct web_reply *reply, int status, const char *format, ...)
{
	char line[DETAIL_BYTES];
	va_list values;
	va_start(values, format);
	(void)vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	return web_reply_failure(reply, status, line, NULL);
}

/* What the database said names its address and our tables: that is for the log. */
bool web_reply_failure(struct web_reply *reply, int status, const char *detail, const char *reason)
{
	json_t *json = json_object();
	json_put_text(json, "detail", detail);
	if (reason && *reason && !strstr(reason, "database: ")) json_put_text(json, "error", reason);
	web_reply_json(reply, status, json);
	return false;
}

void web_reply_redirect(struct web_reply *reply, const char *url)
{
	strbuf_wipe(&reply->body);
	reply->status = 302;
	web_reply_header(reply, "Location", url);
}

void web_reply_header(struct web_reply *reply, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 3;
	if (text_has_control(value) || reply->header_count == WEB_REPLY_HEADERS_MAX) {
		reply->is_broken = true;
		return;
	}
	char *line = mem_zalloc(size, 1);
	(void)snprintf(line, size, "%s: %s", name, value);
	reply->headers[reply->header_count++] = line;
}

static bool has_header(const struct web_reply *reply, const char *line)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		size_t len = strcspn(reply->headers[i], ":");
		if (strcspn(line, ":") == len && strncasecmp(reply->headers[i], line, len) == 0) return true;
	}
	return false;
}

void web_reply_finish(struct web_reply *reply, struct http_reply *ret)
{
	static const char *const always[] = {"X-Content-Type-Options: nosniff", "Cache-Control: no-store",
					     "Referrer-Policy: no-referrer"};
	size_t count = 0;
	if (reply->is_broken || reply->body.is_cut || (reply->status >= 500 && reply->body.len == 0)) {
		web_reply_done(reply);
		web_reply_detail(reply, 500, "Internal Server Error");
	}
	*ret = (struct http_reply){
		.status = reply->status, .content_type = reply->content_type, .retry_after_s = reply->retry_after_s};
	if (reply->body.len > 0) ret->own_body = strbuf_take(&reply->body);
	for (size_t i = 0; i < reply->header_count; i++)
		ret->headers[count++] = reply->headers[i];
	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		if (!has_header(reply, always[i])) ret->headers[count++] = always[i];
	}
}
