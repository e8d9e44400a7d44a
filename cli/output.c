/* What the program prints: tables for people, one JSON object a line for machines, one line for errors. */

#include "cli/cli.h"
#include "common/base/json_field.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <string.h>

#include "common/base/banned.h"

enum { COLUMNS_MAX = 16, WIDTH_MAX = 60 };

int cli_fail(const struct err *err)
{
	(void)fprintf(stderr, "ohdc: %s\n", err->message);
	bool is_away = err->code == ERR_NETWORK || err->code == ERR_TIMEOUT || err->code == ERR_BUSY;
	return is_away ? CLI_UNREACHABLE : CLI_FAILED;
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

json_t *cli_row_object(const struct db_rows *rows, int row, const char *const *names, int columns)
{
	json_t *object = json_object();
	for (int i = 0; i < columns; i++) {
		json_t *value = db_is_null(rows, row, i) ? json_null()
							 : json_string(db_text(rows, row, i));
		json_object_set_new(object, names[i], value);
	}
	return object;
}

void cli_print_rows(const struct db_rows *rows, const char *const *names, int columns)
{
	for (int row = 0; row < rows->count; row++) {
		json_auto_t *object = cli_row_object(rows, row, names, columns);
		cli_print_json(object);
	}
}

static void measure(const struct db_rows *rows, const char *const *headers, int columns,
		    int ret[COLUMNS_MAX])
{
	for (int i = 0; i < columns; i++) {
		ret[i] = (int)strlen(headers[i]);
		for (int row = 0; row < rows->count; row++) {
			int len = (int)strlen(db_text(rows, row, i));
			ret[i] = len > ret[i] ? len : ret[i];
		}
		ret[i] = ret[i] > WIDTH_MAX ? WIDTH_MAX : ret[i];
	}
}

void cli_print_table(const struct db_rows *rows, const char *const *headers, int columns)
{
	int widths[COLUMNS_MAX] = {0};
	measure(rows, headers, columns, widths);
	for (int i = 0; i < columns; i++)
		printf("%-*s%s", i + 1 < columns ? widths[i] : 0, headers[i],
		       i + 1 < columns ? "  " : "\n");
	for (int row = 0; row < rows->count; row++) {
		for (int i = 0; i < columns; i++) {
			const char *cell = db_is_null(rows, row, i) ? "-" : db_text(rows, row, i);
			printf("%-*s%s", i + 1 < columns ? widths[i] : 0, cell,
			       i + 1 < columns ? "  " : "\n");
		}
	}
}
