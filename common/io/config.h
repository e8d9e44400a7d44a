#ifndef OHDC_IO_CONFIG_H
#define OHDC_IO_CONFIG_H

/* Settings of one program: read from the environment and from secret files by the table, checked once, then looked up. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/base/setting.h"
#include "common/io/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config;

/**
 * Read and check all settings of `table` that `reader` (one bit) uses. ERR_INPUT: one line naming the setting, what was found
 * (never a secret) and what is expected. `ret` is new. An empty value counts as not set. The config may be read by all threads.
 * Unknown OHDC_ variables are logged at warn. Looking up a name that `reader` does not read ends the process (our mistake).
 */
NODISCARD bool config_load(const struct setting *table, size_t count, enum setting_reader reader, struct config **ret,
			   struct err *err);

/** Free; NULL is fine. */
void config_free(struct config *config);

/** Value of a text, URL, host, listen, label, file, choice or list ("a,b") setting, borrowed; NULL when not set and without default. */
NODISCARD const char *config_text(const struct config *config, const char *name);

/** Value of an integer setting. */
NODISCARD int64_t config_int(const struct config *config, const char *name);

/** Values of a setting with several integers, in order, at most `size`; returns how many. */
NODISCARD size_t config_ints(const struct config *config, const char *name, int64_t *ret, size_t size);

/** Value of a boolean setting. */
NODISCARD bool config_bool(const struct config *config, const char *name);

/**
 * Copy of a secret as it is now (NAME_FILE is re-read when it changed; a wrong new value keeps the old one); false, and `ret` as it
 * was, when not set.
 */
bool config_secret(struct config *config, const char *name, struct secret *ret);

/** Read a secret of one line from a file that the setting `name` has led to. ERR_INPUT names both, and what was found. */
NODISCARD bool config_read_file(const char *name, const char *path, struct secret *ret, struct err *err);

/** Which content of a file was seen; zeroed: none. */
struct config_file_id {
	int64_t figures[7]; /**< device, inode, size, times of content and rights in seconds and nanoseconds */
};

/** Read a file of at most `most` bytes; NULL, or what was found instead (`ret` is as it was). */
NODISCARD const char *config_read(const char *path, size_t most, struct secret *ret, struct config_file_id *ret_id);

/** The file as it is now, symbolic links followed (Kubernetes swaps one); zeroed when it cannot be seen. */
NODISCARD struct config_file_id config_look_at(const char *path);

/** Whether the content is the one that was seen. */
NODISCARD bool config_is_same_file(const struct config_file_id *a, const struct config_file_id *b);

/** Re-read the files of all secrets that changed; a gauge of each says whether its new content was refused. */
void config_refresh(struct config *config, struct metrics *metrics);

/** The gauge: 1 while the newest content of a setting's file cannot be used. */
NODISCARD struct metric *config_refused(struct metrics *metrics, const char *setting);

/** Print the settings that `reader` uses for --help. */
void config_print_help(FILE *out, const struct setting *table, size_t count, enum setting_reader reader);

/** Print docs/config.md. */
void config_print_docs(FILE *out, const struct setting *table, size_t count);

#endif
