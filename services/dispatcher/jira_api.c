/* Jira's REST API as the bot: who we are, issues, histories, users, reactions. Comments: jira_comments.c. */
#include "services/dispatcher/jira_api.h"

#include "common/base/json_field.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/domain/trigger.h"

#include <string.h>
#include <strings.h>

#include "common/base/banned.h"

/* --- issues ---------------------------------------------------------------------------------------- */

void jira_issue_done(struct jira_issue *issue)
{
	if (!issue) return;
	MEM_FREE_ALL(issue->id, issue->summary, issue->description);
	person_done(&issue->reporter);
	for (size_t i = 0; i < issue->label_count; i++)
		mem_free(issue->labels[i]);
	*issue = (struct jira_issue){0};
}

bool jira_issue_has_label(const struct jira_issue *issue, const char *label)
{
	for (size_t i = 0; i < issue->label_count; i++) {
		if (text_equal_nocase(issue->labels[i], label)) return true;
	}
	return false;
}

static struct jira_issue read_issue(const json_t *json)
{
	const json_t *labels = json_at(json, "fields.labels");
	struct jira_issue issue = {
		.id = api_id(json),
		.summary = api_text(json, "fields.summary", LIMIT_NAME_BYTES, ""),
		.description = api_text(json, "fields.description", LIMIT_DESCRIPTION_BYTES, ""),
		.reporter = person_read(PROVIDER_JIRA, json_at(json, "fields.reporter")),
	};
	for (size_t i = 0; i < json_array_size(labels) && issue.label_count < JIRA_LABELS_MAX; i++) {
		const char *label = json_string_value(json_array_get(labels, i));
		if (label && strlen(label) <= LIMIT_NAME_BYTES) issue.labels[issue.label_count++] = mem_dup(label);
	}
	return issue;
}

static bool get_issue(const struct bot_server *api, const char *issue, const char *query, struct api_answer *ret,
		      struct err *err)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	api_path(&path, "/rest/api/2/issue/%s", issue);
	strbuf_add(&path, query);
	return bot_server_get(api, strbuf_text(&path), ret, err) || err_wrap(err, "read issue '%s'", issue);
}

bool jira_api_read_issue(const struct bot_server *api, const char *issue, struct jira_issue *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	CLEANUP(jira_issue_done) struct jira_issue read = {0};
	if (!get_issue(api, issue, "?fields=summary,description,labels,reporter", &answer, err)) return false;
	read = read_issue(answer.json);
	if (!read.id) return err_set(err, ERR_INTERNAL, "Jira sent an issue without id");
	return MOVE(ret, read);
}

/* --- who set a label ------------------------------------------------------------------------------- */

/* Histories come oldest first from some versions and newest first from others: the largest id is the newest. */
static const json_t *find_entry(const json_t *histories, const char *changelog_id, const char *label)
{
	const json_t *newest = NULL;
	int64_t newest_id = -1;
	char id[LIMIT_ID_BYTES];
	for (size_t i = 0; i < json_array_size(histories); i++) {
		const json_t *entry = json_array_get(histories, i);
		if (!json_id_at(entry, "id", id, sizeof(id)) ||
		    !trigger_label_added(json_at(entry, "items"), label, strncasecmp))
			continue;
		if (changelog_id && strcmp(id, changelog_id) == 0) return entry;
		if (!changelog_id && comment_id_number(id) > newest_id) {
			newest_id = comment_id_number(id);
			newest = entry;
		}
	}
	return newest;
}

bool jira_api_label_author(const struct bot_server *api, const char *issue, const char *changelog_id, const char *label,
			   struct person *ret, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	bool is_created = changelog_id && strcmp(changelog_id, "created") == 0;
	const json_t *entry = NULL;
	if (!get_issue(api, issue, "?fields=labels,creator&expand=changelog", &answer, err)) return false;
	if (!is_created) entry = find_entry(json_at(answer.json, "changelog.histories"), changelog_id, label);
	if (!entry && changelog_id && !is_created)
		return err_set(err, ERR_NOT_FOUND, "history entry %s did not add label '%s'", changelog_id, label);
	const json_t *author = entry ? json_at(entry, "author") : json_at(answer.json, "fields.creator");
	if (!author) return err_set(err, ERR_NOT_FOUND, "nobody is named as author of label '%s'", label);
	*ret = person_read(PROVIDER_JIRA, author);
	return true;
}

/* --- reactions -------------------------------------------------------------------------- */

bool jira_api_react(const struct bot_server *api, const char *comment_id, struct err *err)
{
	CLEANUP(api_answer_done) struct api_answer answer = {0};
	json_auto_t *body = json_object();
	struct err failure = {0};
	json_put_int(body, "commentId", comment_id_number(comment_id));
	json_put_text(body, "emojiId", "1f44d");
	struct api_call call = {.method = "POST", .path = "/rest/internal/2/reactions", .body = body};
	/* The resource is internal to Jira: what it refuses it does not support. */
	bool is_fine = bot_server_call(api, &call, false, &answer, &failure) || api_call_is_refused(&failure);
	return api_call_settle(is_fine, &failure, err) || err_wrap(err, "react");
}
