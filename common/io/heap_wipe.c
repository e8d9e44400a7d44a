/*
 * Replaces the C library's heap functions in programs that see people's credentials: what is freed is overwritten first, also what
 * libcurl, OpenSSL, jansson and libmicrohttpd free. Linked by name (see Makefile), into no archive; sanitizers bring their own heap.
 */

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"

#include "common/base/banned.h"

/* The C library's own, under the names it exports for this purpose. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void __libc_free(void *block);

void *malloc(size_t size)
{
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return __libc_calloc(count, size);
}

void free(void *block)
{
	if (!block) return;
	mem_wipe(block, malloc_usable_size(block));
	__libc_free(block);
}

/* Never moves in the C library's hands: that would leave a copy behind. */
void *realloc(void *old, size_t size)
{
	size_t had = old ? malloc_usable_size(old) : 0;

	if (old && size == 0) {
		free(old);
		return NULL;
	}
	if (size <= had && size >= had / 2) {
		mem_wipe((char *)old + size, had - size);
		return old;
	}
	void *moved = __libc_malloc(size);
	if (!moved || !old) return moved;
	memcpy(moved, old, had < size ? had : size);
	free(old);
	return moved;
}
