/* The repository that a URL names: Bitbucket Data Center's forms first, then owner/name of any other host. */

#include "common/domain/repo_scan.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/text.h"

#include "common/base/banned.h"

enum { SEGMENTS_MAX = 8, SEGMENT_SIZE = 128 };

/* The path of a URL, cut at slashes; longer paths and segments are left out. */
struct path {
	char segments[SEGMENTS_MAX][SEGMENT_SIZE];
	size_t count;
};

/* First words of paths that lead to pages, not to repositories. */
static const char *const page_words[] = {
	"browse",   "secure",      "rest",       "projects", "users",       "plugins",       "issues",
	"wiki",     "display",     "confluence", "pages",    "servicedesk", "dashboard",     "login",
	"logout",   "settings",    "admin",      "search",   "api",         "orgs",          "scm",
	"download", "attachments", "images",     "static",   "explore",     "notifications", "marketplace",
	"sponsors", "features",    "groups",     "profile",  "integration"};

/* Second words that show that the first one is a context path of Jira or Confluence. */
static const char *const context_words[] = {"browse", "secure", "rest", "display", "plugins", "servicedesk"};

/* Third words on Git hosts that lead to a part of the repository, not to a deeper group. */
static const char *const part_words[] = {
	"-",       "blob",      "tree",        "raw",      "blame",         "src",          "browse",
	"issues",  "issue",     "pull",        "pulls",    "pull-requests", "pullrequests", "merge_requests",
	"commit",  "commits",   "compare",     "wiki",     "wikis",         "actions",      "releases",
	"tags",    "branches",  "discussions", "security", "settings",      "projects",     "graphs",
	"network", "pipelines", "jobs",        "edit",     "find",          "archive"};

/* Endings of pages and pictures. */
static const char *const page_endings[] = {".html", ".htm", ".pdf",  ".png", ".jpg", ".jpeg", ".gif",
					   ".svg",  ".php", ".aspx", ".jsp", ".zip", ".txt",  ".css"};

static bool is_one_of(const char *segment, const char *const *list, size_t count)
{
	return text_among_nocase(list, count, bytes_text(segment));
}

static bool ends_nocase(const char *text, const char *ending)
{
	size_t len = strlen(text);
	size_t ending_len = strlen(ending);
	return len > ending_len && text_equal_nocase(text + len - ending_len, ending);
}

static bool is_page(const char *segment)
{
	const char *dot = strrchr(segment + 1, '.');
	return dot && is_one_of(dot, page_endings, ARRAY_LEN(page_endings));
}

static bool is_name(const char *segment)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";
	return *segment != '\0' && segment[strspn(segment, allowed)] == '\0' && segment[strspn(segment, ".")] != '\0';
}

/* Adds a segment without ".git"; false when the path ends with it. */
static bool path_add(struct path *path, const char *from, size_t len)
{
	char *segment = path->segments[path->count];
	if (len == 0) return true;
	if (len >= SEGMENT_SIZE) return false;
	memcpy(segment, from, len);
	segment[len] = '\0';
	path->count++;
	if (!ends_nocase(segment, ".git")) return path->count < SEGMENTS_MAX;
	segment[len - strlen(".git")] = '\0';
	return false;
}

static void path_read(struct path *path, struct bytes text)
{
	const char *at = (const char *)text.ptr;
	const char *end = at + text.len;
	bool goes_on = true;
	path->count = 0;
	while (goes_on && at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		const char *stop = slash ? slash : end;
		goes_on = path_add(path, at, (size_t)(stop - at));
		at = stop + 1;
	}
}

static bool join(char ret[REPO_NAME_SIZE], const char *prefix, const char *owner, const char *name)
{
	(void)snprintf(ret, REPO_NAME_SIZE, "%s%.120s/%.120s", prefix, owner, name);
	return is_name(owner) && is_name(name);
}

