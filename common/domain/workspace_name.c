/* From what people type into a host field to one base URL. */
#include "common/domain/workspace_name.h"

#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/base/url.h"

#include <string.h>

#include "common/base/banned.h"

void workspace_name_done(struct workspace_name *name)
{
	if (!name) return;
	MEM_FREE_ALL(name->name, name->base_url);
	*name = (struct workspace_name){0};
}

/* Behind all schemes that were typed or pasted, one after the other. */
static const char *skip_schemes(const char *text)
{
	for (;;) {
		text += strspn(text, " \t");
		if (text_starts_nocase(text, "https://"))
			text += strlen("https://");
		else if (text_starts_nocase(text, "http://"))
			text += strlen("http://");
		else
			return text;
	}
}

static char *authority(const struct url *url)
{
	const struct url bare = {url->is_https, url->host, url->port, NULL};
	CLEANUP(mem_free_text) char *text = url_text(&bare);
	return mem_dup(strstr(text, "://") + 3);
}

char *workspace_name_of(const char *base_url)
{
	CLEANUP(url_done) struct url url = {0};
	return url_parse(base_url, "https", &url, NULL) ? authority(&url) : mem_dup("");
}

/* A port that was not typed is the scheme's own; whoever leaves it out means the configured one. */
static bool is_own(const struct url *typed, const struct url *own)
{
	return strcmp(typed->host, own->host) == 0 && (typed->port == own->port || typed->port == 443);
}

static bool take_own(const struct url *typed, const char *own_url, struct workspace_name *ret, struct err *err)
{
	CLEANUP(url_done) struct url own = {0};
	if (!url_parse(own_url, "https", &own, err)) return false;
	if (!is_own(typed, &own))
		return err_set(err, ERR_CONFLICT,
			       "this installation is set up for the Jira at %s: enter that host, "
			       "or have JIRA_DC_BASE_URL changed",
			       own_url);
	*ret = (struct workspace_name){authority(&own), url_text(&own), true};
	return true;
}

bool workspace_name_read(const char *typed, const char *own_url, struct workspace_name *ret, struct err *err)
{
	CLEANUP(mem_free_text) char *text = text_trim(typed ? typed : "");
	CLEANUP(url_done) struct url url = {0};
	const char *host = skip_schemes(text);
	if (*host == '\0')
		return err_set(err, ERR_INPUT, "no host was entered: enter Jira's host name, like jira.example.com");
	if (!url_parse(host, "https", &url, err))
		return err_wrap(err, "enter Jira's host name alone, like jira.example.com");
	if (own_url) return take_own(&url, own_url, ret, err);
	*ret = (struct workspace_name){authority(&url), url_text(&url), false};
	return true;
}
