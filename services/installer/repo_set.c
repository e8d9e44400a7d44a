/* Keeps names in one text and sorts offsets. */

#include "services/installer/repo_set.h"

#include "common/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/banned.h"

void repo_set_done(struct repo_set *set)
{
	if (!set) return;
	mem_free(set->list);
	strbuf_done(&set->names);
	*set = (struct repo_set){0};
}

static bool is_plain(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || strchr("/\"\\", text[i])) return false;
	}
	return len > 0 && len <= REPO_SET_NAME_BYTES / 2 - 2;
}

void repo_set_add(struct repo_set *set, int64_t id, const char *project_key, const char *slug)
{
	if (id <= 0 || id > UINT32_MAX || !is_plain(project_key) || !is_plain(slug)) return;
	if (set->count >= REPO_SET_MAX) {
		set->is_cut = true;
		return;
	}
	if (set->count == set->size) {
		set->size = set->size > 0 ? 2 * set->size : 64;
		set->list = mem_resize(set->list, set->size, sizeof(*set->list));
	}
	if (!set->names.ceiling) strbuf_init(&set->names, (size_t)REPO_SET_MAX * REPO_SET_NAME_BYTES);
	set->list[set->count++] = (struct repo_entry){(uint32_t)id, (uint32_t)set->names.len};
	strbuf_addf(&set->names, "%s/%s", project_key, slug);
	strbuf_add_char(&set->names, '\0');
}

const char *repo_set_name(const struct repo_set *set, size_t index)
{
	return set->names.text + set->list[index].at;
}

static int by_name(const void *a, const void *b, void *set)
{
	const char *names = ((const struct repo_set *)set)->names.text;
	const struct repo_entry *one = a;
	const struct repo_entry *other = b;
	int order = strcasecmp(names + one->at, names + other->at);
	return order != 0 ? order : (one->id > other->id) - (one->id < other->id);
}

void repo_set_finish(struct repo_set *set)
{
	size_t kept = 0;
	if (set->count == 0) return;
	qsort_r(set->list, set->count, sizeof(*set->list), by_name, set);
	/* A repository that moved to another page while the pages were read comes twice. */
	for (size_t i = 0; i < set->count; i++) {
		if (kept == 0 || set->list[i].id != set->list[kept - 1].id) set->list[kept++] = set->list[i];
	}
	set->count = set->size = kept;
	set->list = mem_resize(set->list, kept, sizeof(*set->list));
	set->names.text = mem_resize(set->names.text, set->names.len + 1, 1);
	set->names.size = set->names.len + 1;
}
