/* Allocation that succeeds or ends the process. */
#include "common/base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/banned.h"

/* No message, no handlers: the supervisor knows the status, the broker redelivers the work. */
void mem_gone(void)
{
	_Exit(MEM_EXIT_STATUS);
}

void *mem_zalloc(size_t count, size_t size)
{
	size_t total;
	/* Asked here: a sanitizer's calloc() ends the process in its own way. */
	if (__builtin_mul_overflow(count, size, &total)) mem_gone();
	void *block = calloc(total > 0 ? total : 1, 1);
	if (!block) mem_gone();
	return block;
}

void *mem_resize(void *old, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total)) mem_gone();
	/* realloc(old, 0) means different things to different C libraries. */
	void *block = realloc(old, total > 0 ? total : 1);
	if (!block) mem_gone();
	return block;
}

char *mem_dup(const char *text)
{
	return text ? mem_dup_n(text, strlen(text)) : NULL;
}

char *mem_dup_n(const void *ptr, size_t len)
{
	if (len == SIZE_MAX) mem_gone();
	char *copy = mem_zalloc(len + 1, 1);

	if (len > 0) memcpy(copy, ptr, len);
	return copy;
}

void mem_free(void *block)
{
	free(block);
}

void mem_set(char **place, const char *text)
{
	char *copy = mem_dup(text);
	mem_free(*place);
	*place = copy;
}

void mem_free_each(void *const *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		mem_free(blocks[i]);
}

void mem_wipe(void *block, size_t len)
{
	if (len > 0) explicit_bzero(block, len);
}

void mem_wipe_free(char *text)
{
	if (text) mem_wipe(text, strlen(text));
	mem_free(text);
}

void mem_free_text(char **text)
{
	mem_free(*text);
	*text = NULL;
}
