/* Templates: one pass over the text, names looked up from the innermost section outwards, every value escaped. */
#include "common/base/template.h"

#include <string.h>

#include "common/base/json_field.h"

#include "common/base/banned.h"

enum { NAME_SIZE = 64, DEPTH_MAX = 16 };

/* What a section puts before the names outside it. */
struct scope {
	const json_t *value;
	const struct scope *outer;
};

/* Where the filling stands: one for each template that is open. */
struct filler {
	const struct template_set *set;
	const char *file;
	const char *at;
	struct strbuf *out;
	unsigned depth;
};

/* A tag: `kind` is # ^ / > or, for a value, a space. */
struct tag {
	char kind;
	char name[NAME_SIZE];
};

static void add_escaped(struct strbuf *out, const char *text)
{
	static const char special[] = "&<>\"'`=";
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#96;", "&#61;"};
	while (*text != '\0') {
		size_t plain = strcspn(text, special);
		strbuf_add_bytes(out, bytes_of(text, plain));
		text += plain;
		if (*text != '\0') strbuf_add(out, entities[strchr(special, *text++) - special]);
	}
}

/* The object (or item) the names of `scope` are looked up in, outwards until one knows the name. */
static const json_t *look_up(const struct scope *scope, const char *name)
{
	if (strcmp(name, ".") == 0) return scope->value;
	for (; scope; scope = scope->outer) {
		const json_t *found = json_at(scope->value, name);
		if (found) return found;
	}
	return NULL;
}

static void add_value(struct strbuf *out, const json_t *value)
{
	if (json_is_string(value)) add_escaped(out, json_string_value(value));
	if (json_is_integer(value)) strbuf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

/* How often a section is filled; it is read once even when that is never. */
static size_t times(const json_t *value)
{
	if (json_is_array(value)) return json_array_size(value);
	if (json_is_string(value)) return json_string_length(value) > 0;
	if (json_is_integer(value)) return json_integer_value(value) != 0;
	return json_is_object(value) || json_is_true(value);
}

/* Read on to the next tag, with the text before it into `out`; false at the end of the text or for what is no tag. */
static bool next_tag(struct filler *filler, bool is_live, struct tag *ret, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *open = strstr(filler->at, "{{");
	size_t plain = open ? (size_t)(open - filler->at) : strlen(filler->at);
	if (is_live) strbuf_add_bytes(filler->out, bytes_of(filler->at, plain));
	filler->at += plain;
	if (!open) return false;

	const char *name = open + 2 + (open[2] != '\0' && strchr("#^/>", open[2]) ? 1 : 0);
	size_t len = strspn(name, letters);
	if (len == 0 || len >= NAME_SIZE || strncmp(name + len, "}}", 2) != 0)
		return err_set(err, ERR_INTERNAL, "template %s: no tag at '%.20s'", filler->file, open);
	*ret = (struct tag){.kind = name > open + 2 ? open[2] : ' '};
	memcpy(ret->name, name, len);
	filler->at = name + len + 2;
	return true;
}

static bool fill_file(struct filler *from, const char *name, const struct scope *scope, struct err *err);
static bool fill(struct filler *filler, const char *section, const struct scope *scope, bool is_live, struct err *err);

static bool fill_section(struct filler *filler, const struct tag *tag, const struct scope *scope, bool is_live,
			 struct err *err)
{
	const json_t *value = look_up(scope, tag->name);
	size_t count = times(value);
	const char *start = filler->at;
	if (tag->kind == '^') return fill(filler, tag->name, scope, is_live && count == 0, err);
	size_t i = 0;
	do {
		const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
		const struct scope inner = {item, scope};
		filler->at = start;
		if (!fill(filler, tag->name, &inner, is_live && count > 0, err)) return false;
	} while (is_live && ++i < count);
	return true;
}

static bool fill_tag(struct filler *filler, const struct tag *tag, const struct scope *scope, bool is_live,
		     struct err *err)
{
	if (tag->kind == '#' || tag->kind == '^') return fill_section(filler, tag, scope, is_live, err);
	if (!is_live) return true;
	if (tag->kind == '>') return fill_file(filler, tag->name, scope, err);
	add_value(filler->out, look_up(scope, tag->name));
	return true;
}

/* Fill up to the end of `section`, or of the text when it is NULL; not live: only read on. */
static bool fill(struct filler *filler, const char *section, const struct scope *scope, bool is_live, struct err *err)
{
	struct tag tag;
	if (filler->depth++ >= DEPTH_MAX)
		return err_set(err, ERR_INTERNAL, "template %s: more than %d deep", filler->file, DEPTH_MAX);
	while (next_tag(filler, is_live, &tag, err)) {
		if (tag.kind != '/') {
			if (!fill_tag(filler, &tag, scope, is_live, err)) return false;
			continue;
		}
		filler->depth--;
		if (section && strcmp(section, tag.name) == 0) return true;
		return err_set(err, ERR_INTERNAL, "template %s: {{/%s}} ends nothing", filler->file, tag.name);
	}
	filler->depth--;
	if (*filler->at != '\0') return false; /* no tag: said in `err` */
	return !section || err_set(err, ERR_INTERNAL, "template %s: {{#%s}} does not end", filler->file, section);
}

static bool fill_file(struct filler *from, const char *name, const struct scope *scope, struct err *err)
{
	for (size_t i = 0; i < from->set->count; i++) {
		struct filler filler = *from;
		if (strcmp(from->set->files[i].name, name) != 0) continue;
		filler.file = name;
		filler.at = from->set->files[i].text;
		return fill(&filler, NULL, scope, true, err);
	}
	return err_set(err, ERR_INTERNAL, "no template '%s'", name);
}

bool template_fill(const struct template_set *set, const char *name, const json_t *data, struct strbuf *ret,
		   struct err *err)
{
	const struct scope scope = {data, NULL};
	struct filler filler = {.set = set, .out = ret};
	if (!fill_file(&filler, name, &scope, err)) return false;
	return !ret->is_cut || err_set(err, ERR_INTERNAL, "template %s: over %zu bytes", name, ret->ceiling);
}
