#ifndef OHDC_IO_DB_PARAMS_H
#define OHDC_IO_DB_PARAMS_H

/* A statement's parameters: DB_PARAMS(text, number, flag) knows each one's SQL form by its C type. */

#include "common/base/attr.h"
#include "common/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum { DB_PARAMS_MAX = 32 };

enum db_kind { DB_TEXT, DB_NUMBER, DB_BYTES };

/** One parameter; a NULL `ptr` of a text or of bytes is SQL null. */
struct db_value {
	enum db_kind kind;
	const void *ptr; /**< borrowed until db_run() returned */
	size_t len;      /**< of bytes */
	int64_t number;
};

/** A statement's parameters, in order. */
struct db_params {
	struct db_value values[DB_PARAMS_MAX];
	int count;
};

/** A text; NULL is SQL null. */
NODISCARD struct db_value db_value_text(const char *text);

/** An integer. */
NODISCARD struct db_value db_value_int(int64_t number);

/** A boolean. */
NODISCARD struct db_value db_value_bool(bool value);

/** Bytes (bytea); a NULL pointer is SQL null. */
NODISCARD struct db_value db_value_bytes(struct bytes bytes);

/** A row's id; 0 is SQL null. */
NODISCARD struct db_value db_value_id(int64_t id);

/** The value itself, for DB_VALUE(). */
NODISCARD struct db_value db_value_same(struct db_value value);

/**
 * The parameter of an expression's type: texts, NULL, integers, bool, struct bytes, a
 * struct db_value; another type does not compile.
 */
#define DB_VALUE(x)                           \
	_Generic((x),                         \
		const char *: db_value_text,  \
		char *: db_value_text,        \
		void *: db_value_text,        \
		bool: db_value_bool,          \
		int: db_value_int,            \
		unsigned: db_value_int,       \
		long: db_value_int,           \
		long long: db_value_int,      \
		struct bytes: db_value_bytes, \
		struct db_value: db_value_same)(x)

/** One to 20 parameters for db_run() and db_query(); lives as long as the block it stands in. */
#ifdef __cppcheck__ /* which misreads what the other makes */
#define DB_PARAMS(...) db_params_of(__VA_ARGS__)
#else
#define DB_PARAMS(...) \
	(&(struct db_params){.values = {DB_EACH(DB_COUNT(__VA_ARGS__), __VA_ARGS__)}, .count = DB_COUNT(__VA_ARGS__)})
#endif

/* The number of arguments, and DB_VALUE() of each of them. */
#define DB_COUNT(...) DB_NTH(__VA_ARGS__, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define DB_NTH(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16, p17, p18, p19, p20, n, ...) n
#define DB_EACH(n, ...) DB_EACH_N(n, __VA_ARGS__)
#define DB_EACH_N(n, ...) DB_EACH_##n(__VA_ARGS__)
#define DB_EACH_1(p) DB_VALUE(p)
#define DB_EACH_2(p, ...) DB_VALUE(p), DB_EACH_1(__VA_ARGS__)
#define DB_EACH_3(p, ...) DB_VALUE(p), DB_EACH_2(__VA_ARGS__)
#define DB_EACH_4(p, ...) DB_VALUE(p), DB_EACH_3(__VA_ARGS__)
#define DB_EACH_5(p, ...) DB_VALUE(p), DB_EACH_4(__VA_ARGS__)
#define DB_EACH_6(p, ...) DB_VALUE(p), DB_EACH_5(__VA_ARGS__)
#define DB_EACH_7(p, ...) DB_VALUE(p), DB_EACH_6(__VA_ARGS__)
#define DB_EACH_8(p, ...) DB_VALUE(p), DB_EACH_7(__VA_ARGS__)
#define DB_EACH_9(p, ...) DB_VALUE(p), DB_EACH_8(__VA_ARGS__)
#define DB_EACH_10(p, ...) DB_VALUE(p), DB_EACH_9(__VA_ARGS__)
#define DB_EACH_11(p, ...) DB_VALUE(p), DB_EACH_10(__VA_ARGS__)
#define DB_EACH_12(p, ...) DB_VALUE(p), DB_EACH_11(__VA_ARGS__)
#define DB_EACH_13(p, ...) DB_VALUE(p), DB_EACH_12(__VA_ARGS__)
#define DB_EACH_14(p, ...) DB_VALUE(p), DB_EACH_13(__VA_ARGS__)
#define DB_EACH_15(p, ...) DB_VALUE(p), DB_EACH_14(__VA_ARGS__)
#define DB_EACH_16(p, ...) DB_VALUE(p), DB_EACH_15(__VA_ARGS__)
#define DB_EACH_17(p, ...) DB_VALUE(p), DB_EACH_16(__VA_ARGS__)
#define DB_EACH_18(p, ...) DB_VALUE(p), DB_EACH_17(__VA_ARGS__)
#define DB_EACH_19(p, ...) DB_VALUE(p), DB_EACH_18(__VA_ARGS__)
#define DB_EACH_20(p, ...) DB_VALUE(p), DB_EACH_19(__VA_ARGS__)

#endif
