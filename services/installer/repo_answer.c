/* Joins a person's repositories with the table of connections, and writes the text as it goes: there may be 40,000. */

#include "services/installer/repo_answer.h"

#include "common/base/text.h"
#include "common/io/web.h"
#include "services/installer/repo_lists.h"

#include <string.h>
#include <strings.h>

#include "common/base/banned.h"

/*
 * Enrolled: a webhook of ours is known, or deliveries are wanted and nothing is known to be wrong (a webhook made by hand). The
 * members are written here, in the contract's order. Those whose number is not known come first, by name.
 */
static const char sql_connections[] =
	"select coalesce(c.repo_id, 0), c.project_key || '/' || c.repo_slug,"
	" (select substr(row_to_json(m)::text, 2, length(row_to_json(m)::text) - 2) from"
	" (select c.id as connection_id, e.is_enrolled as webhook_enrolled, c.hook_id as "
	"webhook_id,"
	" $2 || '/integration/bitbucket-dc/connections/' || c.id || '/events' as webhook_url,"
	" e.is_enrolled as webhook_secret_set, c.owner_user_id as installed_by_user_id,"
	" to_char(c.updated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"
	" as last_synced) m),"
	" to_json(c.status)::text, coalesce(to_json(c.hook_error)::text, 'null')"
	" from connection c join instance i on i.id = c.instance_id"
	" cross join lateral (select c.hook_id is not null"
	" or (c.hook_error is null and c.status in ('active', 'shadow')) as is_enrolled) e"
	" where c.provider = 'bitbucket' and i.base_url = $1"
	" order by 1, lower(c.project_key || '/' || c.repo_slug) collate \"C\"";

static const char not_connected[] =
	"\"connection_id\":null,\"webhook_enrolled\":false,\"webhook_id\":null,\"webhook_url\":"
	"null,"
	"\"webhook_secret_set\":false,\"installed_by_user_id\":null,\"last_synced\":null";

static bool read_connections(const struct installer *installer, struct db_rows *ret, struct err *err)
{
	return db_query(installer->pool, sql_connections,
			DB_PARAMS(config_text(installer->config, "BITBUCKET_DATA_CENTER_HOST"), installer->origin), ret,
			err);
}

/* The row of a repository by number, or by name among those without (id 0); -1: none. */
static int find_row(const struct db_rows *rows, int64_t id, const char *name)
{
	int low = 0;
	int high = rows->count;
	while (low < high) {
		int middle = low + (high - low) / 2;
		int64_t other = db_int(rows, middle, 0);
		int order = (id > other) - (id < other);
		if (order == 0 && id == 0) order = strcasecmp(name, db_text(rows, middle, 1));
		if (order == 0) return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* Names need no escaping: repo_set_add() lets no others in. */
static void add_repository(struct strbuf *ret, const struct db_rows *rows, int64_t id, const char *name, bool is_page)
{
	const char *slug = strchr(name, '/') + 1;
	const struct bytes key = bytes_of(name, (size_t)(slug - name) - 1);
	int row = find_row(rows, id, name);
	if (row < 0) row = find_row(rows, 0, name);
	strbuf_add(ret, "{\"project_key\":\"");
	strbuf_add_bytes(ret, key);
	strbuf_add(ret, "\",\"repo_slug\":\"");
	strbuf_add(ret, slug);
	strbuf_add(ret, "\",\"name\":\"");
	strbuf_add(ret, slug);
	strbuf_add(ret, "\",\"full_name\":\"");
	strbuf_add(ret, name);
	strbuf_add(ret, "\",\"type\":\"repository\",");
	strbuf_add(ret, row < 0 ? not_connected : db_text(rows, row, 2));
	if (is_page)
		strbuf_addf(ret, ",\"status\":%s,\"hook_error\":%s", row < 0 ? "null" : db_text(rows, row, 3),
			    row < 0 ? "null" : db_text(rows, row, 4));
	strbuf_add_char(ret, '}');
}

static void write_part(const struct repo_set *set, const struct db_rows *rows, const struct repo_part *part,
		       struct strbuf *ret)
{
	size_t end = part->is_page ? part->start + part->limit : set->count;
	bool has_query = part->is_page && !text_is_empty(part->query);
	size_t total = 0;
	strbuf_add(ret, "{\"resources\":[");
	for (size_t i = 0; i < set->count; i++) {
		const char *name = repo_set_name(set, i);
		if (has_query && !text_find_nocase(name, part->query)) continue;
		if (total >= part->start && total < end) {
			if (total > part->start) strbuf_add_char(ret, ',');
			add_repository(ret, rows, set->list[i].id, name, part->is_page);
		}
		total++;
	}
	strbuf_add_char(ret, ']');
	if (part->is_page && total > end)
		strbuf_addf(ret, ",\"next_start\":%zu,\"total\":%zu", end, total);
	else if (part->is_page)
		strbuf_addf(ret, ",\"next_start\":null,\"total\":%zu", total);
	strbuf_add_char(ret, '}');
}

bool repo_answer_write(const struct installer *installer, const struct caller *caller, const struct secret *token,
		       const struct repo_part *part, struct strbuf *ret, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	struct repo_set *set;
	if (!repo_lists_hold(installer->repo_lists, caller->user_id, token, &set, err)) return false;
	bool is_read = read_connections(installer, &rows, err);
	if (is_read) write_part(set, &rows, part, ret);
	repo_lists_release(installer->repo_lists, set);
	return is_read && (!ret->is_cut || err_set(err, ERR_LIMIT, "the list is longer than an answer may be"));
}

bool repo_answer_page(const struct installer *installer, const struct caller *caller, const struct secret *token,
		      const struct repo_part *part, json_t **ret, struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf text = strbuf_of(WEB_REPLY_BYTES);
	if (!repo_answer_write(installer, caller, token, part, &text, err)) return false;
	*ret = json_loadb(strbuf_text(&text), text.len, 0, NULL);
	return *ret || err_set(err, ERR_INTERNAL, "the list is no JSON");
}
