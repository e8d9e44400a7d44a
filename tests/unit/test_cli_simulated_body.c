/* Whatever is simulated is understood by the decision that real deliveries go through, and could come from the connection. */
#include "cli/simulated_body.h"
#include "common/domain/trigger.h"
#include "tests/unit/check.h"

#include "common/base/banned.h"

#define NOW_MS 1795307826267

static char jira_url[] = "http://jira.example.com:8080/jira";
static char bitbucket_url[] = "https://git.example.com";
static char project[] = "PROJ";
static char slug[] = "web";

static const struct known_connection connections[] = {
	[PROVIDER_JIRA] = {.ref = {PROVIDER_JIRA, 7}, .instance_id = 3, .base_url = jira_url},
	[PROVIDER_BITBUCKET] = {.ref = {PROVIDER_BITBUCKET, 8},
				.instance_id = 4,
				.base_url = bitbucket_url,
				.project_key = project,
				.repo_slug = slug,
				.repo_id = 31},
};

static const struct row {
	const char *name;
	enum provider provider;
	struct simulation simulation;
	enum trigger_kind kind;
	const char *event_key;
	const char *subject;
	const char *actor;
} rows[] = {
	{"comment",
	 PROVIDER_JIRA,
	 {.kind = SIMULATED_JIRA_COMMENT, .actor = "JIRAUSER1", .comment_id = "12", .issue_id = "5"},
	 TRIGGER_COMMENT,
	 "jira:3:comment:12",
	 "jira:3:5",
	 "JIRAUSER1"},
	{"label",
	 PROVIDER_JIRA,
	 {.kind = SIMULATED_JIRA_LABEL, .actor = "ana", .issue_id = "5"},
	 TRIGGER_LABEL,
	 "jira:3:label:5:1795307826267",
	 "jira:3:5",
	 "ana"},
	{"nowhere",
	 PROVIDER_JIRA,
	 {.kind = SIMULATED_JIRA_COMMENT, .actor = "ana"},
	 TRIGGER_COMMENT,
	 "jira:3:comment:1795307826267",
	 "jira:3:999999999",
	 "ana"},
	{"pull request",
	 PROVIDER_BITBUCKET,
	 {.kind = SIMULATED_BITBUCKET_COMMENT, .actor = "41", .pull_request_id = "12", .comment_id = "9", .text = "please @helper"},
	 TRIGGER_COMMENT,
	 "bitbucket:4:31:comment:9",
	 "bitbucket:4:31:12",
	 "41"},
	{"text without mention",
	 PROVIDER_BITBUCKET,
	 {.kind = SIMULATED_BITBUCKET_COMMENT, .actor = "41", .pull_request_id = "12", .comment_id = "9", .text = "hello"},
	 TRIGGER_NONE,
	 "bitbucket:4:31:comment:9",
	 "bitbucket:4:31:12",
	 "41"},
};

static void check_row(const struct row *row)
{
	const struct known_connection *connection = &connections[row->provider];
	const struct bot bot = {.label = "helper"};
	const struct trigger_context context = {.provider = row->provider,
						.instance_id = connection->instance_id,
						.bot = &bot,
						.received_at_ms = NOW_MS,
						.max_age_ms = 1000,
						.activated_at_ms = NOW_MS};
	const struct trigger_origin origin = {row->provider == PROVIDER_JIRA ? "jira.example.com" : NULL,
					      connection->project_key, connection->repo_slug, connection->repo_id};
	struct simulation simulation = row->simulation;
	struct err err = {0};
	CLEANUP(ask_done) struct ask ask = {0};
	simulation.label = "helper";
	simulation.now_ms = NOW_MS;
	simulation.now = "2026-11-22T00:37:06.267Z";
	CHECK(row->name, simulation_check(&simulation, &err));
	json_auto_t *body = simulated_body(&simulation, connection);
	trigger_decide(&context, body, &ask);
	CHECK(row->name, ask.kind == row->kind);
	CHECK_TEXT(row->name, ask.event_key, row->event_key);
	CHECK_TEXT(row->name, ask.subject, row->subject);
	CHECK_TEXT(row->name, row->provider == PROVIDER_JIRA ? ask.actor.key : ask.actor.id, row->actor);
	CHECK(row->name, trigger_origin_ok(row->provider, body, &origin));
}

static void test_simulated_bodies_are_understood(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

static void test_simulated_ids_are_numbers(void)
{
	const struct simulation issue = {.issue_id = "PROJ-1"};
	const struct simulation comment = {.comment_id = "0"};
	struct err err = {0};
	CU_ASSERT(!simulation_check(&issue, &err) && err.code == ERR_INPUT);
	CU_ASSERT(strncmp(err.message, "--issue", 7) == 0);
	CU_ASSERT(!simulation_check(&comment, &err));
}

void suite_cli_simulated_body(void)
{
	CU_pSuite suite = CU_add_suite("cli_simulated_body", NULL, NULL);
	CU_ADD_TEST(suite, test_simulated_bodies_are_understood);
	CU_ADD_TEST(suite, test_simulated_ids_are_numbers);
}
