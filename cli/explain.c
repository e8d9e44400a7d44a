/* Says what a webhook's body asks for, by the same decision as the linker's; needs no stores. */

#include "cli/cli.h"
#include "common/base/json_field.h"
#include "common/base/json_scan.h"
#include "common/base/limits.h"
#include "common/base/mem.h"
#include "common/base/number.h"
#include "common/domain/trigger.h"
#include "common/io/sysclock.h"

#include <stdio.h>

#include "common/base/banned.h"

/* All of standard input; more than a webhook's body may have is an error. */
static bool read_input(struct strbuf *ret, struct err *err)
{
	char piece[65536];
	size_t len;
	while ((len = fread(piece, 1, sizeof(piece), stdin)) > 0 && !ret->is_cut)
		strbuf_add_bytes(ret, bytes_of(piece, len));
	if (ferror(stdin)) return err_set(err, ERR_INPUT, "standard input cannot be read");
	if (ret->is_cut) return err_set(err, ERR_INPUT, "the body is longer than %d bytes", LIMIT_BODY_BYTES);
	return true;
}

static bool take_bots(struct cli *cli, struct bot *ret, struct err *err)
{
	const char *name;
	size_t count = 0;
	while ((name = cli_option(cli, "bot"))) {
		if (count == ARRAY_LEN(ret->names))
			return err_set(err, ERR_INPUT, "more than %d names of the bot", LIMIT_BOT_NAMES);
		ret->names[count++] = name;
	}
	ret->label = config_text(cli->config, "OH_RESOLVER_LABEL");
	return true;
}

static bool take_context(struct cli *cli, struct trigger_context *ret, struct err *err)
{
	const char *connection = cli_option(cli, "connection");
	ret->event = cli_option(cli, "event");
	const char *provider = cli_positional(cli);
	if (!provider || !provider_parse(provider, &ret->provider))
		return err_set(err, ERR_INPUT, "'%s' is no product, expected jira or bitbucket",
			       provider ? provider : "");
	if (connection && !number_parse(connection, 0, INT64_MAX, &ret->instance_id, err))
		return err_wrap(err, "--connection");
	ret->received_at_ms = sysclock_now_ms();
	ret->max_age_ms = config_int(cli->config, "OHDC_MAX_TRIGGER_AGE") * 1000;
	return cli_no_more(cli, err);
}

/* JSON that cannot be used is a finding; what is no JSON at all is an error. */
static bool decide(const struct trigger_context *context, struct bytes text, struct ask *ret, struct err *err)
{
	json_auto_t *body = NULL;
	if (json_read(text, LIMIT_BODY_BYTES, LIMIT_JSON_DEPTH, &body, err)) {
		trigger_decide(context, body, ret);
		return true;
	}
	if (!json_is_json(text))
		return err_set(err, ERR_INPUT, "standard input is no JSON: %zu bytes, wrong from byte %zu on", text.len,
			       json_scan(text).end);
	ret->verdict = REASON_MALFORMED;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%.150s", err->message);
	return true;
}

bool cli_explain(struct cli *cli, struct err *err)
{
	struct bot bot = {0};
	struct trigger_context context = {.bot = &bot};
	CLEANUP(strbuf_done) struct strbuf input = strbuf_of(LIMIT_BODY_BYTES);
	CLEANUP(ask_done) struct ask ask = {0};
	if (!take_bots(cli, &bot, err) || !take_context(cli, &context, err) || !read_input(&input, err) ||
	    !decide(&context, bytes_of(input.text, input.len), &ask, err))
		return false;
	json_auto_t *found = ask_explain(&context, &ask);
	cli_print_json(found);
	if (!cli->is_json && ask.detail[0] != '\0')
		(void)fprintf(stderr, "%s: %s\n", reason_name(ask.verdict), ask.detail);
	return true;
}
