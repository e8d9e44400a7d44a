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
	bool is_bare = !cli->is_usage && strstr(err->message, "42P01") != NULL;
	(void)fprintf(stderr, "ohdc: %s%s\n", err->message, is_bare ? "; run 'ohdc migrate' first" : "");
	bool is_away = err->code == ERR_NETWORK || err->code == ERR_TIMEOUT || err->code == ERR_BUSY;
	if (is_away) return CLI_UNREACHABLE;
	return cli->is_usage ? CLI_USAGE : CLI_FAILED;
}

void cli_print_json(const json_t *object)
{
	CLEANUP(mem_free_text) char *text = json_compact(object);
	puts(text);
}

/* New object from one row. */
static json_t *row_object(const struct cli_query *query, const struct db_rows *rows, int row)
{
	json_t *object = json_object();
	for (size_t i = 0; i < query->count; i++)
		json_object_set_new(object, query->names[i], json_pack("s?", db_text_or_null(rows, row, (int)i)));
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

static void print_table(const struct cli_query *query, const struct db_rows *rows)
{
	int widths[COLUMNS_MAX] = {0};
	for (size_t i = 0; i < query->count; i++) {
		widths[i] = width_of(rows, query->names[i], i);
		print_cell(query->names[i], widths[i], i + 1 == query->count);
	}
	for (int row = 0; row < rows->count; row++) {
		for (size_t i = 0; i < query->count; i++)
			print_cell(cell(rows, row, i), widths[i], i + 1 == query->count);
	}
}

static void print_member(const char *name, int width, const json_t *value)
{
	CLEANUP(mem_free_text) char *text = json_is_string(value) ? mem_dup(json_string_value(value))
								  : json_compact(value);
	printf("%-*s  %s\n", width, name, json_is_null(value) ? "-" : text);
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

void cli_print_object(const struct cli *cli, const json_t *object)
{
	if (cli->is_json)
		cli_print_json(object);
	else
		print_members(object);
}

bool cli_list(struct cli *cli, const struct cli_query *query, const struct db_params *params, struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!cli_query(cli, query->sql, params, &rows, err)) return false;
	if (!cli->is_json) print_table(query, &rows);
	for (int row = 0; cli->is_json && row < rows.count; row++) {
		json_auto_t *object = row_object(query, &rows, row);
		cli_print_json(object);
	}
	return true;
}

bool cli_show(struct cli *cli, const struct cli_query *query, const struct db_params *params, const char *missing,
	      struct err *err)
{
	CLEANUP(db_rows_done) struct db_rows rows = {0};
	if (!cli_query(cli, query->sql, params, &rows, err)) return false;
	if (rows.count == 0) return err_set(err, ERR_NOT_FOUND, "%s", missing);
	json_auto_t *object = query->names ? row_object(query, &rows, 0) : json_loads(db_text(&rows, 0, 0), 0, NULL);
	cli_print_object(cli, object);
	return true;
}

bool cli_answer(struct cli *cli, const char *sql, const struct db_params *params, const char *missing, struct err *err)
{
	return cli_show(cli, &(struct cli_query){.sql = sql}, params, missing, err);
}
