/* The table of verbs. */

#include "cli/cli.h"

#include "common/base/banned.h"

static const struct verb verbs[] = {
	{"status", "[--json]", "the whole path at a glance: topics, lag, open work", "ohdc status", VERB_READING,
	 cli_status},
	{"trace", "ID [--json]", "everything about one delivery or job, in order",
	 "ohdc trace 6f9619ff-8b86-4d01-b42d-00c04fc964ff", VERB_READING, cli_trace},
	{"deliveries list", "[--connection jira/7] [--limit N] [--json]",
	 "what arrived, newest first, and why it ended so", "ohdc deliveries list --limit 20", VERB_READING,
	 cli_deliveries_list},
	{"deliveries show", "ID [--json]", "one delivery", "ohdc deliveries show 6f9619ff-8b86-4d01-b42d-00c04fc964ff",
	 VERB_READING, cli_deliveries_show},
	{"connections list", "[--json]", "the connections and their state", "ohdc connections list", VERB_READING,
	 cli_connections_list},
	{"connections show", "CONNECTION [--json]", "one connection, without its secrets",
	 "ohdc connections show jira/7", VERB_READING, cli_connections_show},
	{"connections add",
	 "jira --base-url URL | bitbucket --repo KEY/slug [--secret-file FILE] [--org ID] [--without-bot]",
	 "make a connection; its secret is shown once", "ohdc connections add bitbucket --repo PROJ/web --operator ana",
	 VERB_CHANGING, cli_connections_add},
	{"connections pause", "CONNECTION", "accept deliveries, but start nothing", "ohdc connections pause jira/7",
	 VERB_CHANGING, cli_connections_pause},
	{"connections resume", "CONNECTION", "start jobs again", "ohdc connections resume jira/7", VERB_CHANGING,
	 cli_connections_resume},
	{"links list", "[--connection CONNECTION] [--json]", "which account is which user", "ohdc links list",
	 VERB_READING, cli_links_list},
	{"links add", "--connection CONNECTION --jira-key KEY|--bitbucket-id ID --user UUID [--org UUID]",
	 "say that an account is a user of OpenHands",
	 "ohdc links add --connection jira/7 --jira-key JIRAUSER10100 --user 3f2c…", VERB_CHANGING, cli_links_add},
	{"links remove", "--connection CONNECTION --jira-key KEY|--bitbucket-id ID", "forget it",
	 "ohdc links remove --connection jira/7 --jira-key JIRAUSER10100", VERB_CHANGING, cli_links_remove},
	{"simulate",
	 "jira-comment|jira-label|bitbucket-comment --connection CONNECTION [--text TEXT] [--actor "
	 "KEY] [--issue ID --issue-key KEY | --pull-request ID] [--comment ID]",
	 "put an ask on the webhook topic as if it had arrived", "ohdc simulate jira-comment --connection jira/7",
	 VERB_CHANGING, cli_simulate},
	{"explain", "jira|bitbucket [--connection N] [--event KEY] [--bot NAME]… < body.json",
	 "what a body asks for; needs no stores", "ohdc explain jira --bot openhands < body.json", VERB_READING,
	 cli_explain},
	{"keys generate", "", "print a new sealing key", "ohdc keys generate > seal-keys", VERB_BARE, cli_keys_generate},
	{"migrate", "[--plan] [--create] [--wait SECONDS] | --sql",
	 "bring the database's schema and rights up to date, or print the SQL for it", "ohdc migrate --plan",
	 VERB_READING, cli_migrate},
	{"topics plan", "[--json]", "the topics as they are and as they should be, and what each service's user may do",
	 "ohdc topics plan", VERB_READING, cli_topics_plan},
	{"topics apply", "[--wait SECONDS] [--json]", "make what is missing; wait for brokers that are not there yet",
	 "ohdc topics apply --wait 300", VERB_READING, cli_topics_apply},
	{"topics claim", "", "take over a prefix that belongs to another installation, whose services have ended",
	 "ohdc topics claim --operator ana", VERB_CHANGING, cli_topics_claim},
	{"config check", "[ingress|linker|dispatcher|installer]",
	 "check the settings of all programs; of one, also that none is missing", "ohdc config check linker", VERB_BARE,
	 cli_config_check},
	{"config docs", "", "print docs/config.md", "ohdc config docs > docs/config.md", VERB_BARE, cli_config_docs},
	{"completion", "", "print a completion script for bash", "source <(ohdc completion)", VERB_BARE, cli_completion},
	{"version", "", "print the version", "ohdc version", VERB_BARE, cli_version},
};

const struct verb *verbs_all(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(verbs);
	return verbs;
}
