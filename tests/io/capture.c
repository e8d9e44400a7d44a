/* Captures standard error in a memory file. */

#include "tests/io/capture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/banned.h"

void capture_begin(struct capture *capture)
{
	capture->file = memfd_create("capture", MFD_CLOEXEC);
	capture->saved_stderr = dup(STDERR_FILENO);
	(void)dup2(capture->file, STDERR_FILENO);
}

char *capture_end(struct capture *capture)
{
	struct stat status = {0};
	char *text;
	ssize_t got;
	(void)dup2(capture->saved_stderr, STDERR_FILENO);
	(void)close(capture->saved_stderr);
	(void)fstat(capture->file, &status);
	text = calloc(1, (size_t)status.st_size + 1);
	if (text == NULL) abort();
	got = pread(capture->file, text, (size_t)status.st_size, 0);
	text[got > 0 ? got : 0] = '\0';
	(void)close(capture->file);
	return text;
}

json_t *capture_line(const char *text, size_t index)
{
	for (; index > 0; index--) {
		text = strchr(text, '\n');
		if (text == NULL) return NULL;
		text++;
	}
	return json_loadb(text, strcspn(text, "\n"), JSON_REJECT_DUPLICATES, NULL);
}

size_t capture_count(const char *text)
{
	size_t count = 0;
	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}
