/* Builds the bodies that the products would send. Pure. */

#include "cli/simulated_body.h"

#include "common/base/json_field.h"
#include "common/base/limits.h"
#include "common/base/number.h"
#include "common/base/strbuf.h"

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

bool simulation_check(const struct simulation *simulation, struct err *err)
{
	return is_number(simulation->issue_id, "issue", err) &&
	       is_number(simulation->pull_request_id, "pull-request", err) &&
	       is_number(simulation->comment_id, "comment", err);
}

static int64_t number_or(const char *text, int64_t fallback)
{
	int64_t number = fallback;
	if (text && !number_parse(text, 1, INT64_MAX, &number, NULL)) number = fallback;
	return number;
}

static void put_number_text(json_t *object, const char *key, int64_t number)
{
	json_object_set_new(object, key, json_sprintf("%lld", (long long)number));
}

static void put_ask(json_t *object, const char *key, const struct simulation *simulation)
{
	if (simulation->text)
		json_put_text(object, key, simulation->text);
	else
		json_object_set_new(object, key,
				    json_sprintf("@%s this is a simulated ask", simulation->label));
}

/* ---- Jira ------------------------------------------------------------------------------------------------------- */

static json_t *jira_person(const struct simulation *simulation,
			   const struct known_connection *connection)
{
	json_t *person = json_object();
	json_object_set_new(
		person, "self",
		json_sprintf("%s/rest/api/2/user?key=%s", connection->base_url, simulation->actor));
	json_put_text(person, "name", simulation->actor);
	json_put_text(person, "key", simulation->actor);
	json_put_text(person, "displayName", simulation->actor);
	return person;
}

static json_t *jira_issue(const struct simulation *simulation,
			  const struct known_connection *connection)
{
	json_t *issue = json_object();
	json_t *fields = json_object();
	int64_t id = number_or(simulation->issue_id, NOBODYS_ID);
	put_number_text(issue, "id", id);
	json_object_set_new(
		issue, "self",
		json_sprintf("%s/rest/api/2/issue/%lld", connection->base_url, (long long)id));
	if (simulation->issue_key)
		json_put_text(issue, "key", simulation->issue_key);
	else
		json_object_set_new(issue, "key", json_sprintf("SIMULATED-%lld", (long long)id));
	json_put_text(fields, "summary", "Simulated");
	json_object_set_new(fields, "labels", json_array());
	json_object_set_new(issue, "fields", fields);
	return issue;
}

static json_t *jira_comment(const struct simulation *simulation,
			    const struct known_connection *connection)
{
	json_t *comment = json_object();
	int64_t id = number_or(simulation->comment_id, simulation->now_ms);
	json_object_set_new(
		comment, "self",
		json_sprintf("%s/rest/api/2/issue/%lld/comment/%lld", connection->base_url,
			     (long long)number_or(simulation->issue_id, NOBODYS_ID), (long long)id));
	put_number_text(comment, "id", id);
	json_object_set_new(comment, "author", jira_person(simulation, connection));
	put_ask(comment, "body", simulation);
	json_put_text(comment, "created", simulation->now);
	json_put_text(comment, "updated", simulation->now);
	return comment;
}

/* The label alone is added; its history entry has a number that was never used. */
static json_t *jira_changelog(const struct simulation *simulation)
{
	json_t *changelog = json_object();
	json_t *items = json_array();
	put_number_text(changelog, "id", simulation->now_ms);
	json_array_append_new(items,
			      json_pack("{s:s, s:s, s:s, s:s}", "field", "labels", "fieldtype",
					"jira", "fromString", "", "toString", simulation->label));
	json_object_set_new(changelog, "items", items);
	return changelog;
}

static json_t *jira_body(const struct simulation *simulation,
			 const struct known_connection *connection)
{
	json_t *body = json_object();
	bool is_comment = simulation->kind == SIMULATED_JIRA_COMMENT;
	json_put_int(body, "timestamp", simulation->now_ms);
	json_put_text(body, "webhookEvent", is_comment ? "comment_created" : "jira:issue_updated");
	json_object_set_new(body, "user", jira_person(simulation, connection));
	json_object_set_new(body, "issue", jira_issue(simulation, connection));
	if (is_comment)
		json_object_set_new(body, "comment", jira_comment(simulation, connection));
	else
		json_object_set_new(body, "changelog", jira_changelog(simulation));
	return body;
}

/* ---- Bitbucket -------------------------------------------------------------------------------------------------- */

static json_t *bitbucket_person(const struct simulation *simulation)
{
	json_t *person = json_object();
	int64_t id = number_or(simulation->actor, 0);
	if (id != 0) json_put_int(person, "id", id);
	json_put_text(person, "name", simulation->actor);
	json_put_text(person, "slug", simulation->actor);
	json_put_text(person, "displayName", simulation->actor);
	return person;
}

static json_t *bitbucket_ref(const struct known_connection *connection, const char *branch)
{
	json_t *ref = json_object();
	json_t *repository = json_object();
	json_put_text(repository, "slug", connection->repo_slug);
	if (connection->repo_id != 0) json_put_int(repository, "id", connection->repo_id);
	json_object_set_new(repository, "project",
			    json_pack("{s:s}", "key", connection->project_key));
	json_object_set_new(ref, "id", json_sprintf("refs/heads/%s", branch));
	json_put_text(ref, "displayId", branch);
	json_object_set_new(ref, "repository", repository);
	return ref;
}

static json_t *bitbucket_comment(const struct simulation *simulation)
{
	json_t *comment = json_object();
	json_put_int(comment, "id", number_or(simulation->comment_id, simulation->now_ms));
	json_put_int(comment, "version", 0);
	put_ask(comment, "text", simulation);
	json_object_set_new(comment, "author", bitbucket_person(simulation));
	json_put_int(comment, "createdDate", simulation->now_ms);
	json_put_int(comment, "updatedDate", simulation->now_ms);
	return comment;
}

static json_t *bitbucket_body(const struct simulation *simulation,
			      const struct known_connection *connection)
{
	json_t *body = json_object();
	json_t *pull_request = json_object();
	json_put_int(pull_request, "id", number_or(simulation->pull_request_id, NOBODYS_ID));
	json_put_text(pull_request, "title", "Simulated");
	json_put_text(pull_request, "state", "OPEN");
	json_object_set_new(pull_request, "fromRef", bitbucket_ref(connection, "simulated"));
	json_object_set_new(pull_request, "toRef", bitbucket_ref(connection, "main"));
	json_put_text(body, "eventKey", "pr:comment:added");
	json_put_text(body, "date", simulation->now);
	json_object_set_new(body, "actor", bitbucket_person(simulation));
	json_object_set_new(body, "pullRequest", pull_request);
	json_object_set_new(body, "comment", bitbucket_comment(simulation));
	return body;
}

json_t *simulated_body(const struct simulation *simulation, const struct known_connection *connection)
{
	if (simulation->kind == SIMULATED_BITBUCKET_COMMENT)
		return bitbucket_body(simulation, connection);
	return jira_body(simulation, connection);
}
