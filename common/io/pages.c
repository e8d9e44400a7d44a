/* Pages and their assets: what was embedded, under headers that let a page load nothing but our own files. */
#include "common/io/pages.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"

#include "common/base/banned.h"

static const struct {
	const char *name;
	const char *value;
} page_headers[] = {
	{"Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; "
				    "img-src 'self'; connect-src 'self'; "
				    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
	{"X-Frame-Options", "DENY"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	/* Not "no-referrer": browsers would send our own forms with `Origin: null`. */
	{"Referrer-Policy", "same-origin"},
};

/* All templates, and `name` once more as "page": what the layout shows. The array is new. */
static struct template_set set_with_page(const char *name)
{
	struct template_file *files = mem_zalloc(page_file_count + 1, sizeof(*files));
	struct template_set set = {files, page_file_count};
	memcpy(files, page_files, page_file_count * sizeof(*files));
	for (size_t i = 0; i < page_file_count; i++) {
		if (strcmp(files[i].name, name) != 0) continue;
		files[set.count] = files[i];
		files[set.count++].name = "page";
		break;
	}
	return set;
}

void pages_reply(struct web_reply *reply, int status, const char *name, json_t *data)
{
	const char *base = text_starts(name, "link") ? "/integration/dc/link/assets/" : "/integration/dc/assets/";
	struct template_set set = set_with_page(name);
	struct err err = {0};
	json_object_set_new(data, "assets", json_sprintf("%s%s-", base, pages_digest));
	strbuf_clear(&reply->body);
	reply->status = status;
	reply->content_type = "text/html; charset=utf-8";
	if (!template_fill(&set, "layout.html", data, &reply->body, &err))
		web_reply_detail(reply, 500, "%s", err.message);
	for (size_t i = 0; i < ARRAY_LEN(page_headers); i++)
		web_reply_header(reply, page_headers[i].name, page_headers[i].value);
	json_decref(data);
	mem_free((void *)(uintptr_t)set.files);
}

/* Media type of an asset; NULL: a template, not for browsers. */
static const char *media_type(const char *name)
{
	const char *suffix = strrchr(name, '.');
	if (suffix && strcmp(suffix, ".css") == 0) return "text/css; charset=utf-8";
	if (suffix && strcmp(suffix, ".js") == 0) return "text/javascript; charset=utf-8";
	if (suffix && strcmp(suffix, ".svg") == 0) return "image/svg+xml";
	return NULL;
}

void pages_asset(UNUSED void *context, const struct web_request *request, struct web_reply *reply)
{
	const char *piece = web_piece(request);
	const char *name = strchr(piece, '-');
	bool is_ours = text_starts(piece, pages_digest);
	for (size_t i = 0; name && i < page_file_count; i++) {
		if (strcmp(page_files[i].name, name + 1) != 0 || !media_type(name + 1)) continue;
		reply->status = 200;
		reply->content_type = media_type(name + 1);
		strbuf_add(&reply->body, page_files[i].text);
		/* A page of another version asks for what it knows: the answer fits nearly, but nobody may keep it. */
		if (is_ours) web_reply_header(reply, "Cache-Control", "public, max-age=31536000, immutable");
		return;
	}
	web_reply_detail(reply, 404, "Not Found");
}
