/* Prints the table of settings for people: --help of a program, and docs/config.md. */

#include "common/io/config.h"

#include <string.h>

#include "common/io/config_value.h"

#include "common/base/banned.h"

static void print_expectation(FILE *out, const struct setting *setting)
{
	CLEANUP(strbuf_done) struct strbuf phrase = strbuf_of(CONFIG_PHRASE_BYTES);
	config_expectation(setting, &phrase);
	(void)fputs(strbuf_text(&phrase), out);
}

static void print_help_row(FILE *out, const struct setting *setting, enum setting_reader reader)
{
	(void)fprintf(out, "\n  %s%s\n      ", setting->name,
		      (setting->required & (unsigned)reader) != 0 ? " (required)" : "");
	print_expectation(out, setting);
	if (setting->fallback) (void)fprintf(out, "; default %s", setting->fallback);
	(void)fprintf(out, "\n      %s\n", setting->help);
}

void config_print_help(FILE *out, const struct setting *table, size_t count, enum setting_reader reader)
{
	(void)fputs("Settings, read from the environment; a secret also as NAME_FILE, the path of a file with it.\n",
		    out);
	for (size_t i = 0; i < count; i++) {
		if ((table[i].readers & (unsigned)reader) != 0) print_help_row(out, &table[i], reader);
	}
}

/* Complete sets first. */
static const struct {
	unsigned reader;
	const char *name;
} reader_names[] = {
	{SETTING_ALL, "all"},       {SETTING_SERVICES, "services"},     {SETTING_INGRESS, "ingress"},
	{SETTING_LINKER, "linker"}, {SETTING_DISPATCHER, "dispatcher"}, {SETTING_INSTALLER, "installer"},
	{SETTING_CLI, "ohdc"},
};

/* Names of a set of readers, "all" when it is complete; "–" when it is empty. */
static void print_readers(FILE *out, unsigned readers)
{
	const char *comma = "";
	if (readers == 0) (void)fputs("–", out);
	for (size_t i = 0; i < ARRAY_LEN(reader_names) && readers != 0; i++) {
		if ((readers & reader_names[i].reader) != reader_names[i].reader) continue;
		(void)fprintf(out, "%s%s", comma, reader_names[i].name);
		comma = ", ";
		readers &= ~reader_names[i].reader;
	}
}

static void print_docs_row(FILE *out, const struct setting *setting)
{
	(void)fprintf(out, "| `%s` | ", setting->name);
	print_readers(out, setting->readers);
	(void)fputs(" | ", out);
	print_readers(out, setting->required);
	(void)fputs(" | ", out);
	print_expectation(out, setting);
	if (setting->fallback)
		(void)fprintf(out, " | `%s` | ", setting->fallback);
	else
		(void)fputs(" | – | ", out);
	(void)fprintf(out, "%s |\n", setting->help);
}

static const char group_head[] = "| Setting | Read by | Required by | Value | Default | Meaning |\n"
				 "| --- | --- | --- | --- | --- | --- |\n";

static const char docs_head[] =
	"# Settings\n\n"
	"<!-- Made by `ohdc config docs` from the table in common/domain/settings.c; do not edit. -->\n\n"
	"Every program reads its settings from the environment and checks them before it does anything else. On a "
	"wrong or missing\n"
	"one it prints a single line (setting, what was found, what is expected) and exits with status 2. An empty "
	"value counts as not set.\n"
	"A variable that starts with `OHDC_` and is not listed here gives a warning that names the most similar "
	"setting.\n\n"
	"A secret may also come from a file: `NAME_FILE` holds its path. Line ends after the secret are ignored. A "
	"path "
	"that begins with `-`\n"
	"may be missing: the secret is not set until the file is there.\n\n"
	"Services look at these files, and at `OHDC_SEAL_KEYS_FILE` and `SSL_CERT_FILE`, every few seconds and read "
	"them "
	"again when they\n"
	"changed, without a restart. A new content that cannot be used is logged once and the old one stays in use; "
	"meanwhile the metric\n"
	"`ohdc_secret_refused{name=\"…\"}` is 1 (not for `SSL_CERT_FILE`).\n\n"
	"A new sealing key first goes behind the old one in `OHDC_SEAL_KEYS_FILE`; when every pod has it (two "
	"minutes), in "
	"front of it: from\n"
	"then on it seals. The old one stays in the list, or what it sealed cannot be opened. A list without the key "
	"with "
	"which the database\n"
	"was sealed first is refused.\n\n"
	"`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured by all outbound HTTP calls.\n";

void config_print_docs(FILE *out, const struct setting *table, size_t count)
{
	(void)fputs(docs_head, out);
	for (size_t i = 0; i < count; i++) {
		if (table[i].group) (void)fprintf(out, "\n## %s\n\n%s", table[i].group, group_head);
		print_docs_row(out, &table[i]);
	}
}
