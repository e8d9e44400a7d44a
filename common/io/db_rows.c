/* Parameters of a statement and the cells of its rows. */
#include "common/io/db.h"

#include <libpq-fe.h>

#include "common/base/encode.h"
#include "common/base/mem.h"
#include "common/base/number.h"

#include "common/base/banned.h"

struct db_value db_value_text(const char *text)
{
	return (struct db_value){.kind = DB_TEXT, .ptr = text};
}

struct db_value db_value_int(int64_t number)
{
	return (struct db_value){.kind = DB_NUMBER, .number = number};
}

struct db_value db_value_bool(bool value)
{
	return db_value_text(value ? "t" : "f");
}

struct db_value db_value_bytes(struct bytes bytes)
{
	return (struct db_value){.kind = DB_BYTES, .ptr = bytes.ptr, .len = bytes.len};
}

struct db_value db_value_id(int64_t id)
{
	return id != 0 ? db_value_int(id) : db_value_text(NULL);
}

struct db_value db_value_same(struct db_value value)
{
	return value;
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

const char *db_text_or_null(const struct db_rows *rows, int row, int column)
{
	return db_is_null(rows, row, column) ? NULL : db_text(rows, row, column);
}

char *db_copy(const struct db_rows *rows, int row, int column)
{
	return mem_dup(db_text_or_null(rows, row, column));
}

int64_t db_int(const struct db_rows *rows, int row, int column)
{
	int64_t number = 0;
	if (!number_parse(db_text(rows, row, column), INT64_MIN, INT64_MAX, &number, NULL)) return 0;
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
