/* Checks the settings of all programs before a rollout: each value by the table, then what only holds between two of them. */

#include "cli/cli.h"
#include "common/base/mem.h"
#include "common/domain/settings.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

static const struct {
	const char *name;
	enum setting_reader reader;
} programs[] = {
	{"ohdc", SETTING_CLI},
	{"ingress", SETTING_INGRESS},
	{"linker", SETTING_LINKER},
	{"dispatcher", SETTING_DISPATCHER},
	{"installer", SETTING_INSTALLER},
};

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static bool is_poll_reversed(struct config *config)
{
	return config_int(config, "OHDC_POLL_MIN_MS") > config_int(config, "OHDC_POLL_MAX_MS");
}

static bool is_lease_short(struct config *config)
{
	return config_int(config, "OHDC_LEASE_MS") <
	       config_int(config, "OHDC_CALL_DEADLINE_MS") + 2 * config_int(config, "OHDC_LEASE_MARGIN_MS");
}

static bool is_bot_half_known(struct config *config)
{
	CLEANUP(secret_done) struct secret token = {0};
	return config_secret(config, "JIRA_DC_SERVICE_ACCOUNT_PAT", &token) !=
	       (config_text(config, "JIRA_DC_SERVICE_ACCOUNT_EMAIL") != NULL);
}

static bool is_keycloak_missing(struct config *config)
{
	return strstr(config_text(config, "OHDC_DIRECTORIES"), "keycloak") &&
	       !config_text(config, "KEYCLOAK_SERVER_URL");
}

static const struct {
	enum setting_reader reader;
	bool is_warning;
	bool (*is_broken)(struct config *config);
	const char *text;
} rules[] = {
	{SETTING_DISPATCHER, false, is_poll_reversed, "OHDC_POLL_MIN_MS is larger than OHDC_POLL_MAX_MS"},
	{SETTING_DISPATCHER, false, is_lease_short,
	 "OHDC_LEASE_MS is shorter than OHDC_CALL_DEADLINE_MS + 2 × OHDC_LEASE_MARGIN_MS"},
	{SETTING_CLI, false, is_bot_half_known,
	 "JIRA_DC_SERVICE_ACCOUNT_EMAIL and JIRA_DC_SERVICE_ACCOUNT_PAT: set both or neither"},
	{SETTING_LINKER, true, is_keycloak_missing,
	 "keycloak in OHDC_DIRECTORIES is left out: KEYCLOAK_SERVER_URL is not set"},
};

static bool keeps_rules(struct config *config, enum setting_reader reader, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].reader != reader || !rules[i].is_broken(config)) continue;
		if (!rules[i].is_warning) return err_set(err, ERR_INPUT, "%s", rules[i].text);
		(void)fprintf(stderr, "ohdc: warning: %s\n", rules[i].text);
	}
	return true;
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

/* `is_whole`: what the program needs must be there; else only what is there is checked. */
static bool check(enum setting_reader reader, bool is_whole, struct err *err)
{
	size_t count;
	const struct setting *settings = settings_all(&count);
	struct setting *table = mem_zalloc(count, sizeof(*table));
	struct config *config = NULL;
	for (size_t i = 0; i < count; i++) {
		table[i] = settings[i];
		table[i].required = is_whole ? settings[i].required : 0;
	}
	bool is_good = config_load(table, count, reader, &config, err) && keeps_rules(config, reader, err);
	config_free(config);
	mem_free(table);
	return is_good;
}

bool cli_config_check(struct cli *cli, struct err *err)
{
	const char *name = cli_positional(cli);
	bool is_known = !name;
	if (!cli_no_more(cli, err)) return false;
	cli->is_usage = true;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		if (name && strcmp(programs[i].name, name) != 0) continue;
		is_known = true;
		if (!check(programs[i].reader, name != NULL, err)) return false;
	}
	if (!is_known)
		return err_set(err, ERR_INPUT, "'%s' is no program, expected ingress, linker, dispatcher or installer",
			       name);
	puts("settings: fine");
	return true;
}
