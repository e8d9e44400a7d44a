/* Builds the bodies that the products would send. Pure. */

#include "cli/simulated_body.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/number.h"
#include "common/base/text.h"

#include <string.h>

#include "common/base/banned.h"

/* Of an issue or pull request that is not there: unless one is named, nobody's is written into. */
enum { NOBODYS_ID = 999999999 };

static bool is_number(const char *text, const char *option, struct err *err)
{
	int64_t ignored;
	if (!text || number_parse(text, 1, INT64_MAX, &ignored, err)) return true;
	return err_wrap(err, "--%s", option);
}

/* As JSON wants it. */
static bool is_text(const char *text, const char *option, struct err *err)
{
	return !text || text_is_utf8(bytes_text(text)) || err_set(err, ERR_INPUT, "--%s is no UTF-8", option);
}

bool simulation_check(const struct simulation *simulation, struct err *err)
{
	return is_text(simulation->text, "text", err) && is_text(simulation->actor, "actor", err) &&
	       is_text(simulation->issue_key, "issue-key", err) && is_number(simulation->issue_id, "issue", err) &&
	       is_number(simulation->pull_request_id, "pull-request", err) &&
	       is_number(simulation->comment_id, "comment", err);
}

static int64_t number_or(const char *text, int64_t fallback)
{
	int64_t number = fallback;
	if (text && !number_parse(text, 1, INT64_MAX, &number, NULL)) number = fallback;
	return number;
}

/* Number ids are texts in Jira's bodies. */
static json_t *number_text(int64_t number)
{
	return json_sprintf("%lld", (long long)number);
}

static json_t *ask_text(const struct simulation *simulation)
{
	return simulation->text ? json_string(simulation->text)
				: json_sprintf("@%s this is a simulated ask", simulation->label);
}

/* ---- Jira ------------------------------------------------------------------------------------------------------- */

static json_t *jira_person(const struct simulation *simulation, const struct known_connection *connection)
{
	return json_pack("{s:o, s:s, s:s, s:s}", "self",
			 json_sprintf("%s/rest/api/2/user?key=%s", connection->base_url, simulation->actor), "name",
			 simulation->actor, "key", simulation->actor, "displayName", simulation->actor);
}

static json_t *jira_issue(const struct simulation *simulation, const struct known_connection *connection)
{
	int64_t id = number_or(simulation->issue_id, NOBODYS_ID);
	json_t *key = simulation->issue_key ? json_string(simulation->issue_key)
					    : json_sprintf("SIMULATED-%lld", (long long)id);
	return json_pack("{s:o, s:o, s:o, s:{s:s, s:[]}}", "id", number_text(id), "self",
			 json_sprintf("%s/rest/api/2/issue/%lld", connection->base_url, (long long)id), "key", key,
			 "fields", "summary", "Simulated", "labels");
}

static json_t *jira_comment(const struct simulation *simulation, const struct known_connection *connection)
{
	int64_t id = number_or(simulation->comment_id, simulation->now_ms);
	int64_t issue = number_or(simulation->issue_id, NOBODYS_ID);
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:s}", "self",
			 json_sprintf("%s/rest/api/2/issue/%lld/comment/%lld", connection->base_url, (long long)issue,
				      (long long)id),
			 "id", number_text(id), "author", jira_person(simulation, connection), "body",
			 ask_text(simulation), "created", simulation->now, "updated", simulation->now);
}

/* The label alone is added; its history entry has a number that was never used. */
static json_t *jira_changelog(const struct simulation *simulation)
{
	return json_pack("{s:o, s:[{s:s, s:s, s:s, s:s}]}", "id", number_text(simulation->now_ms), "items", "field",
			 "labels", "fieldtype", "jira", "fromString", "", "toString", simulation->label);
}

static json_t *jira_body(const struct simulation *simulation, const struct known_connection *connection)
{
	bool is_comment = simulation->kind == SIMULATED_JIRA_COMMENT;
	return json_pack("{s:I, s:s, s:o, s:o, s:o}", "timestamp", (json_int_t)simulation->now_ms, "webhookEvent",
			 is_comment ? "comment_created" : "jira:issue_updated", "user",
			 jira_person(simulation, connection), "issue", jira_issue(simulation, connection),
			 is_comment ? "comment" : "changelog",
			 is_comment ? jira_comment(simulation, connection) : jira_changelog(simulation));
}

/* ---- Bitbucket -------------------------------------------------------------------------------------------------- */

static json_t *bitbucket_person(const struct simulation *simulation)
{
	int64_t id = number_or(simulation->actor, 0);
	return json_pack("{s:o*, s:s, s:s, s:s}", "id", id != 0 ? json_integer(id) : NULL, "name", simulation->actor,
			 "slug", simulation->actor, "displayName", simulation->actor);
}

static json_t *bitbucket_ref(const struct known_connection *connection, const char *branch)
{
	return json_pack("{s:o, s:s, s:{s:s, s:o*, s:{s:s}}}", "id", json_sprintf("refs/heads/%s", branch), "displayId",
			 branch, "repository", "slug", connection->repo_slug, "id",
			 connection->repo_id != 0 ? json_integer(connection->repo_id) : NULL, "project", "key",
			 connection->project_key);
}

static json_t *bitbucket_comment(const struct simulation *simulation)
{
	return json_pack("{s:I, s:i, s:o, s:o, s:I, s:I}", "id",
			 (json_int_t)number_or(simulation->comment_id, simulation->now_ms), "version", 0, "text",
			 ask_text(simulation), "author", bitbucket_person(simulation), "createdDate",
			 (json_int_t)simulation->now_ms, "updatedDate", (json_int_t)simulation->now_ms);
}

static json_t *bitbucket_body(const struct simulation *simulation, const struct known_connection *connection)
{
	return json_pack("{s:s, s:s, s:o, s:{s:I, s:s, s:s, s:o, s:o}, s:o}", "eventKey", "pr:comment:added", "date",
			 simulation->now, "actor", bitbucket_person(simulation), "pullRequest", "id",
			 (json_int_t)number_or(simulation->pull_request_id, NOBODYS_ID), "title", "Simulated", "state",
			 "OPEN", "fromRef", bitbucket_ref(connection, "simulated"), "toRef",
			 bitbucket_ref(connection, "main"), "comment", bitbucket_comment(simulation));
}

json_t *simulated_body(const struct simulation *simulation, const struct known_connection *connection)
{
	if (simulation->kind == SIMULATED_BITBUCKET_COMMENT) return bitbucket_body(simulation, connection);
	return jira_body(simulation, connection);
}
