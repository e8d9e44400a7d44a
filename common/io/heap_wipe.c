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
void *libc_malloc(size_t size) __asm__("__libc_malloc");
void *libc_calloc(size_t count, size_t size) __asm__("__libc_calloc");
void libc_free(void *block) __asm__("__libc_free");

void *malloc(size_t size)
{
	return libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
	return libc_calloc(nmemb, size);
}

void free(void *ptr)
{
	if (!ptr) return;
	mem_wipe(ptr, malloc_usable_size(ptr));
	libc_free(ptr);
}

/* Never moves in the C library's hands: that would leave a copy behind. */
void *realloc(void *ptr, size_t size)
{
	size_t had = ptr ? malloc_usable_size(ptr) : 0;
	if (ptr && size == 0) {
		free(ptr);
		return NULL;
	}
	if (size <= had && size >= had / 2) {
		mem_wipe((char *)ptr + size, had - size);
		return ptr;
	}
	void *moved = libc_malloc(size);
	if (!moved || !ptr) return moved;
	memcpy(moved, ptr, had < size ? had : size);
	free(ptr);
	return moved;
}
