/* The frame of the linker's pages, and their refusals. */

#include "services/linker/link_page.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/connect/form_token.h"
#include "common/domain/workspace_name.h"
#include "common/io/pages.h"
#include "common/io/sysclock.h"
#include "services/linker/texts.h"

#include "common/base/banned.h"

enum { REFRESH_BYTES = 8 * 1024 };

void visit_done(struct visit *visit)
{
	caller_done(&visit->caller);
}

json_t *link_page_data(const struct linker *linker, const char *title, const struct caller *caller)
{
	return json_pack("{s:s, s:s, s:s*, s:s, s:b, s:b, s:b}", "title", title, "product",
			 config_text(linker->config, "OHDC_PRODUCT_NAME"), "who", caller ? caller->email : NULL, "back",
			 "/settings/integrations", "at_link", 1, "may_connect",
			 caller && caller_may(caller, CALLER_CONNECTS), "may_manage",
			 caller && caller_may(caller, CALLER_MANAGES));
}

bool link_page_refuse(const struct visit *visit, int status, const char *what, const char *advice)
{
	json_t *data = link_page_data(visit->linker, "Your Jira account was not linked", NULL);
	json_put_text(data, "failure", what);
	json_put_text(data, "advice", advice);
	pages_reply(visit->reply, status, "link_refused.html", data);
	return false;
}

bool link_page_caller(struct visit *visit, json_t *again)
{
	json_auto_t *form = again;
	if (callers_find(visit->linker->callers, visit->request, &visit->caller, visit->reply)) return true;
	int status = visit->reply->status;
	json_t *data = link_page_data(visit->linker, status == 401 ? "Sign in first" : "Not now", NULL);
	json_object_update_new(data, json_pack("{s:b, s:O*}", status == 401 ? "signed_out" : "unsure", 1, "again", form));
	pages_reply(visit->reply, status, "link_sign_in.html", data);
	return false;
}

bool link_page_is_ours(const struct visit *visit)
{
	const struct linker *linker = visit->linker;
	return (web_is_same_origin(visit->request, linker->origin) &&
		form_token_is_good(linker->keys, visit->caller.user_id, sysclock_now_ms(),
				   web_form(visit->request, "form_token"))) ||
	       link_page_refuse(visit, 403, TEXT_CROSS_SITE,
				"The form was not sent from this page, was made for somebody else, or is "
				"older than two hours. Open your account page and try again.");
}

void link_page_onward(const struct visit *visit, const char *url)
{
	const struct linker *linker = visit->linker;
	CLEANUP(mem_free_text) char *host = workspace_name_of(config_text(linker->config, "JIRA_DC_BASE_URL"));
	CLEANUP(strbuf_done) struct strbuf refresh = strbuf_of(REFRESH_BYTES);
	json_t *data = link_page_data(linker, "On to Jira", NULL);
	strbuf_addf(&refresh, "0;url=%s", url);
	web_reply_header(visit->reply, "Refresh", strbuf_text(&refresh));
	json_object_update_new(data, json_pack("{s:s, s:s}", "url", url, "host", host));
	pages_reply(visit->reply, 200, "link_onward.html", data);
}
