/* The frame of the linker's pages, and their refusals. */

#include "services/linker/link_page.h"

#include "common/base/mem.h"
#include "common/base/strbuf.h"
#include "common/connect/form_token.h"
#include "common/domain/workspace_name.h"
#include "common/io/pages.h"
#include "common/io/sysclock.h"
#include "services/linker/texts.h"

#include "common/base/banned.h"

enum { REFRESH_BYTES = 8 * 1024 };

json_t *link_page_data(const struct linker *linker, const char *title, const struct caller *caller)
{
	return json_pack("{s:s, s:s, s:s*, s:s, s:b, s:b, s:b}", "title", title, "product",
			 config_text(linker->config, "OHDC_PRODUCT_NAME"), "who", caller ? caller->email : NULL, "back",
			 "/settings/integrations", "at_link", 1, "may_connect",
			 caller && caller_may(caller, CALLER_CONNECTS), "may_manage",
			 caller && caller_may(caller, CALLER_MANAGES));
}

void link_page_refuse(const struct linker *linker, struct web_reply *reply, int status, const char *what,
		      const char *advice)
{
	json_t *data = link_page_data(linker, "Your Jira account was not linked", NULL);
	json_object_set_new(data, "failure", json_string(what));
	if (advice) json_object_set_new(data, "advice", json_string(advice));
	pages_reply(reply, status, "link_refused.html", data);
}

bool link_page_caller(const struct linker *linker, const struct web_request *request, struct web_reply *reply,
		      json_t *again, struct caller *ret)
{
	if (callers_find(linker->callers, request, ret, reply)) {
		json_decref(again);
		return true;
	}
	json_t *data = link_page_data(linker, reply->status == 401 ? "Sign in first" : "Not now", NULL);
	json_object_set_new(data, reply->status == 401 ? "signed_out" : "unsure", json_true());
	if (again) json_object_set_new(data, "again", again);
	pages_reply(reply, reply->status, "link_sign_in.html", data);
	return false;
}

bool link_page_is_ours(const struct linker *linker, const struct web_request *request, const struct caller *caller,
		       struct web_reply *reply)
{
	if (web_is_same_origin(request, linker->origin) &&
	    form_token_is_good(linker->keys, caller->user_id, sysclock_now_ms(), web_form(request, "form_token")))
		return true;
	link_page_refuse(linker, reply, 403, TEXT_CROSS_SITE,
			 "The form was not sent from this page, was made for somebody else, or is "
			 "older than two hours. Open your account page and try again.");
	return false;
}

void link_page_onward(const struct linker *linker, struct web_reply *reply, const char *url)
{
	CLEANUP(mem_free_text) char *host = workspace_name_of(config_text(linker->config, "JIRA_DC_BASE_URL"));
	CLEANUP(strbuf_done) struct strbuf refresh = {0};
	json_t *data = link_page_data(linker, "On to Jira", NULL);
	strbuf_init(&refresh, REFRESH_BYTES);
	strbuf_addf(&refresh, "0;url=%s", url);
	web_reply_header(reply, "Refresh", strbuf_text(&refresh));
	json_object_set_new(data, "url", json_string(url));
	json_object_set_new(data, "host", json_string(host));
	pages_reply(reply, 200, "link_onward.html", data);
}
