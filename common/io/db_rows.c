/* Parameters of a statement and the cells of its rows. */
#include "common/io/db.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#include <libpq-fe.h>

#include "common/base/encode.h"
#include "common/base/mem.h"
#include "common/base/number.h"

#include "common/base/banned.h"

static int next_param(struct db_params *params)
{
	assert(params->count < DB_PARAMS_MAX);
	return params->count++;
}

void db_add_text(struct db_params *params, const char *text)
{
	int at = next_param(params);

	params->values[at] = text;
	params->lengths[at] = 0; /* ignored for text */
	params->formats[at] = 0;
}

void db_add_int(struct db_params *params, int64_t number)
{
	int at = next_param(params);

	(void)snprintf(params->numbers[at], sizeof(params->numbers[at]), "%lld", (long long)number);
	params->values[at] = params->numbers[at];
	params->lengths[at] = 0;
	params->formats[at] = 0;
}

void db_add_bool(struct db_params *params, bool value)
{
	db_add_text(params, value ? "t" : "f");
}

void db_add_bytes(struct db_params *params, struct bytes bytes)
{
	int at = next_param(params);

	assert(bytes.len <= INT_MAX);
	params->values[at] = (const char *)bytes.ptr;
	params->lengths[at] = (int)bytes.len;
	params->formats[at] = 1;
}

void db_rows_done(struct db_rows *rows)
{
	if (!rows) return;
	PQclear(rows->result);
	*rows = (struct db_rows){0};
}

const char *db_text(const struct db_rows *rows, int row, int column)
{
	return PQgetvalue(rows->result, row, column);
}

bool db_is_null(const struct db_rows *rows, int row, int column)
{
	return PQgetisnull(rows->result, row, column) != 0;
}

char *db_copy(const struct db_rows *rows, int row, int column)
{
	return db_is_null(rows, row, column) ? NULL : mem_dup(db_text(rows, row, column));
}

int64_t db_int(const struct db_rows *rows, int row, int column)
{
	int64_t number = 0;

	if (!number_parse(db_text(rows, row, column), INT64_MIN, INT64_MAX, &number, NULL))
		return 0;
	return number;
}

bool db_bool(const struct db_rows *rows, int row, int column)
{
	return db_text(rows, row, column)[0] == 't';
}

bool db_hex(const struct db_rows *rows, int row, int column, uint8_t **ret, size_t *ret_len)
{
	struct bytes hex = bytes_text(db_text(rows, row, column));
	size_t len = hex.len / 2;

	if (db_is_null(rows, row, column) || hex.len % 2 != 0) return false;
	uint8_t *bytes = mem_zalloc(len + 1, 1);
	if (!decode_hex(hex, bytes, len)) {
		mem_free(bytes);
		return false;
	}
	*ret = bytes;
	*ret_len = len;
	return true;
}