/* …/projects/KEY/repos/slug, …/users/u/repos/slug and /scm/KEY/slug, under any context path. */
static bool read_bitbucket(const struct path *path, char ret[REPO_NAME_SIZE])
{
	for (size_t i = 0; i + 2 < path->count; i++) {
		const char(*at)[SEGMENT_SIZE] = &path->segments[i];
		bool is_user = text_equal_nocase(at[0], "users");
		bool has_repos = i + 3 < path->count && text_equal_nocase(at[2], "repos");
		if (has_repos && (is_user || text_equal_nocase(at[0], "projects")))
			return join(ret, is_user ? "~" : "", at[1], at[3]);
		if (i < 2 && text_equal_nocase(at[0], "scm")) return join(ret, "", at[1], at[2]);
	}
	return false;
}

/* Number of segments that make up the name: two on hosts without subgroups, else up to the first word of a part. */
static size_t name_depth(const struct path *path, const char *host)
{
	size_t depth = 2;
	if (text_equal_nocase(host, "github.com") || text_equal_nocase(host, "bitbucket.org")) return depth;
	while (depth < path->count && is_name(path->segments[depth]) &&
	       !is_one_of(path->segments[depth], part_words, ARRAY_LEN(part_words)))
		depth++;
	return depth;
}

static bool read_other(const struct path *path, const char *host, char ret[REPO_NAME_SIZE])
{
	size_t len = 0;
	if (path->count < 2 || is_one_of(path->segments[0], page_words, ARRAY_LEN(page_words)) ||
	    is_one_of(path->segments[1], context_words, ARRAY_LEN(context_words)) || !is_name(path->segments[0]) ||
	    !is_name(path->segments[1]))
		return false;
	size_t depth = name_depth(path, host);
	if (is_page(path->segments[depth - 1])) return false;
	for (size_t i = 0; i < depth; i++) {
		int written = snprintf(ret + len, REPO_NAME_SIZE - len, "%s%s", i > 0 ? "/" : "", path->segments[i]);
		if (written < 0 || (size_t)written >= REPO_NAME_SIZE - len) return false;
		len += (size_t)written;
	}
	return true;
}

static size_t scheme_len(const char *text)
{
	static const char *const schemes[] = {"https://", "http://", "ssh://"};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0) return strlen(schemes[i]);
	}
	return 0;
}

/* Length of the URL without what a sentence or a wiki link puts behind it. */
static size_t url_len(const char *text)
{
	size_t len = strcspn(text, " \t\r\n|])}>\"'<`,;");
	while (len > 0 && strchr(".:!?*_", text[len - 1]))
		len--;
	return len;
}

/* Host in lower case, without user and port. */
static bool read_host(struct bytes authority, char ret[REPO_NAME_SIZE])
{
	const char *start = (const char *)authority.ptr;
	const char *at = memrchr(start, '@', authority.len);
	size_t len;
	if (at) {
		authority.len -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	for (len = 0; len < authority.len && len + 1 < REPO_NAME_SIZE && start[len] != ':'; len++)
		ret[len] = (char)tolower((unsigned char)start[len]);
	ret[len] = '\0';
	return len > 0;
}

/* Bytes before the first of `stops`, at most `len`. */
static size_t span_until(const char *text, size_t len, const char *stops)
{
	size_t span = 0;
	while (span < len && !strchr(stops, text[span]))
		span++;
	return span;
}

size_t repo_url_read(const char *text, char ret_name[REPO_NAME_SIZE], char ret_host[REPO_NAME_SIZE])
{
	size_t scheme = scheme_len(text);
	size_t len = scheme > 0 ? url_len(text) : 0;
	struct path path;
	ret_name[0] = '\0';
	if (len <= scheme) return 0;
	size_t authority = span_until(text + scheme, len - scheme, "/?#");
	size_t path_end = span_until(text, len, "?#");
	if (!read_host(bytes_of(text + scheme, authority), ret_host) || scheme + authority >= path_end) return len;
	path_read(&path, bytes_of(text + scheme + authority, path_end - scheme - authority));
	if (!read_bitbucket(&path, ret_name) && !read_other(&path, ret_host, ret_name)) ret_name[0] = '\0';
	return len;
}
