/* The page of rules: the store checks what was typed, its words are shown. */
#include "services/installer/page_access.h"

#include "common/base/json_field.h"
#include "common/base/number.h"
#include "common/connect/access_store.h"

#include "common/base/banned.h"

#define ACCESS "/integration/dc/access"

static const char sql_servers[] = "select coalesce(json_agg(json_build_object('instance_id', id, 'server', base_url)"
				  " order by provider, base_url), '[]') from instance";

void page_access(struct page *page)
{
	json_t *rules = NULL;
	json_t *map = NULL;
	struct err err = {0};
	page_query(page, "servers", sql_servers, NULL);
	json_put_text(page->data, "my_org", page->caller.org_id);
	if (!access_list(page->installer->pool, 0, &rules, &err) || !org_map_list(page->installer->pool, &map, &err))
		page_fail(page, "The lists cannot be read just now.", "Please try again in a minute.", NULL);
	json_object_set_new(page->data, "rules", rules);
	json_object_set_new(page->data, "map", map);
}

static void finish(struct page *page, bool is_done, const struct err *err, const char *url)
{
	if (is_done) {
		page_go(page, url);
		return;
	}
	page_fail(page, "Nothing was changed.", err->message, NULL);
	page_show(page, err->code == ERR_INPUT || err->code == ERR_NOT_FOUND ? 400 : 500, ACCESS);
}

void page_access_add(struct page *page)
{
	struct err err = {0};
	bool is_done = access_add(page->installer->pool, page->caller.user_id, page_number(page, "instance", INT64_MAX),
				  page_text(page, "effect"), page_text(page, "kind"), page_text(page, "value"), &err);
	finish(page, is_done, &err, ACCESS "?done=added");
}

void page_access_remove(struct page *page)
{
	struct err err = {0};
	int64_t rule = page_number(page, "rule", INT64_MAX);
	finish(page, access_remove(page->installer->pool, page->caller.user_id, rule, &err), &err,
	       ACCESS "?done=removed");
}

void page_access_map(struct page *page)
{
	struct err err = {0};
	bool is_done = org_map_set(page->installer->pool, page->caller.user_id, page_number(page, "instance", INT64_MAX),
				   page_text(page, "project"), page_text(page, "org"), &err);
	finish(page, is_done, &err, ACCESS "?done=mapped");
}

void page_access_unmap(struct page *page)
{
	struct err err = {0};
	bool is_done = org_map_unset(page->installer->pool, page->caller.user_id,
				     page_number(page, "instance", INT64_MAX), page_text(page, "project"), &err);
	finish(page, is_done, &err, ACCESS "?done=unmapped");
}
