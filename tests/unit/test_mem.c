/* mem: zeroed blocks, copies, and the end of the process when a request is impossible. */
#include "common/base/mem.h"
#include "tests/unit/check.h"

#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/banned.h"

static void test_mem_zalloc_is_zeroed(void)
{
	uint8_t *block = mem_zalloc(16, 4);
	for (size_t i = 0; i < 64; i++)
		CU_ASSERT_EQUAL(block[i], 0);
	mem_free(block);

	void *empty = mem_zalloc(0, 0);
	CU_ASSERT_PTR_NOT_NULL(empty);
	mem_free(empty);
	mem_free(NULL);
}

static void test_mem_resize_keeps_content(void)
{
	char *block = mem_resize(NULL, 3, 1);
	memcpy(block, "ab", 3);
	block = mem_resize(block, 1000, 8);
	CU_ASSERT_STRING_EQUAL(block, "ab");
	block = mem_resize(block, 0, 8);
	CU_ASSERT_PTR_NOT_NULL(block);
	mem_free(block);
}

static void test_mem_dup_copies(void)
{
	CLEANUP(mem_free_text) char *copy = mem_dup("text");
	CLEANUP(mem_free_text) char *part = mem_dup_n("abc", 2);
	CLEANUP(mem_free_text) char *none = mem_dup_n(NULL, 0);
	CU_ASSERT_STRING_EQUAL(copy, "text");
	CU_ASSERT_STRING_EQUAL(part, "ab");
	CU_ASSERT_STRING_EQUAL(none, "");
	CU_ASSERT_PTR_NULL(mem_dup(NULL));
}

static void test_mem_free_text_forgets(void)
{
	char *copy = mem_dup("text");
	mem_free_text(&copy);
	CU_ASSERT_PTR_NULL(copy);
	mem_free_text(&copy);
}

static void test_mem_wipe_overwrites(void)
{
	char text[] = "secret";
	mem_wipe(text, 3);
	CU_ASSERT_EQUAL(memcmp(text, "\0\0\0ret", 6), 0);
	mem_wipe(NULL, 0);
}

static void ask_too_much(int way)
{
	volatile size_t count = SIZE_MAX / 2;

	if (way == 0) mem_free(mem_zalloc(count, 3));
	if (way == 1) mem_free(mem_resize(NULL, count, 3));
	if (way == 2) mem_free(mem_dup_n("", 2 * count + 1));
}

static void test_mem_overflow_ends_process(void)
{
	static const char *const names[] = {"zalloc", "resize", "dup_n"};
	for (int way = 0; way < 3; way++) {
		int status = 0;
		pid_t child = fork();
		if (child == 0) {
			ask_too_much(way);
			_exit(0);
		}
		CHECK(names[way], child > 0 && waitpid(child, &status, 0) == child);
		CHECK(names[way], WIFEXITED(status) && WEXITSTATUS(status) == MEM_EXIT_STATUS);
	}
}

void suite_mem(void)
{
	CU_pSuite suite = CU_add_suite("mem", NULL, NULL);
	CU_ADD_TEST(suite, test_mem_zalloc_is_zeroed);
	CU_ADD_TEST(suite, test_mem_resize_keeps_content);
	CU_ADD_TEST(suite, test_mem_dup_copies);
	CU_ADD_TEST(suite, test_mem_free_text_forgets);
	CU_ADD_TEST(suite, test_mem_wipe_overwrites);
	CU_ADD_TEST(suite, test_mem_overflow_ends_process);
}
