/* Walks running text for URLs and for bare owner/name tokens, and knows what only looks like one. */

#include "common/domain/repo_scan.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/text.h"

#include "common/base/banned.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL_LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static const char name_chars[] = CAPITALS SMALL_LETTERS DIGITS "_.-";

/* Common pairs of words. */
static const char *const word_pairs[] = {
	"and/or",           "or/and",           "yes/no",        "true/false",       "on/off",
	"read/write",       "input/output",     "client/server", "server/client",    "he/she",
	"she/he",           "his/her",          "him/her",       "left/right",       "up/down",
	"start/stop",       "pass/fail",        "before/after",  "request/response", "either/or",
	"frontend/backend", "backend/frontend", "add/remove",    "create/update",    "enable/disable"};

/* First words of paths, and of media types. */
static const char *const path_words[] = {"src",         "lib",  "bin",   "etc",          "usr",   "var",      "tmp",
					 "opt",         "dev",  "home",  "node_modules", "build", "dist",     "target",
					 "application", "text", "image", "audio",        "video", "multipart"};

/* Endings that make a name a file. */
static const char *const file_endings[] = {
	"txt",  "md",   "rst",  "py",   "js",  "ts",  "tsx",  "jsx",  "mjs",        "c",      "h",     "cc",   "cpp",
	"hpp",  "java", "kt",   "go",   "rs",  "rb",  "php",  "cs",   "swift",      "json",   "yml",   "yaml", "xml",
	"html", "htm",  "css",  "scss", "sh",  "sql", "toml", "ini",  "cfg",        "conf",   "log",   "csv",  "pdf",
	"png",  "jpg",  "jpeg", "gif",  "svg", "zip", "gz",   "lock", "properties", "gradle", "ipynb", "vue"};

static bool is_file(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot && text_among_nocase(file_endings, ARRAY_LEN(file_endings), bytes_text(dot + 1));
}

/* Numbers, dates and versions have no letter; abbreviations (TCP/IP, A/B) are short and all capitals. */
static bool is_number(const char *text, size_t len)
{
	return strcspn(text, CAPITALS SMALL_LETTERS) >= len;
}

static bool is_abbreviation(const char *text, size_t len)
{
	return len <= 5 && strspn(text, CAPITALS DIGITS) >= len;
}

static bool is_plausible(const char *token)
{
	const char *name = strchr(token, '/') + 1;
	size_t owner_len = (size_t)(name - 1 - token);
	size_t name_len = strlen(name);
	if (owner_len < 2 || name_len < 2 || is_file(name) || strchr(name, '.') != strrchr(name, '.'))
		return false; /* two dots: a version or a host */
	if (text_among_nocase(word_pairs, ARRAY_LEN(word_pairs), bytes_text(token)) ||
	    text_among_nocase(path_words, ARRAY_LEN(path_words), bytes_of(token, owner_len)))
		return false;
	if (is_number(token, owner_len) || is_number(name, name_len)) return false;
	return !(is_abbreviation(token, owner_len) && is_abbreviation(name, name_len));
}

/* Bytes of names joined by slashes at `text` (a leading ~ is part of the first), and how many slashes they have. */
static size_t token_span(const char *text, size_t *ret_slashes)
{
	size_t len = *text == '~' ? 1 : 0;
	*ret_slashes = 0;
	len += strspn(text + len, name_chars);
	while (len > 0 && text[len] == '/' && strspn(text + len + 1, name_chars) > 0) {
		len += 1 + strspn(text + len + 1, name_chars);
		(*ret_slashes)++;
	}
	return len;
}

/* Length without the full stop of a sentence, a dash, or ".git". */
static size_t trimmed_len(const char *text, size_t len)
{
	while (len > 0 && strchr(".-", text[len - 1]))
		len--;
	return len > 4 && strncasecmp(text + len - 4, ".git", 4) == 0 ? len - 4 : len;
}

/* Reads `owner/name`, with `deep` also subgroups, at `text`; bytes read, 0 when there is none. */
static size_t read_token(const char *text, bool deep, char ret[REPO_NAME_SIZE])
{
	size_t slashes;
	size_t len = token_span(text, &slashes);
	size_t name_len = trimmed_len(text, len);
	if (slashes == 0 || (slashes > 1 && !deep) || text[len] == '/' || len >= REPO_NAME_SIZE || name_len == 0 ||
	    text[name_len - 1] == '/')
		return 0;
	memcpy(ret, text, name_len);
	ret[name_len] = '\0';
	return len;
}

size_t repo_scan_reference(struct repo_refs *refs, const char *text)
{
	char name[REPO_NAME_SIZE];
	char host[REPO_NAME_SIZE];
	size_t len = repo_url_read(text, name, host);
	if (len > 0) {
		if (name[0] != '\0') repo_refs_put(refs, REPO_REF_LINE, name, host);
		return len;
	}
	len = read_token(text, true, name);
	if (len > 0) repo_refs_put(refs, REPO_REF_LINE, name, NULL);
	return len;
}

void repo_scan_urls(struct repo_refs *refs, const char *text)
{
	char name[REPO_NAME_SIZE];
	char host[REPO_NAME_SIZE];
	while (*text != '\0') {
		size_t len = repo_url_read(text, name, host);
		if (len > 0 && name[0] != '\0') repo_refs_put(refs, REPO_REF_URL, name, host);
		text += len > 0 ? len : 1;
	}
}

/* Bytes that cannot start a bare name: a URL, else a word with all that is glued to it. */
static size_t skip_len(const char *text)
{
	char name[REPO_NAME_SIZE];
	char host[REPO_NAME_SIZE];
	size_t len = repo_url_read(text, name, host);
	if (len > 0) return len;
	len = strcspn(text, " \t\r\n[('\":`{}|*,;");
	return len > 0 ? len : 1;
}

void repo_scan_bare(struct repo_refs *refs, const char *text)
{
	static const char after[] = " \t\r\n])}{'\",.:;!?|*`";
	char name[REPO_NAME_SIZE];
	while (*text != '\0') {
		size_t len = read_token(text, false, name);
		if (len > 0 && (text[len] == '\0' || strchr(after, text[len]))) {
			if (is_plausible(name)) repo_refs_put(refs, REPO_REF_BARE, name, NULL);
			text += len;
			continue;
		}
		text += skip_len(text);
	}
}
