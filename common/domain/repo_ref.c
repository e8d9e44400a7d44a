/* Repositories named in a text: the list, `Repository:` lines, and the order in which kinds decide. */

#include "common/domain/repo_ref.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/repo_scan.h"

#include "common/base/banned.h"

void repo_refs_done(struct repo_refs *refs)
{
	if (!refs) return;
	for (size_t i = 0; i < refs->count; i++)
		MEM_FREE_ALL(refs->list[i].name, refs->list[i].host);
	*refs = (struct repo_refs){0};
}

static bool is_known(const struct repo_refs *refs, const char *name, const char *host)
{
	for (size_t i = 0; i < refs->count; i++) {
		const struct repo_ref *known = &refs->list[i];
		if (!text_equal_nocase(known->name, name)) continue;
		if (!known->host || !host || text_equal_nocase(known->host, host)) return true;
	}
	return false;
}

void repo_refs_put(struct repo_refs *refs, enum repo_ref_kind kind, const char *name, const char *host)
{
	if (refs->count == LIMIT_REPOSITORIES || is_known(refs, name, host)) return;
	refs->list[refs->count++] = (struct repo_ref){.kind = kind, .name = mem_dup(name), .host = mem_dup(host)};
}

/* What may stand around the word and the value: bullets, headings, bold, monospace, table cells, links. */
static const char decoration[] = " \t\r*_`{}[]|\"'()-#";

/* Start of the value when the line says `Repository: …`, else NULL. */
static const char *line_value(const char *line)
{
	static const char word[] = "repository";
	if (line[0] == 'h' && line[1] >= '1' && line[1] <= '6' && line[2] == '.') line += 3;
	line += strspn(line, decoration);
	if (strncasecmp(line, word, sizeof(word) - 1) != 0) return NULL;
	line += sizeof(word) - 1;
	line += strspn(line, decoration);
	return *line == ':' ? line + 1 + strspn(line + 1, decoration) : NULL;
}

/* Reads one reference at the start of `value`, and further ones after commas. */
static void add_line_value(struct repo_refs *refs, const char *value)
{
	for (;;) {
		size_t taken = repo_scan_reference(refs, value);
		if (taken == 0) return;
		value += taken + strspn(value + taken, decoration);
		if (*value != ',') return;
		value += 1 + strspn(value + 1, decoration);
	}
}

static void add_lines(struct repo_refs *refs, const char *text)
{
	for (const char *line = text; *line != '\0';) {
		const char *value = line_value(line);
		if (value) add_line_value(refs, value);
		line += strcspn(line, "\n");
		line += *line == '\n' ? 1 : 0;
	}
}

void repo_refs_add(struct repo_refs *refs, enum repo_ref_kind kind, const char *text)
{
	if (!text) return;
	switch (kind) {
	case REPO_REF_LINE: add_lines(refs, text); break;
	case REPO_REF_URL: repo_scan_urls(refs, text); break;
	case REPO_REF_BARE: repo_scan_bare(refs, text); break;
	}
}

void repo_refs_collect(struct repo_refs *refs, const char *comment, const char *description)
{
	size_t before = refs->count;
	repo_refs_add(refs, REPO_REF_LINE, comment);
	if (refs->count == before) repo_refs_add(refs, REPO_REF_LINE, description);
	repo_refs_add(refs, REPO_REF_URL, comment);
	repo_refs_add(refs, REPO_REF_URL, description);
	repo_refs_add(refs, REPO_REF_BARE, comment);
	repo_refs_add(refs, REPO_REF_BARE, description);
}
