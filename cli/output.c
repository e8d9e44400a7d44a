/* What the program prints: tables for people, one JSON object a line for machines, one line for errors. */

#include "cli/cli.h"
#include "common/base/json_field.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { COLUMNS_MAX = 24, WIDTH_MAX = 60 };

int cli_fail(const struct cli *cli, const struct err *err)
{
	/* 42P01: no such table, so nobody has made the schema yet. */
	bool is_bare = strstr(err->message, "42P01") != NULL;
	(void)fprintf(stderr, "ohdc: %s%s\n", err->message, is_bare ? "; run 'ohdc migrate' first" : "");
	bool is_away = err->code == ERR_NETWORK || err->code == ERR_TIMEOUT || err->code == ERR_BUSY;
	if (is_away) return CLI_UNREACHABLE;
	return cli->is_setting_wrong ? CLI_USAGE : CLI_FAILED;
}

int cli_usage(const struct err *err)
{
	(void)fprintf(stderr, "ohdc: %s\n", err->message);
	return CLI_USAGE;
}

void cli_print_json(const json_t *object)
{
	CLEANUP(mem_free_text) char *text = json_compact(object);
	puts(text);
}

void cli_print_json_text(const char *text)
{
	json_auto_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (value) cli_print_json(value);
}

/* New object from one row. */
static json_t *row_object(const struct db_rows *rows, int row, const char *const *names, size_t count)
{
	json_t *object = json_object();
	for (size_t i = 0; i < count; i++) {
		bool is_null = db_is_null(rows, row, (int)i);
		json_object_set_new(object, names[i], is_null ? json_null() : json_string(db_text(rows, row, (int)i)));
	}
	return object;
}

/* ---- for people ------------------------------------------------------------------------------------------------ */

static const char *cell(const struct db_rows *rows, int row, size_t column)
{
	return db_is_null(rows, row, (int)column) ? "-" : db_text(rows, row, (int)column);
}

static int width_of(const struct db_rows *rows, const char *name, size_t column)
{
	size_t width = strlen(name);
	for (int row = 0; row < rows->count; row++) {
		size_t len = strlen(cell(rows, row, column));
		width = len > width ? len : width;
	}
	return (int)(width > WIDTH_MAX ? WIDTH_MAX : width);
}

static void print_cell(const char *text, int width, bool is_last)
{
	printf("%-*s%s", is_last ? 0 : width, text, is_last ? "\n" : "  ");
}

static void print_table(const struct db_rows *rows, const char *const *names, size_t count)
{
	int widths[COLUMNS_MAX] = {0};
	for (size_t i = 0; i < count; i++) {
		widths[i] = width_of(rows, names[i], i);
		print_cell(names[i], widths[i], i + 1 == count);
	}
	for (int row = 0; row < rows->count; row++) {
		for (size_t i = 0; i < count; i++)
			print_cell(cell(rows, row, i), widths[i], i + 1 == count);
	}
}

static void print_member(const char *name, int width, const json_t *value)
{
	if (json_is_string(value))
		printf("%-*s  %s\n", width, name, json_string_value(value));
	else if (json_is_null(value))
		printf("%-*s  -\n", width, name);
	else {
		CLEANUP(mem_free_text) char *text = json_compact(value);
		printf("%-*s  %s\n", width, name, text);
	}
}

static void print_members(const json_t *object)
{
	const char *name;
	json_t *value;
	size_t width = 0;
	json_object_foreach((json_t *)(uintptr_t)object, name, value) width = strlen(name) > width ? strlen(name) : width;
	json_object_foreach((json_t *)(uintptr_t)object, name, value) print_member(name, (int)width, value);
}

/* ---- for both -------------------------------------------------------------------------------------------------- */

void cli_print_list(const struct cli *cli, const struct db_rows *rows, const char *const *names, size_t count)
{
	if (!cli->is_json) {
		print_table(rows, names, count);
		return;
	}
	for (int row = 0; row < rows->count; row++) {
		json_auto_t *object = row_object(rows, row, names, count);
		cli_print_json(object);
	}
}

void cli_print_object(const struct cli *cli, const json_t *object)
{
	if (cli->is_json)
		cli_print_json(object);
	else
		print_members(object);
}

void cli_print_row(const struct cli *cli, const struct db_rows *rows, const char *const *names, size_t count)
{
	json_auto_t *object = row_object(rows, 0, names, count);
	cli_print_object(cli, object);
}
