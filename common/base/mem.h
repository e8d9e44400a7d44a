#ifndef OHDC_BASE_MEM_H
#define OHDC_BASE_MEM_H

/* Checked allocation: small, bounded requests that end the process when memory is gone (the work is redelivered). */

#include "common/base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/** Exit status of a process that ran out of memory. */
enum { MEM_EXIT_STATUS = 70 };

/** End the process: memory is gone (for results of libraries that may be NULL). Nothing is printed. */
NORETURN void mem_gone(void);

/** New zeroed block of `count` × `size` bytes; never NULL; ends the process on overflow or when memory is gone. */
NODISCARD void *mem_zalloc(size_t count, size_t size);

/** Block `old` (taken, may be NULL) resized to `count` × `size` bytes; never NULL. */
NODISCARD void *mem_resize(void *old, size_t count, size_t size);

/** New copy of the text `text`; NULL gives NULL. Free with mem_free(). */
NODISCARD char *mem_dup(const char *text);

/** New NUL-terminated copy of `len` bytes at `ptr`. */
NODISCARD char *mem_dup_n(const void *ptr, size_t len);

/** Free a block; NULL is fine. */
void mem_free(void *block);

/** Put a new copy of `text` (NULL: nothing; may point into the old one) in the place of an owned text. */
void mem_set(char **place, const char *text);

/** Free each of the blocks named; NULL is fine. */
#define MEM_FREE_ALL(...) mem_free_each((void *[]){__VA_ARGS__}, sizeof((void *[]){__VA_ARGS__}) / sizeof(void *))

/** Free `count` blocks (MEM_FREE_ALL counts them). */
void mem_free_each(void *const *blocks, size_t count);

/** Move what the local variable `from` owns to `*(ret)` and leave it zeroed for its cleanup; true. */
#define MOVE(ret, from) (*(ret) = (from), (void)memset(&(from), 0, sizeof(from)), true)

/** Overwrite `len` bytes so that the compiler cannot leave it out. */
void mem_wipe(void *block, size_t len);

/** Overwrite and free a text; NULL is fine. */
void mem_wipe_free(char *text);

/** Cleanup function for `CLEANUP(mem_free_text) char *x`. */
void mem_free_text(char **text);

#endif
