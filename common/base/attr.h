#ifndef OHDC_BASE_ATTR_H
#define OHDC_BASE_ATTR_H

/* Compiler attributes, spelled once. */

#include <stddef.h>

/** The caller must look at the result. */
#define NODISCARD __attribute__((warn_unused_result))

/** Argument `fmt` is a printf format whose values start at argument `args`. */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/** A parameter that the function's type demands and its body does not need. */
#define UNUSED __attribute__((unused))

/** Call `done(&variable)` when the variable leaves its scope. */
#define CLEANUP(done) __attribute__((cleanup(done)))

/** Make `done` the cleanup function of variables of the pointer type `type`: `release(variable)` unless it is NULL. */
#define CLEANUP_FUNCTION(done, type, release)            \
	static inline void done(type *variable)          \
	{                                                \
		if (*variable) (void)release(*variable); \
	}                                                \
	_Static_assert(sizeof(type) == sizeof(void *), "a pointer")

/** The function does not come back. */
#define NORETURN __attribute__((noreturn))

/** Number of elements of a true array. */
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
